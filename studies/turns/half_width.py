"""How narrow are the intervals after the same wall time, with turns and without?

    python studies/turns/half_width.py FOLDER [--times 3] [--budget 3m] [--busy] \
        [--turns on,off] [--backends jax,tensorflow,torch] [--env jax=.tox/jax …]

Campaigns with turns and without alternate; ``--turns on`` runs those with turns alone. ``--busy``
runs each beside the processes of ``studies/twins/busy.py``, other ones each time.
"""

from __future__ import annotations

import statistics

from harness.backends import BACKENDS
from studies.turns.campaigns import (
    NEVER,
    asked,
    campaign,
    disturbing,
    half_widths,
    share,
    show,
    table,
    wider,
)

BOUND = 0.6


def main() -> None:
    """Run what is missing, and print every half-width and the ratio of the medians."""
    study = asked(
        __doc__,
        times=3,
        budget={"default": "3m"},
        busy={"action": "store_true"},
        turns={"default": "on,off"},
        backends={"default": ",".join(BACKENDS)},
    )
    ways = study.own.turns.split(",")
    widths: dict[str, dict[str, list[float]]] = {way: {} for way in ways}
    rows = []
    for number in range(1, study.times + 1):
        for way in ways if number % 2 else ways[::-1]:
            results = study.folder / f"{number:02}-{way}"
            options = ["--backend", study.own.backends, "--precision", NEVER]
            options += ["--budget", study.own.budget, "--turns", way, *study.rest]
            with disturbing(study, number):
                records = campaign(results, options)
            for pair, width in half_widths(results).items():
                widths[way].setdefault(pair, []).append(width)
                rounds = len({record.round for record in records})
                rows.append((number, way, pair, rounds, share(width)))
    show(table(("time", "turns", "pair", "rounds", "half-width"), rows))
    lines = []
    for pair in sorted(set.intersection(*map(set, widths.values()))):
        medians = [statistics.median(widths[way][pair]) for way in ways]
        compared = (wider(*medians),) if len(medians) == 2 else ()
        lines.append((pair, *map(share, medians), *compared))
    bound = (f"ratio (bound {BOUND} ×)",) if len(ways) == 2 else ()
    show(table(("pair", *(f"turns {way}, median" for way in ways), *bound), lines))


if __name__ == "__main__":
    main()
