"""Simulated campaigns that go on: stopping at a precision, families of pairs, settling verdicts."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from harness.analysis.speed.interval import MINIMUM_ROUNDS, bounds, interval
from harness.analysis.speed.rounds_needed import further_rounds
from harness.analysis.speed.verdict import classify, judging_confidence
from studies.intervals.simulated import Draw

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

MARGIN = math.log1p(0.02)


def intervals_by_round(samples: Array, confidence: float) -> tuple[Array, Array]:
    """Intervals after each round, shape ``[campaigns, rounds + 1]``, NaN before there is one."""
    campaigns, rounds = samples.shape
    low, high = np.full((2, campaigns, rounds + 1), np.nan)
    for after in range(MINIMUM_ROUNDS, rounds + 1):
        _, low[:, after], high[:, after] = bounds(samples[:, :after], confidence=confidence)
    return low, high


def stop_at_precision(
    low: Array, high: Array, precision: float, first: int
) -> tuple[Array, Array, Array]:
    """Interval and rounds of each campaign when it stops: narrow enough, or out of budget.

    Args:
        low: Low ends after each round, shape ``[campaigns, rounds + 1]``.
        high: High ends, likewise.
        precision: Half-width to stop at, as a share.
        first: First round at which a campaign may stop.
    """
    with np.errstate(invalid="ignore"):
        narrow = (high - low) / 2 <= math.log1p(precision)
    narrow[:, :first] = False
    narrow[:, -1] = True
    rounds = narrow.argmax(axis=1)
    campaign = np.arange(len(low))
    return low[campaign, rounds], high[campaign, rounds], rounds


def pairs_of_three(
    cell: Draw, rounds: int, *, third: float = 1.0, campaigns: int = 2000
) -> list[Array]:
    """Log-ratios of the three pairs of three cells of one kind, the third slower by a factor."""
    rng = np.random.default_rng([7, rounds])
    a, b, c = (cell(rng, (campaigns, rounds)) for _ in range(3))
    c = c + math.log(third)
    return [a - b, a - c, b - c]


def unadjusted(pairs: list[Array]) -> Flags:
    """Whether each pair gets a difference, shape ``[3, campaigns]``, each by its own 95%."""
    return _different(pairs, 0.95)


def bonferroni(pairs: list[Array]) -> Flags:
    """The same by the harness's rule."""
    return _different(pairs, judging_confidence(0.95, len(pairs)))


def holm(pairs: list[Array]) -> Flags:
    """The same by Holm's step-down: each pair found leaves more of the error to the others."""
    found = np.zeros((len(pairs), len(pairs[0])), dtype=np.bool_)
    levels = [_different(pairs, 1 - 0.05 / left) for left in range(1, len(pairs) + 1)]
    for _ in pairs:
        left = len(pairs) - found.sum(axis=0)
        for remaining, by_level in enumerate(levels, start=1):
            found |= by_level & (left == remaining)
    return found


CORRECTIONS: dict[str, Callable[[list[Array]], Flags]] = {
    "unadjusted": unadjusted,
    "Holm": holm,
    "Bonferroni": bonferroni,
}


def settled_in_time(samples: Array, rounds: int, *, margin: float = 0.02) -> tuple[int, int]:
    """Of the verdicts open after these rounds: how many settle as foretold, and how many there are.

    Args:
        samples: Log-ratios, shape ``[campaigns, most]``; forecasts beyond ``most`` do not count.
        rounds: Rounds after which the forecast is made.
        margin: Of the verdict, as a share.
    """
    settled = forecasts = 0
    for campaign in samples:
        now = interval(campaign[:rounds])
        if classify(now.low, now.high, math.log1p(margin)) != "inconclusive":
            continue
        further = further_rounds(now, margin=margin)
        if further is None or rounds + further > len(campaign):
            continue
        then = interval(campaign[: rounds + further])
        forecasts += 1
        settled += classify(then.low, then.high, math.log1p(margin)) != "inconclusive"
    return settled, forecasts


def _different(pairs: list[Array], confidence: float) -> Flags:
    flags = []
    for samples in pairs:
        _, low, high = bounds(samples, confidence=confidence)
        flags.append((low > MARGIN) | (high < -MARGIN))
    return np.array(flags)
