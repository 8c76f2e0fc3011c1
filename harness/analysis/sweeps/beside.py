"""Along an axis of names: what each value costs beside the first one, pair by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from harness.analysis.rows import Group, Row
from harness.analysis.speed.pairs import Judging, Reasons, judged, measured_together
from harness.analysis.speed.verdict import Verdict, turned
from harness.analysis.sweeps.sweeps import Course, Sweep

Verdicts = Mapping[tuple[int, int], Verdict]
"""On the step time of one row over another, by the identities (``id``) of the two."""


def beside_the_first(
    found: Sequence[Sweep],
    groups: Sequence[Group],
    why: Reasons,
    rule: Judging,
    verdicts: Verdicts,
) -> list[Sweep]:
    """``found`` with a verdict on each value that shares rounds with the first of its course.

    Args:
        found: Sweeps of the rows of ``groups``. Those along numbers stay as they are.
        groups: What may be pooled, put together.
        why: What disturbed each record.
        rule: How speed is judged.
        verdicts: What is said of pairs elsewhere, so that it is said here too. All other pairs of a
            machine are a family of their own.
    """
    known = {**verdicts, **{(b, a): turned(given) for (a, b), given in verdicts.items()}}
    by_row = {id(group.row): group for group in groups}
    missing = {
        (id(row), id(first)): (by_row[id(row)], by_row[id(first)])
        for sweep in found
        for course in sweep.courses
        for row, first in _compared(sweep, course)
        if (id(row), id(first)) not in known
    }
    together = measured_together(missing.values(), why)
    pairs = [pair for *_, pair in together]
    for (ours, theirs, _), given in zip(
        together, judged(pairs, margin=rule.margin, sequential=rule.sequential), strict=True
    ):
        known[id(ours.row), id(theirs.row)] = given.verdict
    return [
        msgspec.structs.replace(
            sweep, courses=[_judged(sweep, course, known) for course in sweep.courses]
        )
        for sweep in found
    ]


def _compared(sweep: Sweep, course: Course) -> list[tuple[Row, Row]]:
    if sweep.numbers:
        return []
    return [(point.row, course.points[0].row) for point in course.points[1:]]


def _judged(sweep: Sweep, course: Course, known: Verdicts) -> Course:
    over = {id(row): known.get((id(row), id(first))) for row, first in _compared(sweep, course)}
    points = [
        msgspec.structs.replace(point, over_first=over.get(id(point.row)))
        for point in course.points
    ]
    return msgspec.structs.replace(course, points=points)
