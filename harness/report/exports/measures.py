"""A row's figures with their units, for formats that hold a list of named figures."""

from __future__ import annotations

from typing import Literal

from harness.analysis import figures
from harness.analysis.figures import FIGURES
from harness.analysis.rows import Figure, Group, Row
from harness.records.cell import Struct
from harness.report import format as fmt

Unit = figures.Unit | Literal["trials", ""]


class Measure(Struct, frozen=True, kw_only=True):
    """One figure of a row, in ``unit``; ``better`` tells which way is an improvement."""

    name: str
    unit: Unit
    figure: Figure
    better: Literal["lower", "higher"] = "lower"


FAILED = "failed trials"
QUALITY = "quality"


def measures(group: Group) -> list[Measure]:
    """All figures that the row has, and always the number of its failed trials.

    So a failure shows in every format, and a row without a good trial is no empty place.
    """
    row = group.row
    found: list[tuple[str, Unit, Figure | None, Literal["lower", "higher"]]] = [
        (one.label, one.unit, getattr(row, one.key), one.better)
        for one in FIGURES
        if one.better is not None
    ]
    judged = next((r.quality for r in group.trials if r.status == "ok" and r.quality), None)
    if judged is not None:
        metric = fmt.plain(judged.metric, limit=60)
        found.append((f"{QUALITY} {metric}", "", row.quality, judged.direction))
    failures = Figure(value=row.failed, n=row.good + row.failed)
    found.append((FAILED, "trials", failures, "lower"))
    return [
        Measure(name=name, unit=unit, figure=figure, better=better)
        for name, unit, figure, better in found
        if figure is not None
    ]


def facts(row: Row) -> list[str]:
    """What a reader must know beside a row's figures, a line each."""
    lines = ["SYNTHETIC DATA: not real ratings"] if row.synthetic else []
    lines += [
        f"trials: {row.good} good, {row.failed} failed",
        f"seeds: {', '.join(str(seed) for seed in row.seeds) or 'none'}",
        f"machine: {row.machine_id or 'unknown'}",
        f"scenario version: {row.scenario_version}",
        *(f"{name}: {version}" for name, version in row.versions.items()),
    ]
    return [fmt.plain(line) for line in lines]
