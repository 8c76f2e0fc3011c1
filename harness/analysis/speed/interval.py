"""Where the ratio of two cells lies, and how sure that is: one estimate and one interval.

The unit is the round. A round gives one paired log-ratio, the logarithm of one cell's step time
over the other's, and the population figure that is estimated (the estimand) is the pseudo-median
of these log-ratios: the median of the mean of two of them drawn at random. For a symmetric
distribution, such as two cells that do not differ, it is the centre of symmetry. A rare process
that is 40% slow hardly moves it, where it would carry the mean away.

The estimate is always Hodges and Lehmann's. Which interval goes with it was chosen by simulation;
``docs/studies/intervals.md`` holds the comparison with those that were turned down.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from harness.records.cell import Struct

Array = npt.NDArray[np.float64]
Method = Literal["t", "signed-rank"]

MINIMUM_ROUNDS = 4
"""Fewer give no interval: ``docs/method.md`` promises honesty from four rounds on."""

EXACT_FROM = 8
"""Rounds from which the signed-rank interval is used. From six on it exists at 95%, but at six and
seven it is up to 27% wider than Student's t, and there t still covers
(``docs/studies/intervals.md``)."""

NORMAL_FROM = 200
"""Rounds from which the normal approximation to the signed-rank statistic is used: by then it
names the exact order statistic to within 4 of some 8,000, and the exact sum has become slow."""

NORMAL_EFFICIENCY = 3 / math.pi
"""Of the Hodges-Lehmann estimate against the mean, under normal noise (Hodges & Lehmann 1963)."""


class Interval(Struct, frozen=True, kw_only=True):
    """An estimate with its confidence interval, in the units of the sample.

    For log-ratios these are natural logarithms. ``rounds`` is the size of the sample (seeds, where
    a metric was sampled); ``method`` tells which interval was used at that size.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    rounds: int
    method: Method

    @property
    def half_width(self) -> float:
        """Half the distance between the ends; the ends need not lie evenly about the estimate."""
        return (self.high - self.low) / 2


class Ratio(Struct, frozen=True, kw_only=True):
    """How many times as much: the centre over rounds (Hodges-Lehmann) and its 95% interval.

    Below four rounds ``value`` is the median, and ``low`` and ``high`` are ``None``.
    """

    value: float
    low: float | None = None
    high: float | None = None
    rounds: int


def interval(sample: Sequence[float] | Array, *, confidence: float = 0.95) -> Interval:
    """The estimate and interval of one sample of independent values, one for each round or seed.

    Args:
        sample: Values, shape ``[rounds]``.
        confidence: Probability with which such intervals hold the population's pseudo-median.

    Raises:
        ValueError: If there are fewer than four values or one is not finite.
    """
    values = np.asarray(sample, dtype=np.float64)
    if values.ndim != 1 or values.size < MINIMUM_ROUNDS:
        raise ValueError(f"an interval needs at least {MINIMUM_ROUNDS} rounds, not {values.size}")
    if not np.isfinite(values).all():
        raise ValueError("an interval needs finite values; leave a failed trial's round out")
    estimate, low, high = bounds(values, confidence=confidence)
    return Interval(
        estimate=float(estimate),
        low=float(low),
        high=float(high),
        confidence=confidence,
        rounds=values.size,
        method=method_at(values.size, confidence),
    )


def ratio(log_ratios: Sequence[float]) -> Ratio | None:
    """The ratio of log-ratios, one for each round; ``None`` of none."""
    rounds = len(log_ratios)
    if not rounds:
        return None
    if rounds < MINIMUM_ROUNDS:
        return Ratio(value=math.exp(statistics.median(log_ratios)), rounds=rounds)
    found = interval(log_ratios)
    return Ratio(
        value=math.exp(found.estimate),
        low=math.exp(found.low),
        high=math.exp(found.high),
        rounds=rounds,
    )


