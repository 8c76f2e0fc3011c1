"""Sweeps in words and tables: what grows along an axis of numbers, what differs along others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.analysis.rows import Figure
from harness.analysis.study import About, Study
from harness.analysis.sweeps.growth import Slope
from harness.analysis.sweeps.sweeps import Course, Growth, Point, Sweep
from harness.records.cell import Scalar
from harness.report import format as fmt
from harness.report.document import Section
from harness.report.table import Column, Table, cell_facts, variants

EXPLAINED = (
    "How step time and peak memory grow along an axis: a fixed part, a part for each unit, and how "
    "far the farthest point is off that line. The slope is that of the logarithms, between the two "
    "lowest and between the two highest values: 0 where a figure does not depend on the value, 1 "
    "where it grows in proportion."
)

BESIDE = (
    "Of the first: how many times as long a step takes as at the first value, over common rounds. "
    "All these intervals of one machine together hold at 95%."
)

UNITS = {"batch_size": "example", "epochs": "epoch"}
"""What one more of a setting is called, where its name does not tell."""

KEY = "sweeps"


def section(study: Study) -> Section:
    """What grows along each axis; nothing without a sweep."""
    return Section(
        key=KEY,
        heading="Sweeps",
        paragraphs=lines(study.sweeps),
        tables=tables(study.sweeps, study.about),
    )


def lines(found: Sequence[Sweep]) -> list[str]:
    """How to read the tables, and which points left no measurement; nothing without a sweep."""
    told = [EXPLAINED] if any(sweep.numbers for sweep in found) else []
    points = [point for sweep in found for course in sweep.courses for point in course.points]
    if any(point.over_first and point.over_first.low for point in points):
        told.append(BESIDE)
    return told + list(dict.fromkeys(_lost(found)))


def tables(found: Sequence[Sweep], about: Mapping[str, About]) -> list[Table]:
    """A table for each axis: of growth along numbers, of figures side by side along others."""
    by_axis: dict[tuple[str, str, bool], list[Sweep]] = {}
    for sweep in found:
        by_axis.setdefault((sweep.cell.scenario, sweep.axis, sweep.numbers), []).append(sweep)
    return [
        (_grown if numbers else _beside)(axis, mine, about.get(scenario))
        for (scenario, axis, numbers), mine in by_axis.items()
    ]


def title(axis: str) -> str:
    """The axis as a person says it: ``batch size``."""
    return fmt.plain(axis.replace("_", " "), limit=60)


def unit(axis: str) -> str:
    """One of what the axis counts: ``example``, ``synthetic user``."""
    name = UNITS.get(axis, title(axis))
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


def shown(value: Scalar) -> str:
    """A value of an axis: ``10,000,000``, ``0.1``, ``mixed_bfloat16``."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return fmt.count(value) if isinstance(value, int) else f"{value:g}"
    return fmt.plain(str(value), limit=60)


def growth_in_words(growth: Growth | None, axis: str, spell: Callable[[float], str]) -> str:
    """``fixed 1.20 ms + 0.451 µs per example``, or that there are too few points for a line."""
    if growth is None or growth.line is None:
        return "too few points for a line"
    line = growth.line
    return (
        f"fixed {spell(line.fixed)} + {spell(line.per_unit)} per {unit(axis)}, "
        f"off by at most {line.largest_residual:.0%}"
    )


def _lost(found: Sequence[Sweep]) -> Iterator[str]:
    for sweep in found:
        for course in sweep.courses:
            if course.lost:
                values = ", ".join(map(shown, dict.fromkeys(course.lost)))
                yield (
                    f"No measurement: {course.name} {sweep.cell.device} {sweep.cell.mode} at "
                    f"{title(sweep.axis)} {values}; see the records for the reason."
                )


def _apart(found: Sequence[Sweep], about: About | None) -> list[str]:
    """What tells each sweep of an axis from the others: ``mode=native``."""
    facts = [
        {name: told for name, told in cell_facts(sweep.cell).items() if name != sweep.axis}
        for sweep in found
    ]
    return ["\n".join(told) for told in variants(facts, about)]


def _grown(axis: str, found: Sequence[Sweep], about: About | None) -> Table:
    heads = ["values", "fixed", f"per {unit(axis)}", "off by", "slope, low", "slope, high"]
    apart = _apart(found, about)
    named = [Column(header="backend"), *([Column(header="settings")] if any(apart) else [])]
    rows = []
    for sweep, told in zip(found, apart, strict=True):
        for course in sweep.courses:
            name = [course.name, *([told] if any(apart) else [])]
            rows += [
                [*name, "step time", *_figures(course, course.step_time, fmt.small_duration)],
                [*name, "peak memory", *_figures(course, course.memory, fmt.size)],
            ]
    return Table(
        title=f"Growth with {title(axis)}",
        columns=[*named, Column(header="figure"), *(Column(header=h, figures=True) for h in heads)],
        rows=rows,
    )


def _figures(course: Course, growth: Growth | None, spell: Callable[[float], str]) -> list[str]:
    values = [point.value for point in course.points]
    extent = f"{shown(values[0])} to {shown(values[-1])}"
    slopes = growth.slopes if growth else []
    ends = [_slope(slopes[0]), _slope(slopes[-1])] if slopes else [fmt.NOTHING] * 2
    line = growth.line if growth else None
    if line is None:
        return [extent, *[fmt.NOTHING] * 3, *ends]
    return [
        extent,
        spell(line.fixed),
        spell(line.per_unit),
        f"{line.largest_residual:.0%}",
        *ends,
    ]


def _slope(one: Slope) -> str:
    return f"{one.slope:.2f}".replace("-", "−")


def _beside(axis: str, found: Sequence[Sweep], about: About | None) -> Table:
    apart = _apart(found, about)
    settings = [Column(header="settings")] if any(apart) else []
    metric = about.metric.label if about else "test quality"
    figures = ["step time", "of the first", "peak memory", metric, "trials"]
    return Table(
        title=f"By {title(axis)}",
        columns=[
            Column(header="backend"),
            *settings,
            Column(header=title(axis)),
            *(Column(header=head, figures=True) for head in figures),
        ],
        rows=[
            [course.name, *([told] if settings else []), *cells]
            for sweep, told in zip(found, apart, strict=True)
            for course in sweep.courses
            for cells in _each(course)
        ],
    )


def _each(course: Course) -> Iterator[list[str]]:
    for point in course.points:
        row = point.row
        yield [
            shown(point.value),
            fmt.duration(_known(row.step_time_s)),
            _of_the_first(point, course.points[0]),
            fmt.memory(_known(row.peak_rss_bytes)),
            fmt.quality(_known(row.quality)),
            fmt.count(row.good),
        ]


def _of_the_first(point: Point, first: Point) -> str:
    """``1.31 ± 0.06`` over common rounds; ``about 1.3`` from step times, where they are too few."""
    if point is first:
        return fmt.BASE
    given = point.over_first
    if given is not None and given.ratio is not None:
        return fmt.relative(given.ratio, given.low, given.high, margin=given.margin)
    step_s, first_s = _known(point.row.step_time_s), _known(first.row.step_time_s)
    if not step_s or not first_s:
        return fmt.NOTHING
    return fmt.relative(step_s / first_s, None, None, margin=0.0)


def _known(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value
