"""Modes beside each other, and sweeps of one setting: drawn where records of several exist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt
import msgspec

from harness.analysis.rows import Group, Row
from harness.record import MODES
from harness.report import format as fmt
from harness.report.evidence import NAMES, Evidence
from harness.report.plots import base
from harness.report.plots.base import Plot
from harness.report.plots.points import Point
from harness.report.table import Column, Table

SWEPT_FROM = 3
"""Values of a setting that make a sweep; of two there is no curve."""


def plots(evidence: Evidence, _points: Sequence[Point]) -> Iterator[Plot]:
    """The modes of the cells that a reader asks for first, and every sweep."""
    measured = [g for g in evidence.groups if g.row.step_time_s is not None]
    ladders = _alike(measured, "mode")
    if ladders:
        yield _modes(max(ladders, key=len))
    for setting in dict.fromkeys(name for g in measured for name in g.row.cell.settings):
        family = max(_alike(measured, setting), key=len, default=[])
        if len({g.row.cell.settings[setting] for g in family}) >= SWEPT_FROM:
            yield from _sweep(family, setting)


def _alike(groups: Sequence[Group], varied: str) -> list[list[Group]]:
    """Groups of one machine that differ in the backend and in ``varied`` alone."""
    found: dict[object, list[Group]] = defaultdict(list)
    for group in groups:
        found[_apart_from(group.row, varied)].append(group)
    return [family for family in found.values() if len({_value(g, varied) for g in family}) > 1]


def _apart_from(row: Row, varied: str) -> object:
    settings = {k: v for k, v in row.cell.settings.items() if k != varied}
    mode = "fit" if varied == "mode" else row.cell.mode
    cell = msgspec.structs.replace(row.cell, backend="jax", mode=mode, settings=settings)
    place = (row.machine_id, row.table_sha256, row.scenario_version)
    return msgspec.json.encode(cell, order="deterministic"), place


def _value(group: Group, varied: str) -> object:
    cell = group.row.cell
    return cell.mode if varied == "mode" else cell.settings.get(varied)


def _modes(groups: Sequence[Group]) -> Plot:
    rows = [_row(g) | {"mode": g.row.cell.mode} for g in groups]
    names = base.backends(rows)
    order = [mode for mode in MODES if mode in {row["mode"] for row in rows}]

    def chart(width: int) -> base.Chart:
        made = alt.Chart(base.values(rows)).encode(
            x=alt.X("mode:N", sort=order, title="mode", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("ms:Q", title="step time, ms (logarithmic)", scale=alt.Scale(type="log")),
            color=base.colour(names),
            description="tip:N",
        )
        line = made.mark_line(aria=False).encode(strokeDash=base.dash(names, legend=False))
        dots = made.mark_point(filled=True, size=80).encode(shape=base.shape(names))
        return (line + dots).properties(width=width - 80, height=260)

    return Plot(
        key="ladder",
        title="The ladder: one model, several ways to run it",
        caption=(
            "Each backend from Keras' fit down to its own code. What falls between two rungs is "
            "what the upper one costs; backends that meet at the lower end differ in the way they "
            "are driven, not in their engines."
        ),
        alternative="Step time by mode. " + " ".join(f"{row['tip']}." for row in rows),
        numbers=_numbers("mode", [(row, row["mode"]) for row in rows]),
        chart=chart,
    )


def _sweep(groups: Sequence[Group], setting: str) -> Iterator[Plot]:
    rows = [
        _row(g) | {"value": float(value)}
        for g in groups
        # A bool is a number to Python, and no sweep.
        if isinstance(value := g.row.cell.settings[setting], (int, float))
        and not isinstance(value, bool)
        and value > 0
    ]
    if len({row["value"] for row in rows}) < SWEPT_FROM:
        return
    names, title = base.backends(rows), fmt.plain(setting.replace("_", " "), limit=60)

    def chart(width: int) -> base.Chart:
        made = alt.Chart(base.values(rows)).encode(
            x=alt.X("value:Q", title=f"{title} (logarithmic)", scale=alt.Scale(type="log")),
            y=alt.Y("ms:Q", title="step time, ms (logarithmic)", scale=alt.Scale(type="log")),
            color=base.colour(names),
            description="tip:N",
        )
        line = made.mark_line(aria=False).encode(strokeDash=base.dash(names, legend=False))
        dots = made.mark_point(filled=True, size=70).encode(shape=base.shape(names))
        return (line + dots).properties(width=width - 80, height=260)

    yield Plot(
        key=f"sweep-{''.join(c if c.isalnum() else '-' for c in setting)}"[:60],
        title=f"Step time against {title}",
        caption=(
            "Both axes are logarithmic: a straight line that rises as steeply as the axes' "
            "diagonal grows in proportion, a level one does not depend on it at all."
        ),
        alternative=f"Step time against {title}. " + " ".join(f"{row['tip']}." for row in rows),
        numbers=_numbers(title, [(row, fmt.significant(row["value"])) for row in rows]),
        chart=chart,
    )


def _row(group: Group) -> dict[str, Any]:
    row, figure = group.row, group.row.step_time_s
    step_s = figure.value if figure else 0.0
    return {
        "backend": NAMES[row.cell.backend],
        "ms": 1e3 * step_s,
        "step_s": step_s,
        "trials": row.good,
        "memory": row.peak_rss_bytes.value if row.peak_rss_bytes else None,
        "tip": f"{row.cell.label}: {fmt.duration(step_s)}",
    }


def _numbers(varied: str, rows: Sequence[tuple[dict[str, Any], str]]) -> Table:
    heads = [varied, "step time", "peak memory", "trials"]
    return Table(
        title=f"Step time by {varied}",
        columns=[Column(header="backend"), *(Column(header=h, figures=True) for h in heads)],
        rows=[
            [
                row["backend"],
                value,
                fmt.duration(row["step_s"]),
                fmt.memory(row["memory"]),
                fmt.count(row["trials"]),
            ]
            for row, value in rows
        ],
    )
