"""Step time: every trial of each cell, and the same over the campaign's time, where drift shows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from harness.analysis.speed.interval import MINIMUM_ROUNDS, interval
from harness.analysis.study import Study
from harness.report import format as fmt
from harness.report.naming import maker
from harness.report.plots import base
from harness.report.plots.base import Plot
from harness.report.plots.points import Point, by_group
from harness.report.table import Column, Table

CELLS = 24
"""Cells drawn below each other; a sweep of more is drawn as a sweep."""

FAR_APART = 8.0
"""Ratio of the longest to the shortest step time from which the axis is logarithmic."""


def plots(_study: Study, points: Sequence[Point]) -> Iterator[Plot]:
    """The two plots, if there is any point."""
    if points:
        yield _by_cell(points)
        yield _over_time(points)


def _by_cell(points: Sequence[Point]) -> Plot:
    cells = by_group(points)[:CELLS]
    drawn = [point for cell in cells for point in cell]
    scale, unit = _unit(drawn)
    rows = [_row(p, scale) for p in drawn]
    middles = _intervals(cells, scale)
    names = base.backends(rows)
    shown = base.thinned(rows)
    order = list(dict.fromkeys(row["cell"] for row in rows))
    axis, kind = _axis(drawn)

    def chart(width: int) -> base.Chart:
        y = alt.Y("cell:N", sort=order, title=None)
        x = alt.X(
            "step:Q",
            title=f"step time, {unit}{kind} (shorter is better)",
            scale=axis,
            axis=base.few_ticks(),
        )
        jitter = alt.YOffset("jitter:Q", scale=alt.Scale(domain=[-1.2, 1.2]))
        trials = alt.Chart(base.values(shown)).encode(
            y=y, yOffset=jitter, color=base.colour(names, legend=False), description="tip:N"
        )
        spread = trials.mark_rule(opacity=0.35, aria=False).encode(x=alt.X("low:Q"), x2="high:Q")
        dots = trials.mark_point(filled=True, size=45, opacity=0.75).encode(
            x=x, shape=base.shape(names, legend=False)
        )
        middle = alt.Chart(base.values(middles)).encode(y=y, description="tip:N")
        ends = middle.mark_rule(strokeWidth=3, color=base.INK).encode(x="low:Q", x2="high:Q")
        tick = middle.mark_tick(thickness=3, size=26, color=base.INK).encode(x="middle:Q")
        high = max(58 * len(order), 90)
        return (spread + dots + ends + tick).properties(width=_inner(width, order), height=high)

    counts = f"{fmt.count(len(points))} trial{'s' * (len(points) != 1)}"
    return Plot(
        key="step-time",
        group="speed",
        title="Step time of every trial",
        caption=(
            "Each mark is one fresh process, its thin line the middle half of its epochs. The "
            "upright bar is the centre of the trials, with its 95% interval where there are at "
            f"least {MINIMUM_ROUNDS}. Marks that lie apart within one cell show how far processes "
            "differ that measure the same thing." + base.thinned_note(len(shown), len(points))
        ),
        alternative=f"Step times of {counts}. " + " ".join(f"{m['tip']}." for m in middles),
        numbers=_numbers(points),
        chart=chart,
    )


def _over_time(points: Sequence[Point]) -> Plot:
    scale, unit = _unit(points)
    span = max(p.started_s for p in points)
    divisor, name = (60.0, "minutes") if span < 7200 else (3600.0, "hours")
    rows = [_row(p, scale) | {"at": p.started_s / divisor} for p in points]
    shown = base.thinned(sorted(rows, key=lambda row: row["at"]))
    names = base.backends(rows)
    disturbed = sum(p.disturbed is not None for p in points)
    axis, kind = _axis(points)

    def chart(width: int) -> base.Chart:
        made = alt.Chart(base.values(shown)).encode(
            x=alt.X("at:Q", title=f"{name} since the first trial", axis=base.few_ticks()),
            y=alt.Y("step:Q", title=f"step time, {unit}{kind}", scale=axis),
            color=base.colour(names),
            description="tip:N",
        )
        lines = made.mark_line(strokeWidth=1, opacity=0.6, aria=False).encode(
            detail="cell:N", strokeDash=base.dash(names, legend=False)
        )
        dots = made.mark_point(size=50).encode(
            shape=base.shape(names),
            fill=base.fill(names),
            fillOpacity=alt.condition("datum.disturbed", alt.value(0), alt.value(0.8)),
        )
        return (lines + dots).properties(width=width - 70, height=240)

    hollow = f" Hollow marks, {disturbed} in all, were disturbed." if disturbed else ""
    return Plot(
        key="drift",
        group="speed",
        title="Step time over the campaign",
        caption=(
            "The same trials in the order in which they ran. Level lines are a machine that stayed "
            "as it was; a slope or a step that all cells share is the machine, not a backend. "
            "Cells whose marks do not alternate were measured in separate blocks."
            + hollow
            + base.thinned_note(len(shown), len(points))
        ),
        alternative=_drift(points),
        numbers=_numbers(points),
        chart=chart,
    )


def _row(point: Point, scale: float) -> dict[str, Any]:
    noisy = f", disturbed: {fmt.plain(point.disturbed, limit=120)}" if point.disturbed else ""
    return {
        "cell": point.label,
        "backend": maker(point.record.cell),
        "step": point.step_time_s / scale,
        "low": point.low_s / scale,
        "high": point.high_s / scale,
        # By the golden ratio, so that neighbours in time never cover each other.
        "jitter": 2 * math.modf(0.618034 * (point.record.round + point.record.repetition))[0] - 1,
        "disturbed": point.disturbed is not None,
        "tip": f"{point.label}, round {point.record.round}, seed {point.record.seed}: "
        f"{fmt.duration(point.step_time_s)}{noisy}",
    }


def _intervals(cells: Sequence[Sequence[Point]], scale: float) -> list[dict[str, Any]]:
    """The centre of each cell's trials, from their logarithms, with its interval if it has one."""
    rows = []
    for trials in cells:
        times = [point.step_time_s for point in trials]
        low = middle = high = statistics.median(times)
        time, told = fmt.duration(middle), ""
        if len(times) >= MINIMUM_ROUNDS:
            found = interval([math.log(t) for t in times])
            middle, low, high = (math.exp(v) for v in (found.estimate, found.low, found.high))
            time, span = fmt.duration_estimate(middle, low, high)
            told = f", 95% interval {span}"
        label, trials_told = trials[0].label, f"{fmt.count(len(times))} trials"
        rows.append(
            {
                "cell": label,
                "middle": middle / scale,
                "low": low / scale,
                "high": high / scale,
                "tip": f"{label}: centre {time}{told}, {trials_told}",
            }
        )
    return rows


