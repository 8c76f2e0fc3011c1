"""Where each row stands beside the fastest of those that it was compared with."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

from harness.analysis.answers import Pair
from harness.analysis.rows import Row
from harness.analysis.speed.interval import MINIMUM_ROUNDS, interval
from harness.analysis.step_time import step_time_s
from harness.analysis.study import Contest, Study
from harness.backends import Backend
from harness.records.cell import Struct
from harness.report import format as fmt
from harness.report.naming import backends, side


class Relative(Struct, frozen=True, kw_only=True):
    """How many times as long as the fastest a row's step takes, with the verdict's interval.

    ``low`` and ``high`` are ``None`` below four common rounds.
    """

    ratio: float
    low: float | None
    high: float | None
    margin: float

    @property
    def text(self) -> str:
        """``2.0 ± 0.1``."""
        return fmt.relative(self.ratio, self.low, self.high, margin=self.margin)


class Standing(Struct, frozen=True, kw_only=True):
    """One backend in the answer: its step time, and how far behind the fastest it is.

    ``step_time_s`` is the figure of the table; ``centre_s``, ``low_s`` and ``high_s`` are the
    centre of the trials and its 95% interval, which from fewer than four is all one. ``relative``
    is ``None`` for the fastest, and where the two share no round.
    """

    name: str
    backend: Backend
    fastest: bool
    step_time_s: float
    centre_s: float
    low_s: float
    high_s: float
    relative: Relative | None

    @property
    def text(self) -> str:
        """What the column called relative says."""
        return fmt.BASE if self.fastest else self.relative.text if self.relative else fmt.NOTHING


def fastest(contest: Contest) -> str | None:
    """What is called faster than everything else that was measured, if there is such a thing."""
    beaten: dict[str, set[str]] = defaultdict(set)
    for pair in contest.judged:
        first, second = _named(pair)
        if pair.outcome in {"faster", "slower"}:
            winner, loser = (first, second) if pair.outcome == "faster" else (second, first)
            beaten[winner].add(loser)
    everyone = set(backends(contest))
    return next(
        (winner for winner, losers in beaten.items() if losers >= everyone - {winner}), None
    )


def standings(study: Study, contest: Contest) -> list[Standing]:
    """Every row of the contest that has a step time, in the order of the rows."""
    best = _base(contest)
    found = []
    for group in contest.groups:
        row = group.row
        if row.step_time_s is None:
            continue
        times = [t for r in group.good if study.why[id(r)] is None and (t := step_time_s(r))]
        times = times or [row.step_time_s.value]
        low = centre = high = row.step_time_s.value
        if len(times) >= MINIMUM_ROUNDS:
            spread = interval([math.log(t) for t in times])
            low, centre, high = (math.exp(v) for v in (spread.low, spread.estimate, spread.high))
        found.append(
            Standing(
                name=side(row.cell, row.apart),
                backend=row.cell.backend,
                fastest=best is not None and _key(row) == best,
                step_time_s=row.step_time_s.value,
                centre_s=centre,
                low_s=low,
                high_s=high,
                relative=_behind(row, best, contest),
            )
        )
    return found


def crossed(study: Study) -> list[tuple[Row, Row]]:
    """The fastest and a row with a lower step time, since the two figures come from other trials.

    Relative takes the rounds that both have, and a step time all trials of its row.
    """
    found = []
    for contest in study.contests:
        best = _base(contest)
        rows = [group.row for group in contest.groups]
        base = next((row for row in rows if _key(row) == best), None)
        if base is None or base.step_time_s is None:
            continue
        for row in rows:
            behind = _behind(row, best, contest)
            if behind is None or row.step_time_s is None:
                continue
            if (behind.ratio > 1) != (row.step_time_s.value > base.step_time_s.value):
                found.append((base, row))
    return found


def relatives(study: Study) -> dict[int, str]:
    """The column called relative, by the identity of each row; without those that have none."""
    told: dict[int, str] = {}
    for contest in study.contests:
        best = _base(contest)
        for group in contest.groups:
            row = group.row
            if best is not None and _key(row) == best:
                told[id(row)] = fmt.BASE
            elif (behind := _behind(row, best, contest)) is not None:
                told[id(row)] = behind.text
    return told


def _named(pair: Pair) -> tuple[str, str]:
    return side(pair.first, pair.first_apart), side(pair.second, pair.second_apart)


Key = tuple[object, str]


def _key(row: Row) -> Key:
    return row.cell.digest, str(row.apart)


def _sides(pair: Pair) -> tuple[Key, Key]:
    return (
        (pair.first.digest, str(pair.first_apart)),
        (pair.second.digest, str(pair.second_apart)),
    )


def _base(contest: Contest) -> Key | None:
    """The row that takes less time than most of the others; of equal ones that of least step time.

    Whether it surely is the fastest, the verdicts say; a table needs one row to compare with.
    """
    won = Counter(
        _sides(pair)[1] for pair in contest.judged if pair.speed and pair.speed.verdict.ratio
    )
    rows = [group.row for group in contest.groups if group.row.step_time_s is not None]
    if not won:
        return None
    return min(
        (_key(row) for row in rows),
        key=lambda key: (
            -won[key],
            next(r.step_time_s.value for r in rows if _key(r) == key and r.step_time_s),
        ),
    )


def _behind(row: Row, best: Key | None, contest: Contest) -> Relative | None:
    """The row's ratio to the best; pairs have the slower one first, so it is turned but rarely."""
    for pair in contest.judged:
        found = pair.speed.verdict if pair.speed else None
        if found is None or found.ratio is None or {_key(row), best} != set(_sides(pair)):
            continue
        ends = (found.low, found.high)
        if _sides(pair)[0] == best:  # three that beat each other in a circle
            low, high = (None if end is None else 1 / end for end in (found.high, found.low))
            return Relative(ratio=1 / found.ratio, low=low, high=high, margin=found.margin)
        return Relative(ratio=found.ratio, low=ends[0], high=ends[1], margin=found.margin)
    return None