def bounds(samples: Array, *, confidence: float = 0.95) -> tuple[Array, Array, Array]:
    """Estimate, low and high end of many samples at once.

    Args:
        samples: Values, shape ``[..., rounds]``.
        confidence: As in :func:`interval`.

    Returns:
        Three arrays of shape ``[...]``.
    """
    rounds = samples.shape[-1]
    averages = walsh_averages(samples)
    count = averages.shape[-1]
    order = signed_rank_order(rounds, confidence)
    exact = method_at(rounds, confidence) == "signed-rank"
    ends = {order - 1, count - order} if exact else set()
    # Partial sorting of just the order statistics in use: at 40 rounds a third of a full sort.
    averages.partition(sorted({(count - 1) // 2, count // 2} | ends), axis=-1)
    estimate = (averages[..., (count - 1) // 2] + averages[..., count // 2]) / 2
    if exact:
        return estimate, averages[..., order - 1], averages[..., count - order]
    reach = _t_half_width(rounds, confidence) * samples.std(axis=-1, ddof=1)
    return estimate, estimate - reach, estimate + reach


def method_at(rounds: int, confidence: float) -> Method:
    """Which interval is used at this many rounds.

    The signed-rank interval holds without any assumption on the tails, but cannot reach 95% below
    six rounds: the widest, from the smallest value to the largest, holds only 1 - 2^(1 - rounds),
    that is 87.5% at four and 93.75% at five. Until it is feasible and no wider, Student's t about
    the Hodges-Lehmann estimate stands in, which heavy tails make too wide rather than too narrow.
    """
    feasible = 2.0**-rounds <= (1 - confidence) / 2
    return "signed-rank" if rounds >= EXACT_FROM and feasible else "t"


def walsh_averages(samples: Array) -> Array:
    """The means of all pairs of values, each with itself included (Walsh 1949).

    Their median is the Hodges-Lehmann estimate (Hodges & Lehmann 1963): it withstands 29% of
    outliers and needs only 5% more rounds than the mean where there are none.

    Args:
        samples: Values, shape ``[..., rounds]``.

    Returns:
        Shape ``[..., rounds * (rounds + 1) / 2]``, in no particular order.
    """
    first, second = np.triu_indices(samples.shape[-1])
    averages: Array = (samples[..., first] + samples[..., second]) / 2
    return averages


@cache
def signed_rank_order(rounds: int, confidence: float) -> int:
    """The k for which the k-th smallest to the k-th largest Walsh average holds ``confidence``.

    Inverts Wilcoxon's signed-rank test (Hollander, Wolfe & Chicken, *Nonparametric Statistical
    Methods*, 3rd ed., section 3.3): the largest k with P(W <= k - 1) <= (1 - confidence) / 2, where
    W is the sum of a random subset of the ranks 1 to ``rounds``. 0 if even k = 1 holds less.
    """
    tail = (1 - confidence) / 2
    if rounds >= NORMAL_FROM:
        mean = rounds * (rounds + 1) / 4
        deviation = math.sqrt(rounds * (rounds + 1) * (2 * rounds + 1) / 24)
        return math.floor(mean + float(ndtri(tail)) * deviation + 0.5)
    probability = np.ones(1)
    for rank in range(1, rounds + 1):
        chosen = np.zeros(len(probability) + rank)
        chosen[: len(probability)] = probability
        chosen[rank:] += probability
        probability = chosen / 2
    return int(np.searchsorted(np.cumsum(probability), tail, side="right"))


def relative_half_width(rounds: int, confidence: float) -> float:
    """The half-width to expect of :func:`interval`, in units of the spread of the log-ratios.

    Student's t for normal noise; the signed-rank interval is wider by the square root of its
    efficiency. At 4 rounds half of all intervals are at least 12% narrower, since few values tend
    to show less than their spread; from 7 rounds on the median is within 5%.
    """
    exact = method_at(rounds, confidence) == "signed-rank"
    width = _t_half_width(rounds, confidence)
    return width / math.sqrt(NORMAL_EFFICIENCY) if exact else width


@cache
def _t_half_width(rounds: int, confidence: float) -> float:
    return float(stdtrit(rounds - 1, (1 + confidence) / 2)) / math.sqrt(rounds)
