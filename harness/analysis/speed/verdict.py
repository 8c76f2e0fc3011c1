"""Whether one cell is faster than another: the margin, the verdict, and families of verdicts.

A ratio is always the first cell's step time over the second's, so ``slower`` says that the first
takes longer. Margins and precisions are given as a share (``0.02`` for 2%) and used as
``log(1 + share)`` on both sides of equality: 2% slower seen from one cell is then exactly 2% faster
seen from the other, and exchanging the two never changes more than the word.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from harness import defaults
from harness.analysis.speed.interval import MINIMUM_ROUNDS, interval
from harness.analysis.speed.rounds_needed import further_rounds
from harness.records.cell import Struct

Kind = Literal["faster", "slower", "equivalent", "inconclusive"]

MARGIN = defaults.MARGIN

SEQUENTIAL = 0.8
"""Share of the error that an interval is allowed where the rounds were not fixed beforehand.
Stopping at the first interval that is narrow enough prefers those that are narrow by luck: 95%
intervals may then hold less than 91%, with this factor at least 93%
(``docs/studies/intervals.md``)."""

STOP_FROM = 6
"""Rounds before which no precision stops a campaign: luck is largest where rounds are few."""


class Verdict(Struct, frozen=True, kw_only=True):
    """The outcome of a comparison.

    ``ratio`` is the first cell's step time over the second's, ``low`` and ``high`` its interval,
    which holds at ``confidence`` by itself, and together with the rest of its family at what was
    asked for; the two are ``None`` below four rounds, and all three without any round.
    ``further_rounds`` would settle an ``inconclusive`` verdict if estimate and spread stayed as
    they are; ``None`` where the verdict is settled or cannot be settled at this margin. ``reason``
    says it in words.
    """

    kind: Kind
    ratio: float | None
    low: float | None
    high: float | None
    confidence: float
    margin: float
    rounds: int
    further_rounds: int | None
    reason: str


def verdict(
    log_ratios: Sequence[float],
    *,
    margin: float = MARGIN,
    confidence: float = 0.95,
    comparisons: int = 1,
    sequential: bool = False,
) -> Verdict:
    """The verdict on two cells (``docs/method.md``, "When it may be called a difference", 4).

    Args:
        log_ratios: Paired log-ratios of step time, one for each complete round.
        margin: Smallest difference that matters, as a share.
        confidence: Of all the intervals of the family together.
        comparisons: Size of the family: how many pairs of cells are compared side by side.
        sequential: Whether the campaign stopped, or might have stopped, at a precision.

    Raises:
        ValueError: If the margin is negative, the confidence or the size of the family out of
            range, or a log-ratio not finite.
    """
    if margin < 0:
        raise ValueError(f"a margin is a share of at least 0, not {margin}")
    each = judging_confidence(confidence, comparisons)
    rounds = len(log_ratios)
    if rounds < MINIMUM_ROUNDS:
        return Verdict(
            kind="inconclusive",
            ratio=math.exp(float(np.median(log_ratios))) if rounds else None,
            low=None,
            high=None,
            confidence=each,
            margin=margin,
            rounds=rounds,
            further_rounds=MINIMUM_ROUNDS - rounds,
            reason=f"needs at least {MINIMUM_ROUNDS} complete rounds, here are {rounds}",
        )
    found = interval(log_ratios, confidence=judging_confidence(each, sequential=sequential))
    kind = classify(found.low, found.high, math.log1p(margin))
    further = further_rounds(found, margin=margin) if kind == "inconclusive" else None
    return Verdict(
        kind=kind,
        ratio=math.exp(found.estimate),
        low=math.exp(found.low),
        high=math.exp(found.high),
        confidence=each,
        margin=margin,
        rounds=rounds,
        further_rounds=further,
        reason=_reason(kind, further),
    )


def classify(low: float, high: float, margin: float) -> Kind:
    """Read a verdict off an interval and a margin, both on the logarithmic scale.

    The whole interval must be beyond the margin, not only beyond equality: a difference is claimed
    when it is surely large enough to matter. Inside is two one-sided tests, each at half of what
    the interval leaves (Schuirmann 1987), so that no verdict needs more than the one interval.
    """
    if low > margin:
        return "slower"
    if high < -margin:
        return "faster"
    if -margin < low and high < margin:
        return "equivalent"
    return "inconclusive"


def turned(found: Verdict) -> Verdict:
    """The verdict seen from the second cell."""
    kinds: dict[Kind, Kind] = {"faster": "slower", "slower": "faster"}
    return msgspec.structs.replace(
        found,
        kind=kinds.get(found.kind, found.kind),
        ratio=None if found.ratio is None else 1 / found.ratio,
        low=None if found.high is None else 1 / found.high,
        high=None if found.low is None else 1 / found.low,
    )


def judging_confidence(
    confidence: float, comparisons: int = 1, *, sequential: bool = False
) -> float:
    """The confidence at which each interval is computed, so that the family's holds as asked.

    Three backends make three pairs, and three chances to be wrong: each gets a third of the error
    (Bonferroni), so that all intervals hold together. Holm's step-down method finds up to 4 points
    more, but its verdicts could no longer be read off the intervals shown beside them, and it does
    not speak of ``equivalent``. ``sequential`` is told at :data:`SEQUENTIAL`.

    Raises:
        ValueError: If there is no comparison, or the confidence is not a probability.
    """
    if comparisons < 1:
        raise ValueError(f"a family has at least one comparison, not {comparisons}")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")
    return 1 - (1 - confidence) / comparisons * (SEQUENTIAL if sequential else 1)


def precise_enough(
    log_ratios: Sequence[float],
    precision: float,
    *,
    confidence: float = 0.95,
    comparisons: int = 1,
) -> bool:
    """Whether a campaign may stop: the interval of this pair is as narrow as asked.

    Fixed precision (Chow & Robbins 1965) looks at the width alone, never at where the interval
    lies, so that stopping cannot favour a verdict; stopping at the first significant result would.
    A campaign that asks this must ask for ``sequential`` verdicts, whether it was stopped or ran
    out of its budget.

    Args:
        log_ratios: Paired log-ratios of step time, one for each complete round.
        precision: Half-width asked for, as a share.
        confidence: Of all the intervals of the family together.
        comparisons: Size of the family.
    """
    if len(log_ratios) < STOP_FROM:
        return False
    level = judging_confidence(confidence, comparisons, sequential=True)
    return interval(log_ratios, confidence=level).half_width <= math.log1p(precision)


def _reason(kind: Kind, further: int | None) -> str:
    if kind == "equivalent":
        return "the whole interval is within the margin"
    if kind != "inconclusive":
        return "the whole interval is beyond the margin"
    if further is None:
        return "the estimate is too close to the margin for this noise: it cannot be settled there"
    rounds = "1 further round" if further == 1 else f"{further} further rounds"
    return f"the interval reaches across the margin; {rounds} would settle it at this estimate"
