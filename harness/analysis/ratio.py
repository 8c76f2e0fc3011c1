"""A ratio over rounds, with its interval where there are rounds enough for one; no verdict."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from harness.analysis.speed.interval import MINIMUM_ROUNDS, interval
from harness.records.trial import Struct


class Ratio(Struct, frozen=True, kw_only=True):
    """How many times as much: the centre over rounds (Hodges-Lehmann) and its 95% interval.

    Below four rounds ``value`` is the median, and ``low`` and ``high`` are ``None``.
    """

    value: float
    low: float | None = None
    high: float | None = None
    rounds: int


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
