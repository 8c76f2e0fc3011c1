"""Several scenarios beside each other, and what they say together."""

from __future__ import annotations

from collections.abc import Mapping

from harness.analysis.speed.across import Across
from harness.analysis.study import Study
from harness.report import format as fmt
from harness.report.document import Section
from harness.report.naming import by_row_name
from harness.report.table import Column, Table, figure
from harness.words import count

KEY = "across"

EXPLAINED = (
    "has the same weight. A mean is that of the logarithms; its interval says how well it is "
    "known for these scenarios, not what another one would give. All intervals together hold at "
    "95%."
)


def section(study: Study) -> Section:
    """The table behind the geometric means; nothing for a folder of one scenario."""
    found = study.across
    if found is None:
        return Section(key=KEY, heading="")
    names = by_row_name(study)
    return Section(
        key=KEY,
        heading="Across scenarios",
        paragraphs=[f"Each of the {count(len(found.relative), 'scenario')} {EXPLAINED}"],
        tables=[relative_table(found, names), *([_means(found, names)] if found.means else [])],
    )


def relative_table(found: Across, names: Mapping[str, str]) -> Table:
    """How many times as long as the fastest each takes; ``names`` are those of the answer."""
    return Table(
        title="Step time, the fastest of each scenario as 1",
        columns=[
            Column(header="scenario", kept=True),
            *(figure(names[name]) for name in found.names),
        ],
        rows=[
            [
                fmt.plain(scenario, limit=60),
                *(
                    fmt.significant(times[name], 3) if name in times else fmt.NOTHING
                    for name in found.names
                ),
            ]
            for scenario, times in found.relative.items()
        ],
    )


def _means(found: Across, names: Mapping[str, str]) -> Table:
    rows = []
    for one in found.means:
        ratio, ends = fmt.ratio(one.ratio, one.low, one.high)
        rows.append([f"{names[one.first]} / {names[one.second]}", ratio, ends, one.kind])
    return Table(
        title="Geometric mean of step time over the scenarios, the slower over the faster",
        columns=[
            Column(header="pair", kept=True),
            figure("ratio"),
            figure("interval"),
            Column(header="the first is"),
        ],
        rows=rows,
    )
