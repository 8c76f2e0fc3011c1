"""Sweeps: step time and peak memory along an axis, with their fixed part and part per unit."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import altair as alt

from harness.analysis.rows import Figure, Row, distinction
from harness.analysis.study import Study
from harness.analysis.sweeps.sweeps import Course, Growth, Point, Sweep
from harness.report import format as fmt
from harness.report.naming import maker, side
from harness.report.plots import base
from harness.report.plots.base import Plot
from harness.report.plots.points import Point as Trial
from harness.report.sections.sweeps import growth_in_words, shown, title
from harness.report.table import Column, Table

LINE_POINTS = 40
"""Where a fitted line is drawn: on logarithmic axes it is bent."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measure:
    """What is drawn over an axis, and how it is read."""

    name: str
    key: str
    unit: str
    scale: float
    figure: Callable[[Row], Figure | None]
    growth: Callable[[Course], Growth | None]
    spell: Callable[[float], str]
    spell_unit: Callable[[float], str]


STEP_TIME = Measure(
    name="step time",
    key="sweep",
    unit="ms",
    scale=1e3,
    figure=lambda row: row.step_time_s,
    growth=lambda course: course.step_time,
    spell=fmt.duration,
    spell_unit=fmt.small_duration,
)
MEMORY = Measure(
    name="peak memory",
    key="sweep-memory",
    unit="MB",
    scale=1e-6,
    figure=lambda row: row.peak_rss_bytes,
    growth=lambda course: course.memory,
    spell=fmt.memory,
    spell_unit=fmt.size,
)


def plots(study: Study, _points: Sequence[Trial]) -> Iterator[Plot]:
    """Of each axis the sweep with most points; the tables tell all."""
    found: dict[str, list[Sweep]] = {}
    for sweep in study.sweeps:
        found.setdefault(sweep.axis, []).append(sweep)
    for of_axis in found.values():
        largest = max(of_axis, key=lambda sweep: sum(len(c.points) for c in sweep.courses))
        yield _plot(largest, STEP_TIME)
        if largest.numbers and any(point["y"] for point in _rows(largest, MEMORY)):
            yield _plot(largest, MEMORY)


def _plot(sweep: Sweep, measure: Measure) -> Plot:
    rows = _rows(sweep, measure)
    axis = title(sweep.axis)
    name = f"{measure.name[:1].upper()}{measure.name[1:]}"
    return Plot(
        key=f"{measure.key}-{''.join(c if c.isalnum() else '-' for c in sweep.axis)}"[:60],
        group="sweeps",
        title=f"{name} against {axis}",
        caption=_caption(sweep, measure),
        alternative=f"{name} against {axis}. " + " ".join(f"{row['tip']}." for row in rows),
        numbers=_numbers(sweep, axis),
        chart=_numeric(sweep, measure, rows) if sweep.numbers else _categorical(sweep, rows),
    )


def _caption(sweep: Sweep, measure: Measure) -> str:
    if not sweep.numbers:
        return (
            "The values lie at equal distances, and lines only join the marks of a backend. "
            f"The vertical axis, {measure.name}, is logarithmic."
        )
    grown = "; ".join(
        f"{_name(course)}: "
        f"{growth_in_words(measure.growth(course), sweep.axis, measure.spell_unit)}"
        for course in sweep.courses
    )
    return (
        "Marks are measured, lines are a fixed part and a part for each unit, fitted to them. "
        f"{grown}. Both axes are logarithmic: a line is level where the fixed part rules, and as "
        "steep as the axes' diagonal where the other does."
    )


def _rows(sweep: Sweep, measure: Measure) -> list[dict[str, Any]]:
    return [
        {
            "backend": maker(course.points[0].row.cell),
            "cell": _name(course),
            "value": point.value if sweep.numbers else shown(point.value),
            "y": figure.value * measure.scale,
            "tip": f"{_tip(course, point)} at {shown(point.value)}: {measure.spell(figure.value)}",
        }
        for course in sweep.courses
        for point in course.points
        if (figure := measure.figure(point.row)) is not None
    ]


def _fitted(sweep: Sweep, measure: Measure) -> Iterator[dict[str, Any]]:
    """Each backend's line, at values that are evenly spaced in logarithms."""
    for course in sweep.courses:
        growth = measure.growth(course)
        if growth is not None and growth.line is not None:
            low, high = (math.log(float(course.points[end].value)) for end in (0, -1))
            for i in range(LINE_POINTS):
                value = math.exp(low + (high - low) * i / (LINE_POINTS - 1))
                yield {
                    "backend": maker(course.points[0].row.cell),
                    "cell": _name(course),
                    "value": value,
                    "y": growth.line.at(value) * measure.scale,
                }


def _numeric(
    sweep: Sweep, measure: Measure, rows: list[dict[str, Any]]
) -> Callable[[int], base.Chart]:
    names, fitted = base.backends(rows), list(_fitted(sweep, measure))
    x = alt.X(
        "value:Q",
        title=f"{title(sweep.axis)} (logarithmic)",
        scale=alt.Scale(type="log", nice=False, padding=20),
    )
    y = alt.Y(
        "y:Q", title=f"{measure.name}, {measure.unit} (logarithmic)", scale=alt.Scale(type="log")
    )

    def chart(width: int) -> base.Chart:
        dots = (
            alt.Chart(base.values(rows))
            .mark_point(filled=True, size=70)
            .encode(
                x=x, y=y, color=base.colour(names), shape=base.shape(names), description="tip:N"
            )
        )
        lines = (
            alt.Chart(base.values(fitted))
            .mark_line(aria=False)
            .encode(
                x=x,
                y=y,
                detail="cell:N",
                color=base.colour(names),
                strokeDash=base.dash(names, legend=False),
            )
        )
        return (lines + dots).properties(width=width - 80, height=260)

    return chart


def _categorical(sweep: Sweep, rows: list[dict[str, Any]]) -> Callable[[int], base.Chart]:
    names, order = base.backends(rows), [shown(value) for value in sweep.values]

    def chart(width: int) -> base.Chart:
        made = alt.Chart(base.values(rows)).encode(
            x=alt.X("value:N", sort=order, title=title(sweep.axis), axis=alt.Axis(labelAngle=0)),
            y=alt.Y("y:Q", title="step time, ms (logarithmic)", scale=alt.Scale(type="log")),
            color=base.colour(names),
            description="tip:N",
        )
        line = made.mark_line(aria=False).encode(
            detail="cell:N", strokeDash=base.dash(names, legend=False)
        )
        dots = made.mark_point(filled=True, size=80).encode(shape=base.shape(names))
        return (line + dots).properties(width=width - 80, height=260)

    return chart


def _numbers(sweep: Sweep, axis: str) -> Table:
    heads = [axis, "step time", "peak memory", "trials"]
    return Table(
        title=f"Step time and peak memory by {axis}",
        columns=[Column(header="backend"), *(Column(header=h, figures=True) for h in heads)],
        rows=[
            [_name(course), shown(point.value), *_figures(point)]
            for course in sweep.courses
            for point in course.points
        ],
    )


def _name(course: Course) -> str:
    return side(course.points[0].row.cell, course.apart)


def _tip(course: Course, point: Point) -> str:
    return point.row.cell.label + distinction(course.apart)


def _figures(point: Point) -> list[str]:
    step_time, memory = point.row.step_time_s, point.row.peak_rss_bytes
    return [
        fmt.duration(step_time.value if step_time else None),
        fmt.memory(memory.value if memory else None),
        fmt.count(point.row.good),
    ]
