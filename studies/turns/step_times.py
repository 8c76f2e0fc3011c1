"""Is a step as long in turns as in blocks?

    python studies/turns/step_times.py FOLDER [--times 8] [--env jax=.tox/jax …]

Rounds in turns and in blocks follow one another; neighbours are paired. ``--times`` are the rounds
of each. A folder of ``spread.py`` (``FOLDER/time-1``) serves as well.
"""

from __future__ import annotations

import math

from harness.analysis.speed.interval import ratio
from harness.analysis.step_time import step_time_s
from harness.backends import BACKENDS
from studies.turns.campaigns import asked, both_ways, show, table


def main() -> None:
    """Run what is missing, and print the ratio of each backend with its interval."""
    study = asked(__doc__, times=8)
    rounds = both_ways(study.folder, study.times, study.rest)
    rows = []
    for backend in BACKENDS:
        logs = []
        for pair in zip(rounds["on"], rounds["off"], strict=True):
            steps_s = [
                step_s
                for records in pair
                for record in records
                if record.cell.backend == backend and (step_s := step_time_s(record)) is not None
            ]
            if len(steps_s) == len(pair):
                logs.append(math.log(steps_s[0] / steps_s[1]))
        found = ratio(logs)
        if found is None or found.low is None or found.high is None:
            rows.append((backend, len(logs), "–" if found is None else f"{found.value:.3f}", "–"))
        else:
            interval = f"{found.low:.3f} to {found.high:.3f}"
            rows.append((backend, found.rounds, f"{found.value:.3f}", interval))
    header = ("backend", "rounds", "step time in turns over in blocks (bound 0.98–1.02)", "95%")
    show(table(header, rows))


if __name__ == "__main__":
    main()
