"""One point for each trial, with the figures that several plots draw."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence

from harness.analysis.step_time import samples_s
from harness.analysis.study import Study
from harness.analysis.work import started
from harness.records.cell import Struct
from harness.records.trial import Record
from harness.report.naming import labels


class Point(Struct, frozen=True, kw_only=True):
    """A good trial.

    ``group`` is the number of its group and ``label`` that group's name. ``started_s`` counts from
    the first trial of its machine. ``low_s`` and ``high_s`` are the quartiles of the epochs that
    count. ``disturbed`` tells by what, ``None`` if by nothing.
    """

    group: int
    label: str
    backend: str
    record: Record
    started_s: float
    step_time_s: float
    low_s: float
    high_s: float
    disturbed: str | None


def points(study: Study) -> list[Point]:
    """The good trials that have a step time, in the order of the groups and of time."""
    first: dict[str | None, float] = {}
    for group in study.groups:
        for record in group.good:
            machine = group.row.machine_id
            first[machine] = min(first.get(machine, float("inf")), started(record))
    made = []
    for number, (group, label) in enumerate(zip(study.groups, labels(study), strict=True)):
        for record in sorted(group.good, key=started):
            samples = samples_s(record)
            if samples:
                low_s, middle_s, high_s = _quartiles(samples)
                made.append(
                    Point(
                        group=number,
                        label=label,
                        backend=group.row.cell.backend,
                        record=record,
                        started_s=started(record) - first[group.row.machine_id],
                        step_time_s=middle_s,
                        low_s=low_s,
                        high_s=high_s,
                        disturbed=study.why.get(id(record)),
                    )
                )
    return made


def by_group(points: Sequence[Point]) -> list[list[Point]]:
    """The points of each group, in the order of the groups."""
    found: dict[int, list[Point]] = defaultdict(list)
    for point in points:
        found[point.group].append(point)
    return [found[group] for group in sorted(found)]


def _quartiles(samples: Sequence[float]) -> tuple[float, float, float]:
    """The middle is the trial's step time, as in :func:`harness.analysis.step_time.step_time_s`."""
    if len(samples) < 2:
        return samples[0], samples[0], samples[0]
    low, _, high = statistics.quantiles(samples, n=4, method="inclusive")
    return low, statistics.median(samples), high
