"""The intervals that were compared; ``docs/studies/intervals.md`` shows why one of them was chosen.

Each takes log-ratios of shape ``[campaigns, rounds]`` and gives the low and high ends of 95%
intervals, shape ``[campaigns]``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri, stdtrit

from harness.analysis.speed.interval import bounds, signed_rank_order, walsh_averages

Array = npt.NDArray[np.float64]
Ends = tuple[Array, Array]

TAIL = 0.025
RESAMPLES = 499
BLOCK = 200
"""Campaigns resampled at once: 200 x 499 x 40 values are 32 MB."""


def chosen(samples: Array) -> Ends:
    """The harness's own: t about Hodges-Lehmann below 8 rounds, exact signed-rank from there."""
    _, low, high = bounds(samples)
    return low, high


def t_mean(samples: Array) -> Ends:
    """Student's t about the mean."""
    return _around(samples.mean(axis=-1), _t_reach(samples))


def t_hodges_lehmann(samples: Array) -> Ends:
    """Student's t width about the Hodges-Lehmann estimate."""
    return _around(np.median(walsh_averages(samples), axis=-1), _t_reach(samples))


def signed_rank(samples: Array) -> Ends:
    """Exact signed-rank, or the whole range where 95% is out of reach (below six rounds)."""
    averages = np.sort(walsh_averages(samples), axis=-1)
    order = max(1, signed_rank_order(samples.shape[-1], 1 - 2 * TAIL))
    return averages[..., order - 1], averages[..., -order]


def yuen(samples: Array) -> Ends:
    """Trimmed mean (20% at each end) with Winsorised variance (Tukey & McLaughlin 1963)."""
    rounds = samples.shape[-1]
    cut = int(0.2 * rounds)
    kept = rounds - 2 * cut
    ordered = np.sort(samples, axis=-1)
    trimmed = ordered[..., cut : rounds - cut]
    winsorised = np.clip(ordered, trimmed[..., :1], trimmed[..., -1:])
    squares = (rounds - 1) * winsorised.var(axis=-1, ddof=1)
    error = np.sqrt(squares / (kept * (kept - 1)))
    return _around(trimmed.mean(axis=-1), stdtrit(kept - 1, 1 - TAIL) * error)


def percentile(samples: Array) -> Ends:
    """Percentile bootstrap of the mean (Efron 1979)."""
    return _in_blocks(_percentile, samples)


def bca(samples: Array) -> Ends:
    """Bias-corrected and accelerated bootstrap of the mean (Efron 1987)."""
    return _in_blocks(_bca, samples)


def studentised(samples: Array) -> Ends:
    """Bootstrap-t of the mean (Efron 1982; Hall 1988)."""
    return _in_blocks(_studentised, samples)


CANDIDATES: dict[str, Callable[[Array], Ends]] = {
    "chosen": chosen,
    "t, mean": t_mean,
    "t, HL": t_hodges_lehmann,
    "signed-rank": signed_rank,
    "Yuen": yuen,
    "percentile": percentile,
    "BCa": bca,
    "bootstrap-t": studentised,
}
"""By the name that the tables use."""

ON_THE_MEAN = {"t, mean", "percentile", "BCa", "bootstrap-t"}
"""Judged by whether they hold the true mean, which is what they estimate; the others by the true
pseudo-median (Yuen's trimmed mean is no different from it here, to 0.1%)."""


def _around(centre: Array, reach: Array) -> Ends:
    return centre - reach, centre + reach


def _t_reach(samples: Array) -> Array:
    rounds = samples.shape[-1]
    return stdtrit(rounds - 1, 1 - TAIL) * samples.std(axis=-1, ddof=1) / np.sqrt(rounds)


def _in_blocks(method: Callable[[Array, Array], Ends], samples: Array) -> Ends:
    rng = np.random.default_rng(samples.shape[-1])
    rounds = samples.shape[-1]
    ends = []
    for start in range(0, len(samples), BLOCK):
        block = samples[start : start + BLOCK]
        drawn = rng.integers(0, rounds, (len(block), RESAMPLES, rounds))
        ends.append(method(block, np.take_along_axis(block[:, None, :], drawn, axis=2)))
    low, high = (np.concatenate(part) for part in zip(*ends, strict=True))
    return low, high


def _percentile(_: Array, resamples: Array) -> Ends:
    low, high = np.quantile(resamples.mean(axis=-1), [TAIL, 1 - TAIL], axis=1)
    return low, high


def _bca(samples: Array, resamples: Array) -> Ends:
    rounds = samples.shape[-1]
    means = np.sort(resamples.mean(axis=-1), axis=1)
    less = np.mean(means < samples.mean(axis=-1, keepdims=True), axis=1)
    bias = ndtri(np.clip(less, 1 / RESAMPLES, 1 - 1 / RESAMPLES))
    left_out = (samples.sum(axis=-1, keepdims=True) - samples) / (rounds - 1)
    pull = left_out.mean(axis=-1, keepdims=True) - left_out
    acceleration = (pull**3).sum(axis=-1) / (6 * (pull**2).sum(axis=-1) ** 1.5)
    ends = []
    for z in (ndtri(TAIL), ndtri(1 - TAIL)):
        level = ndtr(bias + (bias + z) / (1 - acceleration * (bias + z)))
        position = np.clip((level * (RESAMPLES + 1)).astype(int) - 1, 0, RESAMPLES - 1)
        ends.append(means[np.arange(len(means)), position])
    return ends[0], ends[1]


def _studentised(samples: Array, resamples: Array) -> Ends:
    mean = samples.mean(axis=-1)
    error = samples.std(axis=-1, ddof=1)
    spread = np.maximum(resamples.std(axis=-1, ddof=1), 1e-12)  # all values drawn alike
    t = (resamples.mean(axis=-1) - mean[:, None]) / spread
    low, high = np.quantile(t, [TAIL, 1 - TAIL], axis=1)
    return mean - high * error, mean - low * error
