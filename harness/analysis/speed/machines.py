"""Several machines together: each one's ratio, how far they differ, and a ratio over all of them.

A ratio is only ever made within the rounds of one machine. Here the ratios of the same two cells on
several machines are put together by the random-effects model: each machine has a true ratio of its
own, scattered about a common one. `statsmodels.stats.meta_analysis` computes the same and is what
the tests compare with; it is no dependency, since it would bring pandas into the environment of
every backend for twenty lines.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from scipy.special import stdtrit

from harness.analysis.speed.interval import MINIMUM_ROUNDS, interval
from harness.analysis.speed.pairs import Judging, PairVerdict
from harness.analysis.speed.verdict import Kind, classify, judging_confidence, turned
from harness.records.cell import Cell, Struct

Key = TypeVar("Key")

MINIMUM_MACHINES = 3
"""Fewer machines give a ratio without an interval: that of two has one degree of freedom, and at
the confidence that three pairs of backends ask for it is 38 standard errors to each side."""

RESOLUTION = 1e-6
"""The least standard error of a machine's ratio, as a share: a millionth is below any clock. Rounds
that are equal to the last digit would otherwise have a weight without end."""

FURTHEST = 700.0
"""The largest logarithm that still has a finite exponential."""


class OnMachine(Struct, frozen=True, kw_only=True):
    """What one machine says of a pair of cells.

    The figures are those of the verdict there: ``ratio`` is the centre over its rounds
    (Hodges-Lehmann), and all intervals of this machine hold together at 95%. ``low`` and ``high``
    are ``None`` below four rounds, and such a machine is in no combination; without any round
    ``ratio`` is too.
    """

    machine_id: str | None
    rounds: int
    ratio: float | None
    low: float | None
    high: float | None
    kind: Kind


class Combined(Struct, frozen=True, kw_only=True):
    """Two cells on several machines: step time, the first over the second, which is the faster one.

    ``first_apart`` and ``second_apart`` are what tells the cells' rows from others on every one of
    the machines. ``ratio`` is that of a machine in the middle, ``low`` and ``high`` are the ends of
    its interval: all combined ratios of a folder hold together at 95%. The two are ``None`` below
    three machines. ``spread`` is how far machines differ, beyond what their rounds scatter: the
    standard deviation of their true ratios, as a share; 0 where the rounds explain everything.
    """

    first: Cell
    second: Cell
    first_apart: dict[str, str]
    second_apart: dict[str, str]
    ratio: float
    low: float | None
    high: float | None
    kind: Kind
    spread: float
    machines: list[OnMachine]

    @property
    def counting(self) -> list[OnMachine]:
        """The machines that are in the combination."""
        return [one for one in self.machines if one.low is not None]

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest ratio of a machine that counts."""
        ratios = [one.ratio for one in self.counting if one.ratio is not None]
        return min(ratios), max(ratios)


class Pooled(Struct, frozen=True, kw_only=True):
    """The mean of a random-effects model, with its interval, and the variance between machines.

    In the unit of the effects, for ratios natural logarithms; ``variance`` is in its square.
    """

    mean: float
    low: float
    high: float
    variance: float


def combined(alike: Mapping[Key, Sequence[PairVerdict]], rule: Judging) -> dict[Key, Combined]:
    """What several machines say together; pairs that fewer than two can judge are left out.

    Args:
        alike: verdicts on pairs that are the same in everything but the machine, one of each.
        rule: how speed is judged.
    """
    several = {
        key: found
        for key, found in alike.items()
        if sum(one.verdict.low is not None for one in found) > 1
    }
    if not several:
        return {}
    confidence = judging_confidence(0.95, len(several), sequential=rule.sequential)
    return {
        key: _combined(found, confidence=confidence, margin=rule.margin)
        for key, found in several.items()
    }


def pooled(
    effects: Sequence[float], variances: Sequence[float], *, confidence: float = 0.95
) -> Pooled:
    """The random-effects model of DerSimonian and Laird, with the interval of Hartung and Knapp.

    The variance between machines is that of DerSimonian & Laird (1986, *Controlled Clinical
    Trials* 7), never below 0. The interval is Student's t with one degree of freedom less than
    machines, about the standard error of Hartung & Knapp (2001, *Statistics in Medicine* 20) and
    Sidik & Jonkman (2002). That one is too small where machines agree by chance, so it is never
    taken to be smaller than the model's own (Röver, Knapp & Friede 2015, *BMC Medical Research
    Methodology* 15): without this, intervals of three to ten machines that differ little held the
    truth in 91 to 95% (``docs/studies/machines.md``).

    Args:
        effects: one for each machine, two at least.
        variances: the square of the standard error of each.
        confidence: of the interval.
    """
    y = np.asarray(effects, dtype=np.float64)
    v = np.maximum(np.asarray(variances, dtype=np.float64), RESOLUTION**2)
    freedom = len(y) - 1
    weights = 1 / v
    fixed = float(weights @ y / weights.sum())
    scatter = float(weights @ (y - fixed) ** 2)
    scale = float(weights.sum() - (weights @ weights) / weights.sum())
    between = max(0.0, (scatter - freedom) / scale)
    weights = 1 / (v + between)
    mean = float(weights @ y / weights.sum())
    excess = max(1.0, float(weights @ (y - mean) ** 2) / freedom)
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(excess / weights.sum())
    return Pooled(mean=mean, low=mean - half, high=mean + half, variance=between)


def _combined(found: Sequence[PairVerdict], *, confidence: float, margin: float) -> Combined:
    samples = [one.pair.log_ratios for one in found if len(one.pair.log_ratios) >= MINIMUM_ROUNDS]
    centres = [interval(sample).estimate for sample in samples]
    errors = [float(np.var(sample, ddof=1)) / len(sample) for sample in samples]
    over = pooled(centres, errors, confidence=confidence)
    first, second = (
        (cell, _common([getattr(one.pair, f"{side}_apart") for one in found]))
        for side, cell in (("first", found[0].pair.first), ("second", found[0].pair.second))
    )
    verdicts = [one.verdict for one in found]
    mean, low, high = over.mean, over.low, over.high
    if mean < 0:
        first, second = second, first
        mean, low, high = -mean, -high, -low
        verdicts = [turned(each) for each in verdicts]
    enough = len(samples) >= MINIMUM_MACHINES
    return Combined(
        first=first[0],
        second=second[0],
        first_apart=first[1],
        second_apart=second[1],
        ratio=math.exp(mean),
        low=math.exp(max(low, -FURTHEST)) if enough else None,
        high=math.exp(min(high, FURTHEST)) if enough else None,
        kind=classify(low, high, math.log1p(margin)) if enough else "inconclusive",
        spread=math.expm1(math.sqrt(over.variance)),
        machines=[
            OnMachine(
                machine_id=one.pair.machine_id,
                rounds=each.rounds,
                ratio=each.ratio,
                low=each.low,
                high=each.high,
                kind=each.kind,
            )
            for one, each in zip(found, verdicts, strict=True)
        ],
    )


def _common(told: Sequence[dict[str, str]]) -> dict[str, str]:
    """What is said of every one of several rows."""
    return {
        name: value
        for name, value in told[0].items()
        if all(other.get(name) == value for other in told)
    }
