"""A forest plot: the ratio of two cells on every machine, and over all of them at the bottom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import altair as alt

from harness.analysis.speed.machines import Combined
from harness.analysis.study import Study
from harness.report import format as fmt
from harness.report.machines import over_machines, ratio_of
from harness.report.naming import backends, maker
from harness.report.plots import base
from harness.report.plots.base import Plot
from harness.report.sections.over_machines import machines_table, pair_label
from harness.report.table import machine_label

NAMED = 30
"""Machines with a row high enough for a name; more are drawn closer and without."""

HIGH, LOW = 20, 5
"""Pixels of a row with a name, and without."""


TICKS = [m * 10.0**e for e in range(-3, 4) for m in (1, 1.2, 1.4, 1.6, 2, 2.5, 3, 4, 5, 6, 8)]
"""Ratios with a grid line: few decimals, and about as far from each other."""


def plots(study: Study) -> Iterator[Plot]:
    """A plot for each pair of the answer, if several machines interleaved it."""
    contest = next((one for one in study.contests if backends(one)), None)
    over = over_machines(study, contest) if contest else None
    if over is not None:
        for number, pair in enumerate(over.pairs):
            yield _forest(pair, number, study.rule.margin)


def _forest(pair: Combined, number: int, margin: float) -> Plot:
    shown = sorted(
        (one for one in pair.counting if one.ratio is not None), key=lambda one: one.ratio or 0.0
    )
    faster = maker(pair.second)
    rows: list[dict[str, Any]] = [
        {
            "machine": machine_label(one.machine_id),
            "place": place,
            "backend": faster,
            "ratio": one.ratio,
            "low": one.low,
            "high": one.high,
            "tip": f"{machine_label(one.machine_id)}: "
            + fmt.inline(*fmt.ratio(one.ratio, one.low, one.high, margin=margin)),
        }
        for place, one in enumerate(shown)
    ]
    whole = f"all {len(shown):,}"
    over = {
        "machine": whole,
        "place": len(rows),
        "ratio": pair.ratio,
        "low": pair.low if pair.low is not None else pair.ratio,
        "high": pair.high if pair.high is not None else pair.ratio,
        "tip": f"{whole}: {fmt.inline(*ratio_of(pair, margin))}",
    }
    named = len(rows) <= NAMED
    first = min(1.0, *(one["low"] for one in rows), over["low"])
    last = max(1.0, *(one["high"] for one in rows), over["high"])
    ticks = [tick for tick in TICKS if first <= tick <= last]

    def chart(width: int) -> base.Chart:
        order = [row["machine"] for row in (*rows, over)]
        y = (
            alt.Y("machine:N", sort=order, title=None)
            if named
            else alt.Y(
                "place:Q",
                title=f"{len(rows):,} machines, by their ratio",
                axis=None if width < base.WIDE else alt.Axis(labels=False, ticks=False, grid=False),
                scale=alt.Scale(reverse=True, zero=False, nice=False, padding=8),
            )
        )
        x = alt.X(
            "ratio:Q",
            title=f"step time, {pair_label(pair)} (logarithmic)",
            scale=alt.Scale(type="log", nice=False, padding=10, domain=[first, last]),
            axis=alt.Axis(values=ticks, labelOverlap=True),
        )
        made = alt.Chart(base.values(rows)).encode(y=y, description="tip:N")
        colour = base.colour([faster], legend=False)
        ends = made.mark_rule(aria=False, opacity=0.6).encode(x="low:Q", x2="high:Q", color=colour)
        dots = made.mark_point(filled=True, size=45 if named else 16, opacity=1).encode(
            x=x, color=colour, shape=base.shape([faster], legend=False)
        )
        below = alt.Chart(base.values([over])).encode(y=y, description="tip:N")
        reach = below.mark_rule(strokeWidth=4, color=base.INK, aria=False).encode(
            x="low:Q", x2="high:Q"
        )
        middle = below.mark_point(
            shape="diamond", filled=True, size=140, opacity=1, color=base.INK
        ).encode(x=x)
        at = alt.Chart(base.values([{"ratio": 1.0}, {"ratio": pair.ratio}]))
        lines = at.mark_rule(color=base.BAND, strokeDash=[3, 3], aria=False).encode(x="ratio:Q")
        height = (HIGH if named else LOW) * (len(rows) + 2)
        drawn = lines + ends + dots + reach + middle
        return drawn.properties(width=width - (110 if named else 70), height=height)

    low, high = pair.range
    ratio, ends = ratio_of(pair, margin)
    span = f"{fmt.significant(low)} to {fmt.significant(high)} times"
    return Plot(
        key=f"machines-{number}",
        group="machines",
        title=f"{pair_label(pair)} on each machine",
        caption=(
            f"How many times as long a step takes on the first as on {faster}: a mark for each "
            "machine with its interval, from its own rounds. The diamond is the ratio over all of "
            "them, its line the interval. A machine left of 1 would have them the other way round."
        ),
        alternative=(
            f"{pair_label(pair)} on {len(rows):,} machines: {span}; over all "
            f"{fmt.inline(ratio, ends)}."
        ),
        numbers=machines_table(pair, pair.machines, f"{pair_label(pair)} on each machine", margin),
        chart=chart,
    )
