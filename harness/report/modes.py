"""How far apart the backends are in each mode: what the ladder adds to the answer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.analysis.speed.verdict import Verdict
from harness.analysis.study import Contest, Study
from harness.records.cell import MODES, Mode, Struct
from harness.report import format as fmt
from harness.report.naming import backends
from harness.words import joined

HOW_IT_RUNS: dict[Mode, str] = {
    "fit": "With Keras' fit as written (fit)",
    "tuned": "With fit at its best settings (tuned)",
    "custom_loop": "With the same Keras model in a compiled loop (custom_loop)",
    "native": "In each framework's own code without Keras (native)",
}


class Gap(Struct, frozen=True, kw_only=True):
    """How far the backends of a mode are apart: the widest ratio of two, with its interval.

    The interval holds for the widest pair whichever it is: its ends are the largest of all pairs'.
    """

    mode: Mode
    backends: list[str]
    ratio: float
    low: float
    high: float
    equivalent: bool
    margin: float


def gaps(study: Study, contest: Contest) -> list[Gap]:
    """The gap of each mode that was measured as ``contest`` was; none if it is the only mode."""
    family = contest.row.family()
    mine = [one for one in study.contests if one.row.family() == family and len(backends(one)) > 1]
    found = [_gap(one) for one in sorted(mine, key=lambda one: MODES.index(one.row.cell.mode))]
    return [gap for gap in found if gap is not None] if len(mine) > 1 else []


def without_keras_loop(found: Sequence[Gap], contest: Contest) -> str:
    """The sentence on the same model in a compiled loop, or in the mode that comes nearest."""
    others = {gap.mode: gap for gap in found if gap.mode != contest.row.cell.mode}
    wanted: tuple[Mode, ...] = ("custom_loop", "native", "tuned", "fit")
    return next((in_words(others[mode]) for mode in wanted if mode in others), "")


def in_words(gap: Gap) -> str:
    """``With the same Keras model in a compiled loop (custom_loop) all three lie within …``."""
    who = "all three" if len(gap.backends) == 3 else joined(gap.backends)
    how = HOW_IT_RUNS[gap.mode]
    if gap.equivalent:
        return f"{how} {who} are equally fast, within {fmt.percent(gap.margin)}."
    ratio, interval = fmt.ratio(gap.ratio, gap.low, gap.high, margin=gap.margin)
    return f"{how} {who} lie within {ratio} of each other ({interval})."


def all_equal(contest: Contest) -> bool:
    """Whether every pair of the contest is equivalent."""
    return bool(contest.judged) and {p.outcome for p in contest.pairs} == {"equivalent"}


def verdicts(contest: Contest) -> list[Verdict]:
    """The verdicts on speed, of the pairs that have one."""
    return [pair.speed.verdict for pair in contest.judged if pair.speed]


def _gap(contest: Contest) -> Gap | None:
    """``None`` unless every pair has an interval."""
    spans = [span for found in verdicts(contest) if (span := _span(found)) is not None]
    if not spans or len(spans) < len(contest.pairs):
        return None
    low, middle, high = (math.exp(max(column)) for column in zip(*spans, strict=True))
    return Gap(
        mode=contest.row.cell.mode,
        backends=backends(contest),
        ratio=middle,
        low=low,
        high=high,
        equivalent=all_equal(contest),
        margin=verdicts(contest)[0].margin,
    )


def _span(found: Verdict) -> tuple[float, float, float] | None:
    """The distance from equality on the logarithmic scale: at least, most likely, at most."""
    if found.low is None or found.high is None or found.ratio is None:
        return None
    low, high = math.log(found.low), math.log(found.high)
    nearest = 0.0 if low < 0 < high else min(abs(low), abs(high))
    return nearest, abs(math.log(found.ratio)), max(abs(low), abs(high))
