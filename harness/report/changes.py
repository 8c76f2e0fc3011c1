"""The tables of a comparison: step time, quality and memory of each cell, before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.analysis.before_after.change import Change
from harness.analysis.before_after.compare import CellChange, Comparison
from harness.analysis.rows import Figure
from harness.analysis.study import About
from harness.report import format as fmt
from harness.report.columns import cell_tables, figure, stacked
from harness.report.sections.verdicts import difference, found_word, quality_word
from harness.report.table import Column, Table


def speeds(comparison: Comparison, about: Mapping[str, About]) -> list[Table]:
    """Step times, with the verdict that quality allows."""
    return _tables(
        "Step time, after over before",
        [cell for cell in comparison.cells if cell.speed is not None],
        about,
        [
            (figure("before"), lambda cell: fmt.duration(_before(cell.speed))),
            (figure("after"), lambda cell: fmt.duration(_after(cell.speed))),
            (figure("ratio"), lambda cell: _ratio(cell.speed)),
            (Column(header="after is"), _outcome),
            (Column(header="quality"), lambda cell: quality_word(cell.quality)),
            (figure("trials"), _trials),
        ],
    )


def qualities(comparison: Comparison, about: Mapping[str, About]) -> list[Table]:
    """The metric, and its difference on equal seeds."""
    return _tables(
        "Test metric, mean over the seeds that both have; difference after minus before",
        [cell for cell in comparison.cells if cell.quality_before or cell.quality_after],
        about,
        [
            (figure("before"), lambda cell: _mean(cell.quality_before)),
            (figure("after"), lambda cell: _mean(cell.quality_after)),
            (figure("difference"), lambda cell: difference(cell.quality)),
            (figure("seeds"), lambda cell: fmt.count(cell.quality.seeds) if cell.quality else "0"),
            (Column(header="after is"), lambda cell: quality_word(cell.quality)),
            (Column(header="difference found"), lambda cell: found_word(cell.quality)),
        ],
    )


def memories(comparison: Comparison, about: Mapping[str, About]) -> list[Table]:
    """Peak memory of the process, and of the device where there is any."""
    return [
        table
        for title, read in (
            ("Peak memory (resident set), after over before", lambda cell: cell.memory),
            ("Peak device memory, after over before", lambda cell: cell.device_memory),
        )
        for table in _memory(title, comparison, about, read)
    ]


def _memory(
    title: str,
    comparison: Comparison,
    about: Mapping[str, About],
    read: Callable[[CellChange], Change | None],
) -> list[Table]:
    return _tables(
        title,
        [cell for cell in comparison.cells if read(cell) is not None],
        about,
        [
            (figure("before"), lambda cell: fmt.memory(_before(read(cell)))),
            (figure("after"), lambda cell: fmt.memory(_after(read(cell)))),
            (figure("ratio"), lambda cell: _ratio(read(cell))),
            (Column(header="after is"), lambda cell: _word(read(cell))),
        ],
    )


def _tables(
    title: str,
    cells: Sequence[CellChange],
    about: Mapping[str, About],
    fillers: Sequence[tuple[Column, Callable[[CellChange], str]]],
) -> list[Table]:
    return cell_tables(
        title,
        cells,
        about,
        cell=lambda one: one.cell,
        name=(Column(header="backend"), lambda one: one.cell.backend),
        machine=lambda one: one.machine_id,
        fillers=fillers,
    )


def _before(change: Change | None) -> float | None:
    return None if change is None else change.before


def _after(change: Change | None) -> float | None:
    return None if change is None else change.after


def _ratio(change: Change | None) -> str:
    if change is None or change.ratio is None:
        return fmt.NOTHING
    return stacked(fmt.ratio(change.ratio), fmt.ratio_range(change.low, change.high))


def _word(change: Change | None) -> str:
    if change is None:
        return fmt.NOTHING
    return stacked(change.kind, _needed(change))


def _outcome(cell: CellChange) -> str:
    return stacked(cell.outcome, _needed(cell.speed) if cell.speed is not None else "")


def _needed(change: Change) -> str:
    if change.trials_needed is None:
        return ""
    what = "needed" if change.ratio is None else "would tell"
    return f"{fmt.count(change.trials_needed)} trials a side {what}"


def _mean(found: Figure | None) -> str:
    return fmt.NOTHING if found is None else fmt.quality(found.value)


def _trials(cell: CellChange) -> str:
    disturbed = sum(cell.disturbed)
    more = f"{fmt.count(disturbed)} disturbed" if disturbed else ""
    return stacked(f"{fmt.count(cell.trials_before)} / {fmt.count(cell.trials_after)}", more)
