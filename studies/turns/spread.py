"""How much does a round's log-ratio scatter in turns, and in blocks, minute by minute?

    python studies/turns/spread.py FOLDER [--times 3] [--rounds 7] [--env jax=.tox/jax …]

Rounds in turns and in blocks follow one another, so that both meet the same hour. It takes about
seven minutes each time on two cores.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence

from harness.analysis.speed.turns import log_ratio
from harness.analysis.step_time import step_time_s
from harness.backends import BACKENDS
from harness.records.trial import Record
from studies.turns.campaigns import asked, both_ways, show, table

PAIRS = tuple(itertools.combinations(BACKENDS, 2))
BOUNDS = dict(zip(PAIRS, (0.5, 0.5, 0.8), strict=True))
"""Of the spread in turns over that in blocks."""


def spreads(rounds: Sequence[Sequence[Record]]) -> dict[tuple[str, str], tuple[float, float]]:
    """Standard deviations over rounds of each pair: as paired, and of the ratio of step times."""
    found = {}
    for first, second in PAIRS:
        ratios, plain = [], []
        for records in rounds:
            by_backend = {record.cell.backend: record for record in records}
            if not {first, second} <= by_backend.keys():
                continue
            ours, theirs = by_backend[first], by_backend[second]
            ours_s, theirs_s, ratio = (
                step_time_s(ours),
                step_time_s(theirs),
                log_ratio(ours, theirs),
            )
            if ours_s is not None and theirs_s is not None and ratio is not None:
                ratios.append(ratio)
                plain.append(math.log(ours_s / theirs_s))
        enough = len(ratios) > 1
        found[first, second] = (
            (statistics.stdev(ratios), statistics.stdev(plain)) if enough else (math.nan, math.nan)
        )
    return found


def main() -> None:
    """Run what is missing, and print the spreads of every time and the median of all."""
    study = asked(__doc__, times=3, rounds={"type": int, "default": 7})
    shares: dict[tuple[str, str], list[float]] = {pair: [] for pair in PAIRS}
    rows = []
    for number in range(1, study.times + 1):
        rounds = both_ways(study.folder / f"time-{number}", study.own.rounds, study.rest)
        turns, blocks = spreads(rounds["on"]), spreads(rounds["off"])
        for pair in PAIRS:
            shares[pair].append(turns[pair][0] / blocks[pair][0])
            figures = (turns[pair][0], turns[pair][1], blocks[pair][0])
            rows.append((number, " / ".join(pair), *(f"{each:.3f}" for each in figures)))
    show(table(("time", "pair", "in turns", "their ratio of medians", "in blocks"), rows))
    lines = (
        (" / ".join(pair), f"{statistics.median(each):.2f} ×", f"at most {BOUNDS[pair]} ×")
        for pair, each in shares.items()
    )
    show(table(("pair", "in turns over in blocks, median", "bound"), lines))


if __name__ == "__main__":
    main()
