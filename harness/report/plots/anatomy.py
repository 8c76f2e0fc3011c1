"""Where a step's time goes: the parts of each backend's ``fit`` step, one on top of the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt
import msgspec

from harness.analysis.anatomy import Anatomy
from harness.analysis.study import Study
from harness.records.anatomy import PARTS
from harness.report import format as fmt
from harness.report.plots import base
from harness.report.plots.base import Plot
from harness.report.sections import anatomy as told
from harness.report.table import Column, Table

COLOURS = {
    "input pipeline": "#56b4e9",
    "Python and dispatch": "#e69f00",
    "device compute": "#0073b3",
    "optimizer": "#009f74",
    "metrics": "#cc79a7",
    "callbacks": "#f0e442",
}
"""Okabe and Ito's again. Backends have a bar each here, so that these are parts alone. Blue and
green are a shade off the backends', which a page exchanges in its dark theme: these keep their
contrast to the text in them."""

LABELLED_FROM = 0.12
"""Share of the longest bar from which a part has its own share written into it."""


def plots(study: Study) -> Iterator[Plot]:
    """One plot of the cells that were measured on most backends."""
    alike: dict[object, list[Anatomy]] = {}
    for one in study.anatomies:
        cell = msgspec.structs.replace(one.cell, backend="jax")
        key = (msgspec.json.encode(cell, order="deterministic"), one.machine_id)
        alike.setdefault(key, []).append(one)
    if alike:
        yield _plot(max(alike.values(), key=len))


def _plot(group: Sequence[Anatomy]) -> Plot:
    rows = [row for one in group for row in _rows(one)]
    sums = [_sum(one) for one in group]
    backends = [told.named(one) for one in group]
    # Parts that could not be told apart take the colour of the last of them.
    names = list(dict.fromkeys(row["part"] for row in sorted(rows, key=lambda row: row["order"])))
    colours = alt.Scale(domain=names, range=[COLOURS[name.split(" + ")[-1]] for name in names])
    longest = max(row["measured"] for row in sums)
    for row in rows:
        row["label"] = row["share"] if row["ms"] >= LABELLED_FROM * longest else ""

    def chart(width: int) -> base.Chart:
        y = alt.Y("backend:N", sort=backends, title=None)
        bars = alt.Chart(base.values(rows)).encode(y=y, order="order:Q", description="tip:N")
        parts = bars.mark_bar(stroke=base.FAINT, strokeWidth=1).encode(
            x=alt.X("from:Q", title="step time, ms (shorter is better)", axis=base.few_ticks()),
            x2="to:Q",
            color=alt.Color(
                "part:N", scale=colours, title=None, legend=_key(2 if width < base.WIDE else 3)
            ),
        )
        # White or black, whichever is legible on the colour below.
        ink = alt.condition("datum.dark", alt.value("#ffffff"), alt.value("#000000"))
        text = bars.mark_text(fontSize=12, aria=False).encode(
            x="middle:Q", text="label:N", color=ink
        )
        step = alt.Chart(base.values(sums)).encode(y=y, description="tip:N")
        measured = step.mark_tick(thickness=3, size=44, color=base.INK).encode(x="measured:Q")
        return (parts + text + measured).properties(
            width=width - 110, height=max(62 * len(backends), 90)
        )

    return Plot(
        key="anatomy",
        group="modes",
        title="Where a step's time goes",
        caption=(
            "What a step of Keras' fit saves without each part, one taken away after the other. "
            "The upright bar is a second fit of the same rounds: where the parts end at it, they "
            "add up. A part that reaches back to the left saves nothing: what it does overlaps "
            "other work, or is too little to be seen."
        ),
        alternative=" ".join(f"{row['tip']}." for row in sums),
        numbers=_numbers(group),
        chart=chart,
    )


def _rows(one: Anatomy) -> Iterator[dict[str, Any]]:
    """The parts of a bar, each from where the one before it ends."""
    end_s = 0.0
    for part in one.parts:
        start_s, end_s = end_s, end_s + part.time.estimate_s
        name = told.label(part)
        share = told.share(part.time.estimate_s, one)
        yield {
            "backend": told.named(one),
            "part": name,
            "order": PARTS.index(part.names[-1]),
            "ms": 1e3 * part.time.estimate_s,
            "from": 1e3 * start_s,
            "to": 1e3 * end_s,
            "middle": 1e3 * (start_s + end_s) / 2,
            "share": share,
            "dark": part.names[-1] == "device compute",
            "tip": f"{told.named(one)}, {name}: {fmt.duration(part.time.estimate_s)}, "
            f"{share} of a step",
        }


def _sum(one: Anatomy) -> dict[str, Any]:
    parts = ", ".join(
        f"{told.label(part)} {told.share(part.time.estimate_s, one)}" for part in one.parts
    )
    return {
        "backend": told.named(one),
        "measured": 1e3 * one.measured.estimate_s,
        "tip": f"{told.named(one)}: {fmt.duration(one.measured.estimate_s)} a step, of "
        f"which {parts}; the sum of the parts is off by {told.off(one)}",
    }


def _numbers(group: Sequence[Anatomy]) -> Table:
    heads = ["time", "from", "to", "share"]
    return Table(
        title="Parts of a step",
        columns=[
            Column(header="backend"),
            Column(header="part"),
            *(Column(header=head, figures=True) for head in heads),
        ],
        rows=[
            [
                told.named(one),
                told.label(part),
                *(
                    fmt.duration_beside(figure, of=one.measured.estimate_s)
                    for figure in (part.time.estimate_s, part.time.low_s, part.time.high_s)
                ),
                told.share(part.time.estimate_s, one),
            ]
            for one in group
            for part in one.parts
        ],
    )


def _key(columns: int) -> alt.Legend:
    return alt.Legend(
        orient="top",
        direction="horizontal",
        title=None,
        columns=columns,
        symbolSize=90,
        columnPadding=24,
    )
