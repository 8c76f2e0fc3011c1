"""What training costs besides step time: memory, and the parts of a trial that come once."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import altair as alt

from harness.analysis.figures import BY_KEY, values
from harness.analysis.study import Study
from harness.records.trial import Record
from harness.report import format as fmt
from harness.report.naming import maker
from harness.report.plots import base
from harness.report.plots.base import Plot
from harness.report.plots.points import Point, by_group
from harness.report.table import Column, Table

CELLS = 24
"""Cells drawn below each other."""

PHASES: dict[str, Callable[[Record], float | None]] = {
    "import": lambda r: r.phases.import_s if r.phases else None,
    "data": lambda r: r.phases.data_s if r.phases else None,
    "build": lambda r: r.phases.build_s if r.phases else None,
    "first step": BY_KEY["first_step_s"].read,
    "predict": lambda r: r.phases.predict_s if r.phases else None,
}

COLOURS = {
    "import": "#56b4e9",
    "data": "#f0e442",
    "build": "#cc79a7",
    "first step": "#e69f00",
    "predict": "#0073b3",
}
"""Okabe and Ito's again, for phases alone: each cell has a bar of its own."""


def plots(_study: Study, points: Sequence[Point]) -> Iterator[Plot]:
    """Memory, and the phases that come once, of the trials that tell them."""
    cells = by_group(points)[:CELLS]
    peaks = [
        row
        for trials in cells
        for field, name in (("peak_rss_bytes", "process"), ("peak_device_bytes", "device"))
        for row in _peak(trials, field, name)
    ]
    if peaks:
        yield _memory(peaks)
    phases = [row for trials in cells for row in _phases(trials)]
    if phases:
        yield _once(phases)


def _peak(trials: Sequence[Point], field: str, name: str) -> Iterator[dict[str, Any]]:
    sizes = [size for size in values((p.record for p in trials), field) if size]
    if sizes:
        middle, label = statistics.median(sizes), trials[0].label
        yield {
            "cell": label if name == "process" else f"{label}, device",
            "backend": maker(trials[0].record.cell),
            "mb": middle / 1e6,
            "low": min(sizes) / 1e6,
            "high": max(sizes) / 1e6,
            "middle": middle,
            "range": (min(sizes), max(sizes)),
            "tip": f"{label}: {fmt.memory(middle)} of {name} memory, trials "
            f"{fmt.memory(min(sizes))} to {fmt.memory(max(sizes))}",
        }


def _memory(rows: list[dict[str, Any]]) -> Plot:
    names = base.backends(rows)
    order = [row["cell"] for row in rows]
    drawn = [{k: v for k, v in row.items() if k != "range"} for row in rows]

    def chart(width: int) -> base.Chart:
        y = alt.Y("cell:N", sort=order, title=None)
        made = alt.Chart(base.values(drawn)).encode(y=y, description="tip:N")
        bars = made.mark_bar(height=18).encode(
            x=alt.X("mb:Q", title="peak memory, MB", axis=base.few_ticks()),
            color=base.colour(names, legend=False),
        )
        ends = made.mark_rule(strokeWidth=2, color=base.INK, aria=False).encode(
            x="low:Q", x2="high:Q"
        )
        inner = max(width - 30 - min(7 * max(map(len, order)), 170), 120)
        return (bars + ends).properties(width=inner, height=max(34 * len(order), 60))

    return Plot(
        key="memory",
        group="costs",
        title="Peak memory",
        caption=(
            "Bars are the median over trials, lines their range. It is the memory of the whole "
            "process, Python and the framework's libraries included, not of the model alone."
        ),
        alternative="Peak memory. " + " ".join(f"{row['tip']}." for row in rows),
        numbers=Table(
            title="Peak memory over trials",
            columns=[
                Column(header="cell"),
                *(Column(header=h, figures=True) for h in ("median", "lowest", "highest")),
            ],
            rows=[
                [row["cell"], *(fmt.memory(v) for v in (row["middle"], *row["range"]))]
                for row in rows
            ],
        ),
        chart=chart,
    )


def _phases(trials: Sequence[Point]) -> Iterator[dict[str, Any]]:
    """The phases of a cell, each from where the one before it ends."""
    end = 0.0
    for place, (phase, read) in enumerate(PHASES.items()):
        times = [t for p in trials if (t := read(p.record)) is not None]
        if times:
            middle, label = statistics.median(times), trials[0].label
            begin, end = end, end + middle
            yield {
                "cell": label,
                "phase": phase,
                "order": place,
                "seconds": middle,
                "from": begin,
                "to": end,
                "tip": f"{label}, {phase}: {fmt.duration(middle)}",
            }


def _once(rows: list[dict[str, Any]]) -> Plot:
    order = list(dict.fromkeys(row["cell"] for row in rows))
    phases = [phase for phase in PHASES if any(row["phase"] == phase for row in rows)]
    scale = alt.Scale(domain=phases, range=[COLOURS[phase] for phase in phases])
    totals = [_total(rows, cell) for cell in order]

    def chart(width: int) -> base.Chart:
        y = alt.Y("cell:N", sort=order, title=None)
        bars = (
            alt.Chart(base.values(rows))
            .mark_bar(height=20, stroke=base.FAINT, strokeWidth=1)
            .encode(
                y=y,
                x=alt.X("from:Q", title="seconds, once in each process", axis=base.few_ticks()),
                x2="to:Q",
                order="order:Q",
                color=alt.Color(
                    "phase:N",
                    scale=scale,
                    title=None,
                    legend=base.key(columns=3 if width < base.WIDE else 0),
                ),
                description="tip:N",
            )
        )
        ends = (
            alt.Chart(base.values(totals))
            .mark_text(align="left", dx=6, color=base.INK, fontSize=12, aria=False)
            .encode(y=y, x="to:Q", text="total:N")
        )
        inner = max(width - 90 - min(7 * max(map(len, order)), 170), 100)
        return (bars + ends).properties(width=inner, height=max(32 * len(order), 60))

    first = [row for row in rows if row["phase"] == "first step"]
    return Plot(
        key="phases",
        group="costs",
        title="What comes once",
        caption=(
            "Import, data, building the model, the first step (with whatever the backend compiles) "
            "and the prediction: medians over trials, one behind the other, with their sum. In "
            "short trainings they outweigh the steps."
        ),
        alternative="Time of the parts that come once. " + " ".join(f"{r['tip']}." for r in first),
        numbers=Table(
            title="Parts that come once, medians over trials",
            columns=[
                Column(header="cell"),
                *(Column(header=phase, figures=True) for phase in PHASES),
            ],
            rows=[[cell, *(_time(rows, cell, phase) for phase in PHASES)] for cell in order],
        ),
        chart=chart,
    )


def _total(rows: list[dict[str, Any]], cell: str) -> dict[str, Any]:
    end = max(row["to"] for row in rows if row["cell"] == cell)
    return {"cell": cell, "to": end, "total": fmt.duration(end)}


def _time(rows: list[dict[str, Any]], cell: str, phase: str) -> str:
    mine = (r["seconds"] for r in rows if (r["cell"], r["phase"]) == (cell, phase))
    return fmt.duration(next(mine, None))
