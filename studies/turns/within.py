"""How narrow are the intervals after a wall time, alone or beside busy processes?

    python studies/turns/within.py FOLDER [--times 3] [--budget 3m] [--backends jax,tf,torch] \
        [--busy] [--env jax=.tox/jax …]

``--busy`` runs each campaign beside the processes of ``studies/twins/busy.py``, other ones each
time.
"""

from __future__ import annotations

import statistics
import sys

from harness.backends import BACKENDS
from studies.turns.campaigns import NEVER, asked, campaign, half_widths, share, show, table


def main() -> None:
    """Run what is missing, and print every half-width and their median."""
    study = asked(
        __doc__,
        times=3,
        budget={"default": "3m"},
        backends={"default": ",".join(BACKENDS)},
        busy={"action": "store_true"},
    )
    widths: dict[str, list[float]] = {}
    rows = []
    for number in range(1, study.times + 1):
        beside = [sys.executable, "-m", "studies.twins.busy", "--seed", str(100 + 2 * number)]
        options = ["--backend", study.own.backends, "--precision", NEVER]
        options += ["--budget", study.own.budget, "--turns", "on", *study.rest]
        results = study.folder / f"{number:02}"
        records = campaign(results, options, beside=beside if study.own.busy else ())
        rounds = len({record.round for record in records})
        for pair, width in half_widths(results).items():
            widths.setdefault(pair, []).append(width)
            rows.append((number, pair, rounds, share(width)))
    show(table(("time", "pair", "rounds", "half-width"), rows))
    medians = [(pair, share(statistics.median(each))) for pair, each in sorted(widths.items())]
    show(table(("pair", "half-width, median"), medians))


if __name__ == "__main__":
    main()
