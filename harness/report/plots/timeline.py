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

NOTED = 3
"""So many changed packages are named above a campaign."""


def plots(timelines: Sequence[Timeline], about: Mapping[str, About]) -> list[Plot]:
    """One plot for the cells that differ in the backend alone."""
    families: dict[object, list[Timeline]] = defaultdict(list)
    for timeline in timelines:
        cell = msgspec.structs.replace(timeline.cell, backend="jax")
        families[msgspec.json.encode(cell, order="sorted"), timeline.machine_id].append(timeline)
    return [_plot(family, about, number) for number, family in enumerate(families.values())]


def _plot(family: Sequence[Timeline], about: Mapping[str, About], number: int) -> Plot:
    rows = [row for timeline in family for row in _rows(timeline)]
    names = base.backends(rows)
    moved = [row for row in rows if row["moved"]]
    versions = _versions(family, rows)

    def chart(width: int) -> base.Chart:
        x = alt.X(
            "at:T",
            title="began (UTC)",
            scale=alt.Scale(type="utc", padding=24),
            axis=alt.Axis(tickCount=4 if width < base.WIDE else 7, labelOverlap=True),
        )
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
        when = alt.Chart(base.values(versions)).encode(x=x)
        upright = when.mark_rule(color=base.BAND, strokeDash=[3, 3], aria=False)
        text = when.mark_text(
            align="right", baseline="top", dx=-4, color=base.INK, fontSize=12, lineBreak="\n"
        ).encode(y=alt.value(0), text="label:N", description="label:N")
        layers = [line, span, dots]
        layers += [ring, word] if moved else []
        layers = [upright, *layers, text] if versions else layers
        return alt.layer(*layers).properties(width=width - 80, height=260)

    first = family[0]
    named = name_of(first, about)
    what = fmt.plain(f"{first.cell.scenario}, {first.cell.device}, {first.cell.mode}", limit=100)
    return Plot(
        key=f"history-{number}" if number else "history",
        group="speed",
        title=f"Step time by campaign: {what}",
        caption=(
            "Marks are the centre of a campaign's trials, lines their 95% interval where there are "
            f"at least {MINIMUM_ROUNDS}. A ring marks a change by the verdict's rule. A dotted "
            "line is where packages came in other versions than before."
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
                "at": 1e3 * moment.began,
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


def _versions(family: Sequence[Timeline], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Where packages changed, and to what."""
    at = {row["campaign"]: row["at"] for row in rows}
    changed: dict[str, dict[str, None]] = defaultdict(dict)
    for timeline in family:
        for before, moment in zip(timeline.moments, timeline.moments[1:], strict=False):
            told = [text.partition(" → ") for text in version_changes(before, moment)]
            name = fmt.plain(moment.campaign, limit=60)
            changed[name] |= dict.fromkeys(f"{old.split(' ')[0]} {new}" for old, _, new in told)
    return [
        {"at": at[name], "label": "\n".join(list(packages)[:NOTED])}
        for name, packages in changed.items()
        if packages and name in at
    ]


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
