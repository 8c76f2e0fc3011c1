"""Latency of single operations, as pytest-benchmark measured it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import altair as alt

from harness.analysis.study import Study
from harness.backends import FACTS
from harness.report import format as fmt
from harness.report.plots import base
from harness.report.plots.base import Plot
from harness.report.sections import operations as bench
from harness.report.table import Column, Table
from harness.store.benchmarks import Operation


def plots(study: Study) -> Iterator[Plot]:
    """One plot for each scenario and machine whose operations were measured."""
    places = dict.fromkeys((o.scenario, o.machine) for o in study.benchmarks.operations)
    for number, (scenario, machine) in enumerate(places):
        mine = [
            o for o in study.benchmarks.operations if (o.scenario, o.machine) == (scenario, machine)
        ]
        where = f" on {fmt.plain(machine, limit=40)}" if len(places) > 1 else ""
        yield _plot(mine, f"latency-{number}" if number else "latency", where)


def _plot(operations: list[Operation], key: str, where: str) -> Plot:
    rows = [_row(one) for one in operations if one.median_s > 0]
    names = base.backends(rows)
    order = list(dict.fromkeys(row["operation"] for row in rows))

    def chart(width: int) -> base.Chart:
        made = alt.Chart(base.values(rows)).encode(
            y=alt.Y("operation:N", sort=order, title=None),
            yOffset=alt.YOffset("backend:N", sort=names),
            color=base.colour(names),
            description="tip:N",
        )
        x = alt.X("ms:Q", title="latency, ms (logarithmic)", scale=alt.Scale(type="log"))
        spread = made.mark_rule(strokeWidth=3, opacity=0.45, aria=False).encode(
            x=alt.X("low:Q"), x2="high:Q"
        )
        dots = made.mark_point(filled=True, size=70).encode(x=x, shape=base.shape(names))
        inner = max(width - 30 - min(7 * max(map(len, order)), 170), 120)
        return (spread + dots).properties(width=inner, height=62 * len(order))

    return Plot(
        key=key,
        group="costs",
        title=f"Latency of single operations{where}",
        caption=(
            "Medians in a warm process, and their interquartile range as a line. The backends were "
            "measured one after the other, so this is no ranking. The axis is logarithmic: equal "
            "distances are equal factors."
        ),
        alternative="Latency of single operations. " + " ".join(f"{r['tip']}." for r in rows),
        numbers=Table(
            title=f"Latency of single operations{where}",
            columns=[
                Column(header="operation"),
                Column(header="backend"),
                *(Column(header=h, figures=True) for h in ("median", "IQR", "rounds")),
            ],
            rows=[
                [
                    bench.label(one.name),
                    one.backend,
                    fmt.duration(one.median_s),
                    fmt.spread(one.iqr_s, of=one.median_s),
                    fmt.count(one.rounds),
                ]
                for one in operations
            ],
        ),
        chart=chart,
    )


def _row(one: Operation) -> dict[str, Any]:
    half = one.iqr_s / 2
    return {
        "operation": bench.label(one.name),
        "backend": FACTS[one.backend].label,
        "ms": 1e3 * one.median_s,
        # A logarithmic axis has no place for 0.
        "low": 1e3 * max(one.median_s - half, one.median_s / 10),
        "high": 1e3 * (one.median_s + half),
        "tip": f"{bench.label(one.name)}, {FACTS[one.backend].label}: "
        f"{fmt.duration(one.median_s)}, IQR {fmt.spread(one.iqr_s, of=one.median_s)}",
    }
