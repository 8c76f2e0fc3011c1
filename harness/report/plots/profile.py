"""The performance profile: in how many scenarios a backend is how near to the fastest one.

Source: Dolan and Moré, *Benchmarking optimization software with performance profiles* (2002).
"""

from __future__ import annotations

from collections.abc import Iterator

import altair as alt

from harness.analysis.speed.across import Across
from harness.analysis.study import Study
from harness.report import format as fmt
from harness.report.naming import by_row_name, maker
from harness.report.plots import base
from harness.report.plots.base import Plot
from harness.report.sections.across import relative_table

BEYOND = 1.1
"""How far the axis goes on behind the last step, so that its level is seen."""


def plots(study: Study) -> Iterator[Plot]:
    """The profile of a folder with several scenarios."""
    if study.across is not None:
        yield _profile(study, study.across)


def _profile(study: Study, found: Across) -> Plot:
    labels = by_row_name(study)
    makers = {group.row.name: maker(group.row.cell) for group in study.groups}
    steps = sorted({time for times in found.relative.values() for time in times.values()})
    last = steps[-1] * BEYOND
    rows = [
        {
            "backend": makers[name],
            "name": labels[name],
            "within": within,
            "share": found.profile(name, within),
            "tip": f"{labels[name]}: within {fmt.significant(within, 3)}× of the fastest in "
            f"{fmt.percent(found.profile(name, within))} of the scenarios",
        }
        for name in found.names
        for within in (*steps, last)
    ]
    names = base.backends(rows)

    def chart(width: int) -> base.Chart:
        made = alt.Chart(base.values(rows)).encode(
            x=alt.X(
                "within:Q",
                title="times the step time of the fastest, at most",
                scale=alt.Scale(type="log", nice=False, domain=[1, last]),
                axis=base.few_ticks(),
            ),
            y=alt.Y(
                "share:Q",
                title="share of the scenarios",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="%"),
            ),
            color=base.colour(names),
            detail="name:N",
            description="tip:N",
        )
        lines = made.mark_line(interpolate="step-after", strokeWidth=2, aria=False).encode(
            strokeDash=base.dash(names, legend=False)
        )
        dots = made.mark_point(filled=True, size=45).encode(shape=base.shape(names))
        return (lines + dots).properties(width=width - 70, height=240)

    shares = (
        f"{labels[name]} is the fastest in {fmt.percent(found.profile(name, 1.0))} of them"
        for name in found.names
    )
    count = len(found.relative)
    return Plot(
        key="profile",
        group="speed",
        title="How often each is how near to the fastest",
        caption=(
            f"The share of the {count} scenarios in which a step takes at most so many times as "
            "long as that of the fastest. A line that is higher is better; where it begins, at 1, "
            "it says how often that one is the fastest itself."
        ),
        alternative=f"Performance profile over {count} scenarios. {', '.join(shares)}.",
        numbers=relative_table(found, labels),
        chart=chart,
    )
