"""The modes beside each other, from Keras' fit down to a framework's own code, over the floor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from harness.analysis.ladder.floor import CommonFloor
from harness.analysis.ladder.ladder import Ladder, Rung
from harness.analysis.rows import distinction
from harness.analysis.study import Study
from harness.records.cell import MODES
from harness.report import format as fmt
from harness.report.naming import maker, side
from harness.report.plots import base
from harness.report.plots.base import Plot
from harness.report.plots.points import Point
from harness.report.table import Column, Table

ABOVE_THE_FLOOR = (
    " The grey line is the floor: what the arithmetic or the memory of a step takes by itself, at "
    "the rates that NumPy reached in the same rounds."
)


def plots(study: Study, _points: Sequence[Point]) -> Iterator[Plot]:
    """The ladder with most rungs, of equal ones that which stands first in the tables."""
    if study.ladders:
        yield _modes(max(study.ladders, key=lambda ladder: len(ladder.rungs)))


def _modes(ladder: Ladder) -> Plot:
    rows = [_row(rung) for rung in ladder.rungs if rung.step_time_s is not None]
    names = base.backends(rows)
    order = [mode for mode in MODES if mode in {row["mode"] for row in rows}]
    floor = ladder.floor

    def chart(width: int) -> base.Chart:
        made = alt.Chart(base.values(rows)).encode(
            x=alt.X("mode:N", sort=order, title="mode", axis=alt.Axis(labelAngle=0)),
            y=alt.Y(
                "ms:Q",
                title="step time, ms (logarithmic)",
                scale=alt.Scale(type="log", nice=False, padding=16),
            ),
            color=base.colour(names),
            description="tip:N",
        )
        line = made.mark_line(aria=False).encode(
            detail="line:N", strokeDash=base.dash(names, legend=False)
        )
        dots = made.mark_point(filled=True, size=80).encode(shape=base.shape(names))
        drawn = line + dots if floor is None else _below(floor) + line + dots
        return drawn.properties(width=width - 80, height=280)

    told = [f"{row['tip']}." for row in rows]
    if floor is not None:
        told.append(f"The floor is {fmt.duration(floor.step_s.value)}, set by its {floor.binds}.")
    return Plot(
        key="ladder",
        group="modes",
        title="The ladder: one model, several ways to run it",
        caption=(
            "Each backend from Keras' fit down to its own code. What falls between two rungs is "
            "what the upper one costs; backends that meet at the lower end differ in the way they "
            "are driven, not in their engines." + (ABOVE_THE_FLOOR if floor else "")
        ),
        alternative="Step time by mode. " + " ".join(told),
        numbers=_numbers(rows),
        chart=chart,
    )


def _below(floor: CommonFloor) -> base.Chart:
    """The floor as a line over the whole width, the range over rounds as a band behind it."""
    found = floor.step_s
    row = {
        "ms": 1e3 * found.value,
        "low": 1e3 * (found.low or found.value),
        "high": 1e3 * (found.high or found.value),
        "label": f"floor {fmt.duration(found.value)} ({floor.binds})",
    }
    made = alt.Chart(base.values([row]))
    band = made.mark_rect(color=base.BAND, opacity=0.25, aria=False).encode(y="low:Q", y2="high:Q")
    line = made.mark_rule(color=base.BAND, strokeWidth=2).encode(
        y="ms:Q", description=alt.Description("label:N")
    )
    text = made.mark_text(align="left", baseline="bottom", dx=4, dy=-4, color=base.INK).encode(
        x=alt.value(0), y="ms:Q", text="label:N"
    )
    return band + line + text


def _row(rung: Rung) -> dict[str, Any]:
    step_s = rung.step_time_s.value if rung.step_time_s else 0.0
    over = rung.times_floor
    times = f", {fmt.significant(over.value)} times the floor" if over else ""
    return {
        "backend": maker(rung.cell),
        "cell": side(rung.cell, rung.apart),
        "line": f"{rung.cell.place} {rung.versions}",
        "mode": rung.cell.mode,
        "ms": 1e3 * step_s,
        "step_s": step_s,
        "trials": rung.trials,
        "first_s": rung.first_step_s.value if rung.first_step_s else None,
        "floors": f"{fmt.significant(over.value)}×" if over else fmt.NOTHING,
        "tip": f"{rung.cell.label}{distinction(rung.apart)}: {fmt.duration(step_s)}{times}",
    }


def _numbers(rows: Sequence[dict[str, Any]]) -> Table:
    heads = ["mode", "step time", "× floor", "first step", "trials"]
    return Table(
        title="Step time by mode",
        columns=[Column(header="backend"), *(Column(header=h, figures=True) for h in heads)],
        rows=[
            [
                row["cell"],
                row["mode"],
                fmt.duration(row["step_s"]),
                row["floors"],
                fmt.duration(row["first_s"]),
                fmt.count(row["trials"]),
            ]
            for row in rows
        ],
    )