def _drift(points: Sequence[Point]) -> str:
    """The first and the last third of each cell, in words."""
    told = []
    for trials in by_group(points)[:CELLS]:
        third = max(len(trials) // 3, 1)
        early, late = (
            statistics.median(p.step_time_s for p in part)
            for part in (trials[:third], trials[-third:])
        )
        told.append(
            f"{trials[0].label}: {fmt.duration(early)} at first, {fmt.duration(late)} at last."
        )
    return " ".join(["Step time in the order of measuring.", *told])


def _numbers(points: Sequence[Point]) -> Table:
    rows = []
    for trials in by_group(points):
        times = [point.step_time_s for point in trials]
        figures = (min(times), statistics.median(times), max(times))
        rows.append(
            [trials[0].label, fmt.count(len(times)), *(fmt.duration(figure) for figure in figures)]
        )
    heads = ["trials", "shortest", "median", "longest"]
    return Table(
        title="Step time over trials",
        columns=[Column(header="cell"), *(Column(header=h, figures=True) for h in heads)],
        rows=rows,
    )


def _unit(points: Sequence[Point]) -> tuple[float, str]:
    """The unit of the axis: that of the longest step time."""
    longest = max(p.step_time_s for p in points)
    return next(
        ((size, unit) for size, unit in ((1.0, "s"), (1e-3, "ms")) if longest >= size),
        (1e-6, "µs"),
    )


def _axis(points: Sequence[Point]) -> tuple[alt.Scale, str]:
    """The scale of step times, and what the axis' title says of it.

    From 0, since a cut axis makes two per cent look like double; logarithmic where one disturbed
    trial of fifty milliseconds would push all others into a corner.
    """
    times = [point.step_time_s for point in points]
    if max(times) > FAR_APART * min(times):
        return alt.Scale(type="log", nice=False, padding=12), ", logarithmic"
    return alt.Scale(zero=True, nice=True), ""


def _inner(width: int, labels: Sequence[str]) -> int:
    """The width inside of the axis, for the longest of its labels."""
    return max(width - 30 - min(7 * max(map(len, labels)), 170), 120)
