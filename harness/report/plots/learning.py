"""What the backends learn: the metric against epochs, and against the seconds that these took."""

from __future__ import annotations

import itertools
import math
import statistics
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from harness.analysis.study import About, Study
from harness.records.trial import Record
from harness.report import format as fmt
from harness.report.naming import maker
from harness.report.plots import base
from harness.report.plots.base import Plot
from harness.report.plots.points import Point, by_group
from harness.report.table import Column, Table

PANELS = 9
"""Panels drawn of one scenario, one for each mode or setting, with a curve for each backend."""

FAR_APART = 8.0
"""Ratio of the latest to the earliest epoch from which the axis of time is logarithmic."""


def plots(study: Study, points: Sequence[Point]) -> Iterator[Plot]:
    """Two plots for the first scenario that evaluates its metric after epochs."""
    for scenario in dict.fromkeys(p.record.cell.scenario for p in points):
        mine = [p for p in points if p.record.cell.scenario == scenario]
        curves = [row for trials in by_group(mine) for row in _curve(trials)]
        if curves:
            about = study.about.get(scenario)
            panels = list(dict.fromkeys(row["panel"] for row in curves))
            more = _left_out(panels)
            curves = [row for row in curves if row["panel"] in panels[:PANELS]]
            yield _against(curves, about, more, key="learning-epochs", field="epoch")
            yield _against(curves, about, more, key="learning-seconds", field="seconds")
            return


def evaluated(record: Record) -> list[tuple[int, float, float]]:
    """Epoch from 1 on, training seconds until its end, and the metric after it.

    Seconds are those of training alone, first step included, as in the time to quality.
    """
    seconds = itertools.accumulate(epoch.wall_s for epoch in record.epochs)
    return [
        (epoch.index + 1, after_s, epoch.metric)
        for epoch, after_s in zip(record.epochs, seconds, strict=True)
        if epoch.phase == "quality" and epoch.metric is not None and math.isfinite(epoch.metric)
    ]


def _curve(trials: Sequence[Point]) -> list[dict[str, Any]]:
    """One row for each epoch: the mean over trials with the lowest and the highest."""
    seen: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for point in trials:
        for epoch, after_s, metric in evaluated(point.record):
            seen[epoch].append((after_s, metric))
    rows = []
    for epoch, pairs in sorted(seen.items()):
        metrics = [metric for _, metric in pairs]
        mean, seconds = statistics.fmean(metrics), statistics.median(s for s, _ in pairs)
        label = trials[0].label
        rows.append(
            {
                "cell": label,
                "panel": label.removeprefix(trials[0].backend).strip(", ") or "as written",
                "backend": maker(trials[0].record.cell),
                "epoch": epoch,
                "seconds": seconds,
                "metric": mean,
                "low": min(metrics),
                "high": max(metrics),
                "trials": len(pairs),
                "tip": f"{label}, after epoch {epoch} ({fmt.duration(seconds)}): "
                f"{fmt.quality(mean)}, trials {fmt.quality_range(min(metrics), max(metrics))}",
            }
        )
    return rows


def _against(
    rows: list[dict[str, Any]], about: About | None, more: str, *, key: str, field: str
) -> Plot:
    label = about.metric.label if about else "test metric"
    names = base.backends(rows)
    by_epoch = field == "epoch"
    title = "epochs trained" if by_epoch else "training seconds, first step included"
    times = [row["seconds"] for row in rows if row["seconds"] > 0]
    far_apart = not by_epoch and max(times, default=1) > FAR_APART * min(times, default=1)
    scale = (
        alt.Scale(type="log", nice=False, padding=10) if far_apart else alt.Scale(zero=not by_epoch)
    )
    title += ", logarithmic" if far_apart else ""

    panels = list(dict.fromkeys(row["panel"] for row in rows))

    def chart(width: int) -> base.Chart:
        axis = alt.Axis(format="d", tickMinStep=1) if by_epoch else base.few_ticks()
        x = alt.X(f"{field}:Q", title=title, axis=axis, scale=scale)
        y = alt.Y("metric:Q", title=label, scale=alt.Scale(zero=False))
        made = (alt.Chart() if len(panels) > 1 else alt.Chart(base.values(rows))).encode(
            x=x, y=y, color=base.colour(names), detail="cell:N", description="tip:N"
        )
        band = made.mark_area(fillOpacity=0.12, aria=False).encode(
            y=alt.Y("low:Q", title=label, scale=alt.Scale(zero=False)), y2="high:Q"
        )
        line = made.mark_line(strokeWidth=2, aria=False).encode(
            strokeDash=base.dash(names, legend=False)
        )
        dots = made.mark_point(filled=True, size=60).encode(shape=base.shape(names))
        drawn = alt.layer(band, line, dots, *_references(about))
        if len(panels) == 1:
            return drawn.properties(width=width - 80, height=260)
        beside = 2 if width >= base.WIDE else 1
        return drawn.properties(width=(width - 100) // beside, height=150).facet(
            data=base.values(rows),
            facet=alt.Facet("panel:N", sort=panels, title=None),
            columns=beside,
        )

    direction = f", {about.metric.direction} is better" if about else ""
    caption = (
        f"Mean {label} over trials, with the range of all trials as a band{direction}. Curves that "
        "lie on each other mean that the backends learn the same from the same weights and batches."
        if by_epoch
        else "The same values against the time that the training took: the curve that comes down "
        "first gets to a quality first. Its first point holds the first step, and what it compiles."
    )
    last = {row["cell"]: row for row in rows}
    told = "; ".join(row["tip"] for row in last.values())
    return Plot(
        key=key,
        group="learning",
        title=f"{label[:1].upper()}{label[1:]} against {'epochs' if by_epoch else 'time'}",
        caption=caption + (_reference_caption(about) if by_epoch else "") + more,
        alternative=f"{label} by {'epoch' if by_epoch else 'training time'}. At the end: {told}.",
        numbers=_numbers(rows, label),
        chart=chart,
    )


def _references(about: About | None) -> list[base.Chart]:
    """The published value as a line across."""
    if about is None or about.metric.reference is None:
        return []
    rows = [{"metric": about.metric.reference, "tip": "published value"}]
    rule = alt.Chart(base.values(rows)).mark_rule(color=base.BAND, strokeDash=[4, 4])
    return [rule.encode(y="metric:Q", description="tip:N")]


def _reference_caption(about: About | None) -> str:
    if about is None or about.metric.reference is None:
        return ""
    return f" The dashed line is the published {fmt.quality(about.metric.reference)}."


def _left_out(panels: Sequence[str]) -> str:
    if len(panels) <= PANELS:
        return ""
    return f" Not drawn, but in the numbers of their trials: {', '.join(panels[PANELS:])}."


def _numbers(rows: list[dict[str, Any]], label: str) -> Table:
    heads = ["epoch", "training time", label, "lowest", "highest", "trials"]
    return Table(
        title=f"{label} after each epoch",
        columns=[Column(header="cell"), *(Column(header=h, figures=True) for h in heads)],
        rows=[
            [
                row["cell"],
                fmt.count(row["epoch"]),
                fmt.duration(row["seconds"]),
                fmt.quality(row["metric"]),
                fmt.quality(row["low"]),
                fmt.quality(row["high"]),
                fmt.count(row["trials"]),
            ]
            for row in rows
        ],
    )
