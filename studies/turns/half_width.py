"""How narrow are the intervals after the same wall time, with turns and without?

    python studies/turns/half_width.py FOLDER [--times 3] [--budget 3m] [--env jax=.tox/jax …]

Campaigns with turns and without alternate.
"""

from __future__ import annotations

import statistics

from harness.backends import BACKENDS
from studies.turns.campaigns import NEVER, asked, campaign, half_widths, share, show, table

BOUND = 0.6


def main() -> None:
    """Run what is missing, and print every half-width and the ratio of the medians."""
    study = asked(__doc__, times=3, budget={"default": "3m"})
    widths: dict[str, dict[str, list[float]]] = {"on": {}, "off": {}}
    rows = []
    for number in range(1, study.times + 1):
        for turns in ("on", "off") if number % 2 else ("off", "on"):
            results = study.folder / f"{number:02}-{turns}"
            options = ["--backend", ",".join(BACKENDS), "--precision", NEVER]
            options += ["--budget", study.own.budget, "--turns", turns, *study.rest]
            records = campaign(results, options)
            for pair, width in half_widths(results).items():
                widths[turns].setdefault(pair, []).append(width)
                rounds = len({record.round for record in records})
                rows.append((number, turns, pair, rounds, share(width)))
    show(table(("time", "turns", "pair", "rounds", "half-width"), rows))
    lines = []
    for pair in widths["on"].keys() & widths["off"].keys():
        on, off = (statistics.median(widths[turns][pair]) for turns in ("on", "off"))
        lines.append((pair, share(on), share(off), f"{on / off:.2f} ×", f"at most {BOUND} ×"))
    show(table(("pair", "with turns", "without", "ratio", "bound"), sorted(lines)))


if __name__ == "__main__":
    main()
