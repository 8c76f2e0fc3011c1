"""Timelines of cells over campaigns, with change points and the package versions on the axis."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import msgspec

from harness.analysis.before_after.history import Moment, Timeline
from harness.analysis.speed.interval import MINIMUM_ROUNDS, interval
from harness.analysis.study import About
from harness.report import format as fmt
from harness.report.naming import maker
from harness.report.plots import base
from harness.report.plots.base import Plot
from harness.report.sections.history import day, name_of, version_changes
from harness.report.table import Column, Table

UPRIGHT = 6
"""Campaigns whose names stand level below the axis; more are turned."""


def plots(timelines: Sequence[Timeline], about: Mapping[str, About]) -> list[Plot]:
    """One plot for the cells that differ in the backend alone."""
    families: dict[object, list[Timeline]] = defaultdict(list)
    for timeline in timelines:
        cell = msgspec.structs.replace(timeline.cell, backend="jax")
        families[msgspec.json.encode(cell, order="sorted"), timeline.machine_id].append(timeline)
    return [_plot(family, about, number) for number, family in enumerate(families.values())]


def _plot(family: Sequence[Timeline], about: Mapping[str, About], number: int) -> Plot:
    rows = [row for timeline in family for row in _rows(timeline)]
    campaigns = sorted({(row["began"], row["campaign"]) for row in rows})
    order = [name for _, name in campaigns]
    axis_labels = {name: _label(name, family) for name in order}
    for row in rows:
        row["at"] = axis_labels[row["campaign"]]
    names = base.backends(rows)
    moved = [row for row in rows if row["moved"]]

    def chart(width: int) -> base.Chart:
        many = len(order) > UPRIGHT or width < base.WIDE
        axis = alt.Axis(
            # The text of a label is data to this expression, never part of it.
            labelExpr="split(datum.label, '\\n')",
            labelAngle=-50 if many else 0,
            labelLimit=200,
        )
        x = alt.X("at:O", sort=[axis_labels[name] for name in order], title="campaign", axis=axis)
        made = alt.Chart(base.values(rows)).encode(
            x=x, color=base.colour(names), description="tip:N"
        )
        y = alt.Y("ms:Q", title="step time, ms", scale=alt.Scale(zero=True))
        line = made.mark_line(aria=False, opacity=0.7).encode(
            y=y, strokeDash=base.dash(names, legend=False)
        )
        span = made.mark_rule(strokeWidth=2, aria=False).encode(y=alt.Y("low:Q"), y2="high:Q")
        dots = made.mark_point(filled=True, size=70).encode(y=y, shape=base.shape(names))
        change = alt.Chart(base.values(moved)).encode(x=x, y=y)
        ring = change.mark_point(size=330, strokeWidth=2, color=base.INK, aria=False)
        word = change.mark_text(dy=-18, color=base.INK, fontWeight="bold", aria=False).encode(
            text="word:N"
        )
        layers = (line, span, dots, ring, word) if moved else (line, span, dots)
        return alt.layer(*layers).properties(width=width - 80, height=260)

    first = family[0]
    named = name_of(first, about)
    what = fmt.plain(f"{first.cell.scenario}, {first.cell.device}, {first.cell.mode}", limit=100)
    return Plot(
        key=f"history-{number}" if number else "history",
        title=f"Step time by campaign: {what}",
        caption=(
            "Marks are the centre of a campaign's trials, lines their 95% interval where there are "
            f"at least {MINIMUM_ROUNDS}. A ring marks a change by the verdict's rule. Below each "
            "campaign stand the packages whose versions are others than in the one before."
        ),
        alternative=f"Step time of {named} and the other backends by campaign. "
        + (" ".join(f"{row['tip']}, a change." for row in moved) or "No change."),
        numbers=_numbers(rows),
        chart=chart,
    )


def _rows(timeline: Timeline) -> list[dict[str, Any]]:
    backend = maker(timeline.cell)
    rows = []
    for moment in timeline.moments:
        if moment.middle_s is None:
            continue
        middle, low, high = _centre(moment.step_times_s, moment.middle_s)
        rows.append(
            {
                "backend": backend,
                "campaign": fmt.plain(moment.campaign, limit=60),
                "began": moment.began,
                "day": day(moment),
                "ms": 1e3 * middle,
                "low": 1e3 * low,
                "high": 1e3 * high,
                "step_s": middle,
                "span": fmt.duration_range(low, high, of=middle) if low < high else fmt.NOTHING,
                "moved": moment.moved,
                "word": _word(moment),
                "tip": f"{backend}, {fmt.plain(moment.campaign, limit=60)}: {fmt.duration(middle)}",
            }
        )
    return rows


def _word(moment: Moment) -> str:
    if moment.speed is not None and moment.speed.kind in {"faster", "slower"}:
        return moment.speed.kind
    return f"learns {moment.quality.kind}" if moment.quality is not None else ""


def _centre(times_s: Sequence[float], middle_s: float) -> tuple[float, float, float]:
    if len(times_s) < MINIMUM_ROUNDS:
        return middle_s, middle_s, middle_s
    found = interval([math.log(time_s) for time_s in times_s])
    return math.exp(found.estimate), math.exp(found.low), math.exp(found.high)


def _label(campaign: str, family: Sequence[Timeline]) -> str:
    """The campaign's name, and below it each package that is not as it was before."""
    changed: dict[str, None] = {}
    for timeline in family:
        for before, moment in zip([None, *timeline.moments], timeline.moments, strict=False):
            if fmt.plain(moment.campaign, limit=60) == campaign:
                changed |= dict.fromkeys(version_changes(before, moment))
    told = [text.partition(" → ") for text in changed]
    return "\n".join([campaign, *(f"{a.split(' ')[0]} {b}" for a, _, b in told[:4])])


def _numbers(rows: Sequence[dict[str, Any]]) -> Table:
    return Table(
        title="Step time by campaign",
        columns=[
            Column(header="campaign"),
            Column(header="backend"),
            Column(header="began"),
            Column(header="step time", figures=True),
            Column(header="95% interval", figures=True),
            Column(header="change"),
        ],
        rows=[
            [
                row["campaign"],
                row["backend"],
                row["day"],
                fmt.duration(row["step_s"]),
                row["span"],
                row["word"] if row["moved"] else "",
            ]
            for row in rows
        ],
    )
