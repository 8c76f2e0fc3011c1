"""The two-sample intervals that ``docs/studies/two-campaigns.md`` compares.

Each takes two arrays of shape ``[campaigns, trials]`` and a confidence and gives the low and high
ends, shape ``[campaigns]``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from harness.analysis.before_after.shift import rank_sum_order, shift_bounds

Array = npt.NDArray[np.float64]
Ends = tuple[Array, Array]


def chosen(before: Array, after: Array, confidence: float) -> Ends:
    """The harness's own: the wider of the exact rank sum's and Fligner and Policello's."""
    _, low, high = shift_bounds(before, after, confidence=confidence)
    return low, high


def rank_sum(before: Array, after: Array, confidence: float) -> Ends:
    """Moses' interval alone, or the whole range where even that holds less."""
    ordered = _differences(before, after)
    order = max(rank_sum_order(before.shape[-1], after.shape[-1], confidence), 1)
    return ordered[:, order - 1], ordered[:, -order]


def welch(before: Array, after: Array, confidence: float) -> Ends:
    """Welch's width about the Hodges-Lehmann estimate."""
    first, second = (side.var(axis=1, ddof=1) / side.shape[1] for side in (before, after))
    m, n = before.shape[1], after.shape[1]
    freedom = (first + second) ** 2 / (first**2 / (m - 1) + second**2 / (n - 1))
    return _around(before, after, freedom, first + second, confidence)


def pooled(before: Array, after: Array, confidence: float) -> Ends:
    """Student's width with a common variance about the Hodges-Lehmann estimate."""
    m, n = before.shape[1], after.shape[1]
    squares = (m - 1) * before.var(axis=1, ddof=1) + (n - 1) * after.var(axis=1, ddof=1)
    variance = squares / (m + n - 2) * (1 / m + 1 / n)
    return _around(before, after, np.full(len(before), m + n - 2.0), variance, confidence)


def placements_t(before: Array, after: Array, confidence: float) -> Ends:
    """Placements with Welch's degrees of freedom, as in Brunner and Munzel (2000)."""
    ordered = _differences(before, after)
    m, n = before.shape[1], after.shape[1]
    aligned = after[:, None, :] - before[:, :, None] - np.median(ordered, axis=1)[:, None, None]
    above = (aligned > 0) + 0.5 * (aligned == 0)
    first = above.mean(axis=2).var(axis=1, ddof=1) / m
    second = above.mean(axis=1).var(axis=1, ddof=1) / n
    both = first + second
    freedom = both**2 / np.maximum(first**2 / (m - 1) + second**2 / (n - 1), 1e-30)
    reach = stdtrit(freedom, (1 + confidence) / 2) * np.sqrt(both)
    order = np.clip(np.floor(m * n * (0.5 - reach) + 0.5).astype(int), 1, None)
    row = np.arange(len(before))
    return ordered[row, order - 1], ordered[row, m * n - order]


CANDIDATES: dict[str, Callable[[Array, Array, float], Ends]] = {
    "chosen": chosen,
    "rank sum": rank_sum,
    "Welch": welch,
    "pooled t": pooled,
    "placements, t": placements_t,
}
"""By the name that the tables use."""


def _differences(before: Array, after: Array) -> Array:
    return np.sort((after[:, None, :] - before[:, :, None]).reshape(len(before), -1), axis=1)


def _around(
    before: Array, after: Array, freedom: Array, variance: Array, confidence: float
) -> Ends:
    centre = np.median(_differences(before, after), axis=1)
    reach = stdtrit(freedom, (1 + confidence) / 2) * np.sqrt(variance)
    return centre - reach, centre + reach
