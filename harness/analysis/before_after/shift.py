"""How far one cell moved between two campaigns: an estimate and an interval from two samples.

Two campaigns have no round in common, so nothing can be paired. The unit is still the process: one
value for each trial, on either side. The estimate is the two-sample one of Hodges and Lehmann
(1963), the median of all differences between a value after and a value before; rare slow processes
hardly move it. Which interval goes with it was chosen by simulation
(``docs/studies/two-campaigns.md``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from harness.analysis.speed.interval import MINIMUM_ROUNDS
from harness.analysis.speed.rounds_needed import MOST_ROUNDS
from harness.records.cell import Struct

Array = npt.NDArray[np.float64]
Method = Literal["rank-sum", "welch"]

NORMAL_FROM = 50
"""Trials on both sides from which the normal approximation to the rank sum is used: by then it
names the exact order statistic to within 0.1% at 95% confidence, and errs to the safe side."""


class Shift(Struct, frozen=True, kw_only=True):
    """A shift from before to after with its interval, in the units of the samples.

    For logarithms of step times it is a log-ratio: above 0 the trials after take longer. ``before``
    and ``after`` are the sizes of the samples; ``method`` tells which interval was used for them.
    """

    estimate: float
    low: float
    high: float
    confidence: float
    before: int
    after: int
    method: Method

    @property
    def half_width(self) -> float:
        """Half the distance between the ends; the ends need not lie evenly about the estimate."""
        return (self.high - self.low) / 2


def shift(
    before: Sequence[float] | Array, after: Sequence[float] | Array, *, confidence: float = 0.95
) -> Shift:
    """The shift between two samples of independent values, one for each trial.

    Args:
        before: Values, shape ``[trials]``.
        after: Values, shape ``[trials]``, of any other size.
        confidence: Probability with which such intervals hold the median difference.

    Raises:
        ValueError: If a sample has fewer than four values or one is not finite.
    """
    first, second = (np.asarray(values, dtype=np.float64) for values in (before, after))
    smaller = min(first.size, second.size)
    if first.ndim != 1 or second.ndim != 1 or smaller < MINIMUM_ROUNDS:
        raise ValueError(f"an interval needs {MINIMUM_ROUNDS} trials on each side, not {smaller}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("an interval needs finite values; leave out trials that have none")
    estimate, low, high = shift_bounds(first, second, confidence=confidence)
    return Shift(
        estimate=float(estimate),
        low=float(low),
        high=float(high),
        confidence=confidence,
        before=first.size,
        after=second.size,
        method=method_at(first.size, second.size, confidence),
    )


def shift_bounds(
    before: Array, after: Array, *, confidence: float = 0.95
) -> tuple[Array, Array, Array]:
    """Estimate, low and high end of many pairs of samples at once.

    The ends are the k-th smallest and the k-th largest difference, which inverts the rank-sum test
    (Moses, in Hollander, Wolfe & Chicken, *Nonparametric Statistical Methods*, 3rd ed., section
    4.3). Its k is exact where both sides scatter alike. Where they do not, a quiet campaign against
    a disturbed one, that interval may be too narrow; so the k of Fligner and Policello (1981) is
    taken where it is smaller, which estimates the scatter of either side's ranks by itself.

    Args:
        before: Values, shape ``[..., trials before]``.
        after: Values, shape ``[..., trials after]``.
        confidence: As in :func:`shift`.

    Returns:
        Three arrays of shape ``[...]``.
    """
    m, n = before.shape[-1], after.shape[-1]
    differences = after[..., None, :] - before[..., :, None]
    # A copy, sorted in part only: the placements below need the differences in their places.
    ordered = differences.reshape(*differences.shape[:-2], m * n).copy()
    middle = ((m * n - 1) // 2, m * n // 2)
    if method_at(m, n, confidence) == "welch":
        ordered.partition(middle, axis=-1)
        estimate = (ordered[..., middle[0]] + ordered[..., middle[1]]) / 2
        reach = _welch_half_width(before, after, confidence)
        return estimate, estimate - reach, estimate + reach
    ordered.sort(axis=-1)
    estimate = (ordered[..., middle[0]] + ordered[..., middle[1]]) / 2
    error = _placement_error(differences - estimate[..., None, None])
    robust = np.floor(m * n * (0.5 - _normal(confidence) * error) + 0.5).astype(np.intp)
    order = np.clip(robust, 1, rank_sum_order(m, n, confidence))[..., None]
    low = np.take_along_axis(ordered, order - 1, axis=-1)[..., 0]
    high = np.take_along_axis(ordered, m * n - order, axis=-1)[..., 0]
    return estimate, low, high


def method_at(before: int, after: int, confidence: float) -> Method:
    """Which interval is used for these numbers of trials.

    From the smallest difference to the largest, the rank sum holds 97.1% at 4 and 4 trials, enough
    for one comparison at 95% but not for a family of them. Where it cannot hold what is asked,
    Welch's width about the same estimate stands in, which heavy tails make too wide, not too
    narrow.
    """
    return "rank-sum" if rank_sum_order(before, after, confidence) > 0 else "welch"


@cache
def rank_sum_order(before: int, after: int, confidence: float) -> int:
    """The k for which the k-th smallest to the k-th largest difference holds ``confidence``.

    The largest k with P(U <= k - 1) <= (1 - confidence) / 2, where U counts the pairs in which the
    value after is the smaller one (Mann & Whitney 1947). 0 if even k = 1 holds less.
    """
    tail = (1 - confidence) / 2
    pairs = before * after
    if min(before, after) >= NORMAL_FROM:
        deviation = math.sqrt(pairs * (before + after + 1) / 12)
        return math.floor(pairs / 2 - _normal(confidence) * deviation + 0.5)
    # The counts are the coefficients of a Gaussian binomial: multiply by 1 - q^(larger + i),
    # divide by 1 - q^i, for every i up to the smaller sample.
    smaller, larger = sorted((before, after))
    counts = np.zeros(pairs + 1)
    counts[0] = 1.0
    for i in range(1, smaller + 1):
        taken = counts[: max(pairs + 1 - larger - i, 0)].copy()
        counts[larger + i :] -= taken
        for start in range(i):
            np.cumsum(counts[start::i], out=counts[start::i])
    return int(np.searchsorted(np.cumsum(counts / counts.sum()), tail, side="right"))


def trials_needed(found: Shift, *, margin: float) -> int | None:
    """Trials on each side after which the interval would clear the margin, if all else stayed.

    An interval narrows with the square root of the trials. Unequal sides count as their harmonic
    mean, since the smaller one limits what the larger can tell.

    Args:
        found: The interval that reaches across the margin.
        margin: Smallest difference that matters, as a share.

    Returns:
        More than the larger side has, or ``None`` if it takes more than 1,000: the estimate then
        sits too close to the margin.
    """
    distance = abs(abs(found.estimate) - math.log1p(margin))
    now = 2 * found.before * found.after / (found.before + found.after)
    # Compared before dividing, since the distance may be 0.
    if found.half_width**2 * now > MOST_ROUNDS * distance**2:
        return None
    enough = math.floor((found.half_width / distance) ** 2 * now) + 1
    return max(enough, max(found.before, found.after) + 1)


def _placement_error(aligned: Array) -> Array:
    """Standard error of the share of pairs in which the value after is the larger one.

    A value's placement is the share of the other side that lies below it; ties count half.
    """
    above = (aligned > 0) + 0.5 * (aligned == 0)
    of_before, of_after = above.mean(axis=-1), above.mean(axis=-2)
    m, n = aligned.shape[-2:]
    error: Array = np.sqrt(of_before.var(axis=-1) / m + of_after.var(axis=-1) / n)
    return error


def _welch_half_width(before: Array, after: Array, confidence: float) -> Array:
    """Half-width for two spreads that may differ (Welch 1947)."""
    m, n = before.shape[-1], after.shape[-1]
    first, second = before.var(axis=-1, ddof=1) / m, after.var(axis=-1, ddof=1) / n
    both = first + second
    # Two samples without any scatter have no degrees of freedom, and a width of 0 whatever they be.
    freedom = both**2 / np.maximum(first**2 / (m - 1) + second**2 / (n - 1), 1e-300)
    width: Array = stdtrit(np.maximum(freedom, 1.0), (1 + confidence) / 2) * np.sqrt(both)
    return width


@cache
def _normal(confidence: float) -> float:
    return float(ndtri((1 + confidence) / 2))
