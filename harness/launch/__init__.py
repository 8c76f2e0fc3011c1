"""Runs each trial in its environment: a fresh process, variables built explicitly, one record.

`environments` finds the interpreters, `devices` settles where a cell runs, `variables` builds what
the child sees, `process` runs and ends it, `local` makes the record of a trial. `campaign` goes
through a plan: `steering` tells it when to stop, `forecast` how long it takes, `resume` what an
earlier run has left to do, and `lock` that no other campaign measures meanwhile.
"""
