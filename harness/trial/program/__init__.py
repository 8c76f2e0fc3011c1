"""A user's own script under the clocks of a trial: run unchanged, its trainings watched.

``script.py`` runs it, ``watch.py`` sees what it asks of Keras, ``start.py`` gives its models common
initial weights, ``choice.py`` decides which training counts, ``repeat.py`` goes on with that until
the time budget is used, and ``measure.py`` makes the record.
"""
