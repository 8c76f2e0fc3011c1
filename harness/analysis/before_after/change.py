"""Whether a figure changed between two campaigns: the verdict that a shift allows.

The words are those of :mod:`harness.analysis.speed.verdict`, with the trials after in the place of
the first cell: ``slower`` says that a step takes longer after. A memory figure is ``more`` or
``less``.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal

from harness.analysis.before_after.shift import Shift, shift, trials_needed
from harness.analysis.speed.interval import MINIMUM_ROUNDS
from harness.analysis.speed.verdict import Kind, classify, judging_confidence
from harness.records.cell import Struct

Word = Literal["faster", "slower", "less", "more", "equivalent", "inconclusive"]
Words = tuple[Word, Word]

SPEED: Words = ("faster", "slower")
"""What a figure is called that is surely smaller or surely larger: less time is faster."""

MEMORY: Words = ("less", "more")


class Change(Struct, frozen=True, kw_only=True):
    """One figure of one cell, before and after.

    ``before`` and ``after`` are medians over trials in the figure's own unit, ``ratio`` is after
    over before (the two-sample Hodges-Lehmann estimate, not the ratio of the medians) and ``low``
    and ``high`` its interval, which holds at ``confidence`` by itself, and together with those of
    the other cells at what was asked for. All three are ``None`` below four trials on either side.
    ``trials_needed`` on each side would settle an ``inconclusive`` verdict if estimate and scatter
    stayed as they are; ``None`` where the verdict is settled or cannot be settled at this margin.
    """

    kind: Word
    before: float
    after: float
    ratio: float | None
    low: float | None
    high: float | None
    confidence: float
    margin: float
    trials_before: int
    trials_after: int
    trials_needed: int | None
    reason: str


def change(
    before: Sequence[float],
    after: Sequence[float],
    *,
    words: Words,
    margin: float,
    confidence: float = 0.95,
    comparisons: int = 1,
) -> Change | None:
    """The verdict on one figure of one cell.

    Args:
        before: The figure of each trial before, above 0, in its own unit (seconds, bytes).
        after: Likewise after.
        words: What smaller and larger are called: :data:`SPEED` or :data:`MEMORY`.
        margin: Smallest difference that matters, as a share.
        confidence: Of all the intervals of the family together.
        comparisons: Size of the family: how many cells are judged side by side.

    Returns:
        ``None`` if either side has no trial with this figure.

    Raises:
        ValueError: If the margin is negative, the confidence or the size of the family out of
            range, or a figure is not a positive number.
    """
    if margin < 0:
        raise ValueError(f"a margin is a share of at least 0, not {margin}")
    if not before or not after:
        return None
    for value in (*before, *after):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"a time or a size is a positive number, not {value}")
    each = judging_confidence(confidence, comparisons)
    if min(len(before), len(after)) < MINIMUM_ROUNDS:
        found = None
        kind: Kind = "inconclusive"
        needed: int | None = MINIMUM_ROUNDS
    else:
        found = shift(_logs(before), _logs(after), confidence=each)
        kind = classify(found.low, found.high, math.log1p(margin))
        needed = trials_needed(found, margin=margin) if kind == "inconclusive" else None
    return Change(
        kind=_word(kind, words),
        before=statistics.median(before),
        after=statistics.median(after),
        ratio=math.exp(found.estimate) if found else None,
        low=math.exp(found.low) if found else None,
        high=math.exp(found.high) if found else None,
        confidence=each,
        margin=margin,
        trials_before=len(before),
        trials_after=len(after),
        trials_needed=needed,
        reason=_reason(kind, found, needed, (len(before), len(after))),
    )


def surely_no_larger(found: Change) -> bool:
    """Whether the whole interval lies below the upper edge of the margin.

    That answers the question of a gate, "more than the margin?", with no, also where the verdict is
    ``inconclusive`` because the interval reaches across the lower edge.
    """
    return found.high is not None and found.high < 1 + found.margin


def _logs(values: Sequence[float]) -> list[float]:
    return [math.log(value) for value in values]


def _word(kind: str, words: Words) -> Word:
    smaller, larger = words
    known: dict[str, Word] = {"faster": smaller, "slower": larger, "equivalent": "equivalent"}
    return known.get(kind, "inconclusive")


def _reason(kind: str, found: Shift | None, needed: int | None, trials: tuple[int, int]) -> str:
    if found is None:
        return f"needs {MINIMUM_ROUNDS} trials on each side, here are {trials[0]} and {trials[1]}"
    if kind == "equivalent":
        return "the whole interval is within the margin"
    if kind != "inconclusive":
        return "the whole interval is beyond the margin"
    if needed is None:
        return "the estimate is too close to the margin for this scatter"
    return f"the interval reaches across the margin; {needed} trials on each side would settle it"
