"""How often the interval over several machines holds the truth, and what the alternatives hold.

    python -m studies.machines.coverage --into docs/studies/machines.md

Without ``--into`` the table goes to the terminal. It is seeded: a second run changes nothing.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from harness.analysis.speed.interval import bounds
from harness.analysis.speed.machines import pooled
from studies.intervals.one_campaign import BEGIN, END, table

Array = NDArray[Any]

MACHINES = (3, 5, 10, 30, 100)
ROUNDS = ((4, 4), (6, 6), (4, 12))
"""The fewest and the most of a machine."""
SPREADS = (0.0, 0.02, 0.05, 0.2)
"""Standard deviations of the machines' true log-ratios."""
NOISE = 0.05
"""Of a round's log-ratio on a machine in the middle (``docs/method.md``)."""
UNEQUAL = 0.6
"""Of the logarithm of a machine's noise: two thirds lie between 0.55 and 1.8 times the middle."""
SIMULATIONS = 1_000


class Sample(NamedTuple):
    """Campaigns on machines of their own, whose common log-ratio is 0.

    ``effects`` and ``variances`` (the squares of their standard errors) have the shape
    ``[simulations, machines]``.
    """

    effects: Array
    variances: Array


def simulate(
    machines: int,
    *,
    rounds: tuple[int, int],
    spread: float,
    noise: float = NOISE,
    simulations: int = SIMULATIONS,
    heavy: bool = False,
) -> Sample:
    """So many campaigns, each on new machines of different noise.

    Args:
        machines: of a campaign.
        rounds: the fewest and the most of a machine.
        spread: standard deviation of the machines' true log-ratios.
        noise: that of a round's on a machine in the middle.
        simulations: campaigns.
        heavy: whether rounds have the tails of Student's t with three degrees of freedom.
    """
    draws = np.random.default_rng([machines, *rounds, round(1e3 * spread), round(1e3 * noise)])
    shape = (simulations, machines)
    centres = spread * draws.normal(size=shape)
    scale = noise * np.exp(draws.normal(0, UNEQUAL, size=shape))
    count = draws.integers(rounds[0], rounds[1] + 1, size=shape)
    effects, variances = np.empty(shape), np.empty(shape)
    for number in range(rounds[0], rounds[1] + 1):
        chosen = count == number
        size = (int(chosen.sum()), number)
        error = draws.standard_t(3, size) / math.sqrt(3) if heavy else draws.normal(size=size)
        values = centres[chosen][:, None] + scale[chosen][:, None] * error
        effects[chosen] = bounds(values)[0]
        variances[chosen] = values.var(axis=1, ddof=1) / number
    return Sample(effects, variances)


def held(sample: Sample, confidence: float = 0.95) -> tuple[float, float]:
    """The share of the harness's intervals that hold the truth, and their median half-width."""
    found = [pooled(y, v, confidence=confidence) for y, v in zip(*sample, strict=True)]
    within = np.mean([one.low <= 0 <= one.high for one in found])
    return float(within), float(np.median([one.high - one.mean for one in found]))


def without_floor(sample: Sample) -> tuple[float, float]:
    """The same of Hartung and Knapp's interval as they gave it."""
    halves, within = [], []
    for y, v in zip(*sample, strict=True):
        found = pooled(y, v)
        weights = 1 / (v + found.variance)
        excess = weights @ (y - found.mean) ** 2 / (len(y) - 1)
        half = stdtrit(len(y) - 1, 0.975) * math.sqrt(excess / weights.sum())
        halves.append(half)
        within.append(abs(found.mean) <= half)
    return float(np.mean(within)), float(np.median(halves))


def students_t(sample: Sample) -> tuple[float, float]:
    """The same of Student's t on the machines' ratios, each with the same weight."""
    y, _ = sample
    machines = y.shape[1]
    half = stdtrit(machines - 1, 0.975) * y.std(axis=1, ddof=1) / math.sqrt(machines)
    return float(np.mean(np.abs(y.mean(axis=1)) <= half)), float(np.median(half))


def lines() -> Iterator[str]:
    """The table of the page."""
    ways = (held, without_floor, students_t)
    rows = []
    for machines in MACHINES:
        for rounds in ROUNDS:
            for spread in SPREADS:
                sample = simulate(machines, rounds=rounds, spread=spread)
                cells = [
                    f"{100 * share:.1f} ({100 * half:.2g})"
                    for share, half in (way(sample) for way in ways)
                ]
                of = f"{rounds[0]}" if rounds[0] == rounds[1] else f"{rounds[0]} to {rounds[1]}"
                rows.append([str(machines), of, f"{100 * spread:g}%", *cells])
    yield from table(
        ["machines", "rounds", "spread", "as used", "without the floor", "Student's t"], rows
    )


def main() -> None:
    """Print the table, or write it between the marks of a Markdown file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, help="Markdown file with the marks of the study")
    into = parser.parse_args().into
    text = "\n".join(lines())
    if into is None:
        sys.stdout.write(text)
        return
    before, _, rest = into.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    into.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
