"""The statistics that pytest-benchmark keeps of a benchmark's rounds, by its own definitions.

Written anew so that an export does not need pytest; a test holds them against the original.
Source: ``pytest_benchmark/stats.py`` (5.3). Quartiles are those of methods 2 and 3 in
https://en.wikipedia.org/wiki/Quartile#Computing_methods.
"""

from __future__ import annotations

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

FENCE = 1.5
"""Interquartile ranges beyond a quartile from which on a round counts as an outlier (Tukey)."""


def of(rounds_s: Sequence[float]) -> dict[str, Any]:
    """The fields of ``stats`` in the JSON, ``data`` included.

    Args:
        rounds_s: Seconds of each round, at least one, in order.
    """
    ordered = sorted(rounds_s)
    mean = statistics.mean(ordered)
    stddev = statistics.stdev(ordered) if len(ordered) > 1 else 0
    q1, q3 = _quartiles(ordered)
    low, high = q1 - FENCE * (q3 - q1), q3 + FENCE * (q3 - q1)
    beyond_stddev = _beyond(ordered, mean - stddev, mean + stddev)
    beyond_fences = _beyond(ordered, low, high)
    total = sum(rounds_s)
    return {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": mean,
        "stddev": stddev,
        "rounds": len(ordered),
        "median": statistics.median(ordered),
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": beyond_fences,
        "stddev_outliers": beyond_stddev,
        "outliers": f"{beyond_stddev};{beyond_fences}",
        "ld15iqr": ordered[bisect_left(ordered, low)],
        "hd15iqr": ordered[bisect_right(ordered, high) - 1],
        "ops": len(ordered) / total,
        "total": total,
        "data": list(rounds_s),
        "iterations": 1,
    }


def _quartiles(ordered: Sequence[float]) -> tuple[float, float]:
    count = len(ordered)
    whole, rest = divmod(count, 4)
    if count == 1:
        return ordered[0], ordered[0]
    if rest == 1:
        return (
            0.25 * ordered[whole - 1] + 0.75 * ordered[whole],
            0.75 * ordered[3 * whole] + 0.25 * ordered[3 * whole + 1],
        )
    if rest == 3:
        return (
            0.75 * ordered[whole] + 0.25 * ordered[whole + 1],
            0.25 * ordered[3 * whole + 1] + 0.75 * ordered[3 * whole + 2],
        )
    half = count // 2
    return statistics.median(ordered[:half]), statistics.median(ordered[half:])


def _beyond(ordered: Sequence[float], low: float, high: float) -> int:
    return bisect_left(ordered, low) + len(ordered) - bisect_right(ordered, high)
