"""Which of a trial's epochs are warm-up, and what its step time is without them.

Decided from the samples of each trial. In 75 measured processes JAX was steady from the second
epoch, TensorFlow from the second or, in one process of five, the third, and PyTorch mostly from
the first; two processes never were. A constant would be wrong for two of the three.

Barrett et al. (*Virtual machine warmup blows hot and cold*, OOPSLA 2017, arXiv:1602.00602) cut a
process at its changes of level and call it steady if the last level holds to the end. So is it
done here, with means that survive the dozen epochs of a trial and the single epoch that takes
twice as long: medians and ranks. MSER-5 and its like average over hundreds of samples and let one
such epoch move the cut.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.records.cell import Struct

Array = npt.NDArray[np.float64]

MINIMUM_STEADY = 4
"""Fewer steady epochs cannot tell a level from a trend."""

BAND_SCALES = 3.5
"""Robust standard deviations at which a value counts as an outlier (Iglewicz & Hoaglin 1993)."""

LEAST_SHIFT = 0.05
"""Log-ratio below which no change of level is claimed: epochs of one process scatter by 3-6%."""

MOST_SCATTER = 0.10
"""Log-ratio above which the epochs hold no common level. The two processes of 75 that never
settled, one by turns at two levels and one that slowed to the end, scatter by 38% and 18%, all the
others by less than 9%."""

CHANGE_ALPHA = 0.10
"""Level of Pettitt's test. Loose, since a dozen epochs show little, and paired with LEAST_SHIFT:
together they call fewer than 1% of trials with 12 even epochs that scatter by 4% unsettled."""


class SteadyState(Struct, frozen=True, kw_only=True):
    """What a trial's epochs say about warm-up.

    ``first`` is the index of the first steady epoch, ``warm_up`` marks each epoch that does not
    count, also after ``first`` where training was started anew. ``step_time_s`` is the trial's
    figure: the median over the epochs that count, a trial that never settled included.
    ``scatter`` is the robust standard deviation of their logarithms. ``reason`` says why a trial
    is not ``settled``, or how its warm-up was found.
    """

    first: int
    settled: bool
    reason: str
    warm_up: tuple[bool, ...]
    step_time_s: float
    scatter: float


def steady_state(step_times_s: Sequence[float], *, restarts: Sequence[int] = ()) -> SteadyState:
    """Split a trial's epochs into warm-up and steady ones.

    The later half sets the reference. Leading epochs out of its band are warm-up; then a change of
    level in the first half of the trial ends the warm-up there, and one in the second half means
    that the trial never settled.

    Args:
        step_times_s: Wall time of each epoch over its steps, in seconds, in order.
        restarts: Indices of epochs at which training was started anew (the first timing epoch):
            epochs out of the band that follow one directly are warm-up too.

    Raises:
        ValueError: If there is no epoch, or a step time is not a positive number.
    """
    times = np.asarray(step_times_s, dtype=np.float64)
    if times.size == 0 or not (np.isfinite(times).all() and (times > 0).all()):
        raise ValueError("a trial has at least one epoch, and its step times are positive numbers")
    logs = np.log(times)
    half = len(logs) // 2
    warm_up = _leading_outliers(logs, (0, *restarts))
    reason = "the epochs before it are out of the band of the later half"
    problem = ""
    while not problem:
        steady = np.flatnonzero(~warm_up)
        if len(steady) < MINIMUM_STEADY:
            problem = f"only {len(steady)} of {len(logs)} epochs are left as steady"
            break
        if steady[0] > half:
            problem = f"a level is held only from epoch {steady[0]} of {len(logs)} on"
            break
        position, shift = change_of_level(logs[steady])
        if position == 0:
            break
        change = int(steady[position])
        if change > half:
            problem = f"the step time moved by {math.expm1(shift):+.0%} at epoch {change}"
        else:
            warm_up[:change] = True
            reason = f"the level changed by {math.expm1(shift):+.0%} there"
    counted = times[~warm_up] if not warm_up.all() else times[half:]
    scatter = robust_scale(np.log(counted))
    if not problem and scatter > MOST_SCATTER:
        problem = f"the epochs scatter by {scatter:.0%}, with no level in common"
    first = int(warm_up.argmin())
    return SteadyState(
        first=first,
        settled=not problem,
        reason=problem or (reason if first else "steady from the first epoch on"),
        warm_up=tuple(warm_up.tolist()),
        step_time_s=_median(counted),
        scatter=scatter,
    )


def change_of_level(values: Array) -> tuple[int, float]:
    """Where a series moves to another level, and by how much, if it does.

    Pettitt's rank test for one change at an unknown position (Pettitt 1979), with his approximate
    p-value; the size is the difference of the medians on both sides.

    Args:
        values: Shape ``[epochs]``, logarithms of step times.

    Returns:
        The index of the first value of the new level and the shift; ``(0, 0.0)`` for none.
    """
    count = len(values)
    if count < 2:
        return 0, 0.0
    ordered = np.sort(values)
    # Mid-ranks, so that equal step times (a coarse clock) pull neither way.
    below = np.searchsorted(ordered, values, side="left")
    ranks = (below + np.searchsorted(ordered, values, side="right") + 1) / 2
    imbalance = np.abs(2 * np.cumsum(ranks)[:-1] - np.arange(1, count) * (count + 1))
    position = int(imbalance.argmax()) + 1
    p = 2 * math.exp(-6 * float(imbalance[position - 1]) ** 2 / (count**3 + count**2))
    shift = _median(values[position:]) - _median(values[:position])
    if p > CHANGE_ALPHA or abs(shift) <= LEAST_SHIFT:
        return 0, 0.0
    return position, shift


def robust_scale(values: Array) -> float:
    """Standard deviation by the interquartile range, over 1.349 for normal noise.

    A quarter of the epochs may be outliers. The median absolute deviation bears more, but sees
    nothing where a process alternates between two levels and one is held a little more often.
    """
    ordered = np.sort(values)
    return (_quantile(ordered, 0.75) - _quantile(ordered, 0.25)) / 1.349


def _median(values: Array) -> float:
    return _quantile(np.sort(values), 0.5)


def _quantile(ordered: Array, share: float) -> float:
    # np.median takes nine times as long on a dozen values, and 10,000 trials ask eight each.
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    part = position - below
    return float(ordered[below]) * (1 - part) + float(ordered[above]) * part


def _leading_outliers(logs: Array, starts: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Mark, from each start on, the unbroken run of epochs out of the later half's band."""
    later = logs[len(logs) // 2 :]
    band = max(BAND_SCALES * robust_scale(later), LEAST_SHIFT)
    outside = np.abs(logs - _median(later)) > band
    marked = np.zeros(len(logs), dtype=np.bool_)
    for start in starts:
        stop = start
        while stop < len(logs) and outside[stop]:
            stop += 1
        marked[start:stop] = True
    return marked
