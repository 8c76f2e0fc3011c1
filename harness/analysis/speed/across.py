"""Several scenarios together: the geometric mean of their ratios, and how near to the fastest.

The scenarios are those that somebody chose, and no sample of anything: the interval of a mean tells
how well the mean over these scenarios is known, not what another scenario would give.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import stdtrit

from harness.analysis.speed.interval import MINIMUM_ROUNDS, interval
from harness.analysis.speed.pairs import CellPair, Judging
from harness.analysis.speed.verdict import Kind, classify, judging_confidence
from harness.records.cell import Struct


class Mean(Struct, frozen=True, kw_only=True):
    """The geometric mean over scenarios of step time, ``first`` over ``second``.

    ``low`` and ``high`` are the ends of its interval; all means of a folder hold together at 95%.
    ``kind`` is what that says of ``first``.
    """

    first: str
    second: str
    ratio: float
    low: float
    high: float
    kind: Kind


class Across(Struct, frozen=True, kw_only=True):
    """What several scenarios say of the same backends.

    ``relative`` has how many times as long as the fastest one's the step of each backend takes, by
    scenario and name. ``means`` are those of every two names that all scenarios have an interval
    for, the slower one first. ``worse`` has the scenarios in which a name learns worse than
    another one, if any.
    """

    names: list[str]
    relative: Mapping[str, Mapping[str, float]]
    means: list[Mean]
    worse: Mapping[str, list[str]]

    @property
    def fastest(self) -> str | None:
        """The one that is faster than each of the others in the mean, if there is one.

        What learns worse somewhere is never called faster.
        """
        for name in self.names:
            if name in self.worse:
                continue
            others = [one for one in self.means if name in {one.first, one.second}]
            won = [one for one in others if one.second == name and one.kind == "slower"]
            if others and len(won) == len(others) == len(self.names) - 1:
                return name
        return None

    def profile(self, name: str, within: float) -> float:
        """The share of scenarios in which ``name`` takes at most ``within`` times the least time.

        As a function of ``within`` it is the performance profile of Dolan and Moré (2002).
        """
        near = [times.get(name, math.inf) <= within for times in self.relative.values()]
        return sum(near) / len(near)


Pairs = Mapping[tuple[str, str], CellPair]
"""The pairs of one scenario by the names of their cells."""


def across(
    scenarios: Mapping[str, Pairs],
    rule: Judging,
    *,
    order: Sequence[str],
    worse: Mapping[str, list[str]],
) -> Across | None:
    """What the pairs of several scenarios say together; ``None`` of fewer than two.

    Args:
        scenarios: by name; each from one machine, device and mode.
        rule: how speed is judged.
        order: the names of the cells in the usual order.
        worse: the scenarios in which a name learns worse than another one.
    """
    found = {
        name: pairs
        for name, pairs in scenarios.items()
        if any(pair.log_ratios for pair in pairs.values())
    }
    if len(found) < 2:
        return None
    names = [
        name for name in order if any(name in two for pairs in found.values() for two in pairs)
    ]
    couples = [
        (one, other)
        for one, other in itertools.combinations(names, 2)
        if all(len(log_ratios(pairs, one, other)) >= MINIMUM_ROUNDS for pairs in found.values())
    ]
    confidence = judging_confidence(0.95, max(len(couples), 1), sequential=rule.sequential)
    means = [
        mean(
            one,
            other,
            [log_ratios(pairs, one, other) for pairs in found.values()],
            confidence=confidence,
            margin=rule.margin,
        )
        for one, other in couples
    ]
    return Across(
        names=names,
        relative={name: relative(pairs, names) for name, pairs in found.items()},
        means=means,
        worse=dict(worse),
    )


def log_ratios(pairs: Pairs, first: str, second: str) -> tuple[float, ...]:
    """``log(first / second)`` of each round, whichever of them the pair has first."""
    if (pair := pairs.get((first, second))) is not None:
        return pair.log_ratios
    if (pair := pairs.get((second, first))) is not None:
        return tuple(-ratio for ratio in pair.log_ratios)
    return ()


def mean(
    first: str,
    second: str,
    samples: Sequence[Sequence[float]],
    *,
    confidence: float,
    margin: float,
) -> Mean:
    """The geometric mean of ratios over scenarios, the slower one first.

    Each scenario has the same weight. Its centre is that of its rounds (Hodges-Lehmann), with the
    standard error of their mean; the errors of scenarios are independent, and their sum has the
    degrees of freedom of Welch (1947) and Satterthwaite (1946).

    Args:
        first: the name of the first cell.
        second: and of the other one.
        samples: ``log(first / second)`` of each round, by scenario; four rounds at least.
        confidence: of the interval.
        margin: smallest difference that matters, as a share.
    """
    centres = [interval(sample).estimate for sample in samples]
    errors = [float(np.var(sample, ddof=1)) / len(sample) for sample in samples]
    centre = sum(centres) / len(centres)
    total = sum(errors)
    half = 0.0
    if total > 0:
        parts = sum(v**2 / (len(s) - 1) for v, s in zip(errors, samples, strict=True))
        freedom = total**2 / parts
        half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(total) / len(samples)
    if centre < 0:
        first, second, centre = second, first, -centre
    low, high = centre - half, centre + half
    return Mean(
        first=first,
        second=second,
        ratio=math.exp(centre),
        low=math.exp(low),
        high=math.exp(high),
        kind=classify(low, high, math.log1p(margin)),
    )


def relative(pairs: Pairs, names: Sequence[str]) -> dict[str, float]:
    """How many times as long as the fastest one's each step takes, by name.

    The fastest is the one that takes less time than most of the others; a name that shares no round
    with it is left out.
    """
    ratios = {
        (one, other): _centre(log_ratios(pairs, one, other))
        for one in names
        for other in names
        if one != other and log_ratios(pairs, one, other)
    }
    there = [name for name in names if any(name in two for two in ratios)]
    best = max(there, key=lambda name: sum(ratios.get((name, other), 0) < 0 for other in there))
    return {best: 1.0} | {
        name: math.exp(ratios[name, best]) for name in there if (name, best) in ratios
    }


def _centre(sample: Sequence[float]) -> float:
    if len(sample) < MINIMUM_ROUNDS:
        return float(np.median(sample))
    return interval(sample).estimate
