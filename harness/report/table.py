"""The main table as columns and rows of text, made from a summary; outputs only lay it out.

A cell may hold several lines: the figure first, its range below. Rows stand in the summary's
order (by name), never in the order of their figures, which would be read as a ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.analysis.notes import Missing
from harness.analysis.rows import Figure, Row
from harness.analysis.summary import About, Summary
from harness.record import Cell, Scalar, Struct
from harness.report import format as fmt

MISSING = "missing"
FAILED = "failed"
DEFAULTS = {"mode": "fit", "init": "common"}
SYNTHETIC = "SYNTHETIC"


class Column(Struct, frozen=True, kw_only=True):
    """A column: ``figures`` are aligned to the right, ``aside`` may go below a narrow table."""

    header: str
    figures: bool = False
    aside: bool = False


class Table(Struct, frozen=True, kw_only=True):
    r"""A table of text; every row has a cell for each column, and ``\n`` breaks lines in a cell."""

    title: str
    columns: list[Column]
    rows: list[list[str]]


Filler = Callable[[Row], str]


def results(summary: Summary) -> list[Table]:
    """The main table of each scenario: its rows, then a line for each missing backend."""
    scenarios = dict.fromkeys(
        [row.cell.scenario for row in summary.rows] + [lack.scenario for lack in summary.missing]
    )
    return [_of_scenario(summary, scenario) for scenario in scenarios]


def settings(rows: Sequence[Row], about: About | None) -> list[list[str]]:
    """What tells each row from the default and from the others, such as ``batch_size=4096``.

    Where the scenario is not known here, only what differs between the rows is told.
    """
    lines = variants([_facts(row) for row in rows], about)
    return [
        told + ([SYNTHETIC] if row.synthetic else []) for told, row in zip(lines, rows, strict=True)
    ]


def variants(facts: Sequence[Mapping[str, str]], about: About | None) -> list[list[str]]:
    """Of each set of facts, by name, what tells it from the default and from the other sets."""
    defaults: dict[str, Scalar] = {**DEFAULTS, **(about.defaults if about else {})}
    told = [
        name
        for name in dict.fromkeys(name for fact in facts for name in fact)
        if len({fact.get(name) for fact in facts}) > 1
        or (name in defaults and any(fact.get(name) != str(defaults[name]) for fact in facts))
        or name == "threads"
    ]
    return [
        [fmt.plain(f"{name}={fact[name]}", limit=60) for name in told if name in fact]
        for fact in facts
    ]


def machine_label(machine_id: str | None) -> str:
    """A machine's id, cut short; the report lists what each one is."""
    return fmt.plain(machine_id[:8]) if machine_id else "unknown"


def cell_facts(cell: Cell) -> dict[str, str]:
    """Everything but scenario, backend and device that keeps a cell from the others."""
    facts: dict[str, str] = {"mode": cell.mode, "init": cell.init}
    facts |= {"threads": str(cell.threads)} if cell.threads is not None else {}
    return facts | {name: str(value) for name, value in cell.settings.items()}


def _facts(row: Row) -> dict[str, str]:
    """Everything but backend, device, machine and packages that keeps this row from the others."""
    facts = cell_facts(row.cell) | {"scenario version": str(row.scenario_version)}
    # Synthetic tables have no hash; their settings tell them apart.
    known = row.table_sha256 is not None and not row.synthetic
    return facts | ({"table": str(row.table_sha256)[:8]} if known else {})


def _of_scenario(summary: Summary, scenario: str) -> Table:
    rows = [row for row in summary.rows if row.cell.scenario == scenario]
    about = summary.about.get(scenario)
    told = {id(row): lines for row, lines in zip(rows, settings(rows, about), strict=True)}
    metric = about.metric.label if about else "test quality"
    fillers: list[tuple[Column, Filler]] = [
        (Column(header="backend"), lambda row: row.cell.backend),
        (Column(header="device"), lambda row: row.cell.device),
    ]
    if any(told.values()):
        fillers.append((Column(header="settings"), lambda row: "\n".join(told[id(row)])))
    if len({row.machine_id for row in rows}) > 1:
        fillers.append((Column(header="machine"), lambda row: machine_label(row.machine_id)))
    fillers += [
        (_figures("step time"), _step_time),
        (_figures("examples/s"), lambda row: fmt.rate(_value(row.examples_per_s))),
        (_figures("first step"), lambda row: fmt.duration(_value(row.first_step_s))),
        (_figures("peak memory"), lambda row: fmt.memory(_value(row.peak_rss_bytes))),
    ]
    if any(row.peak_device_bytes for row in rows):
        device = _figures("peak device memory")
        fillers.append((device, lambda row: fmt.memory(_value(row.peak_device_bytes))))
    fillers += [
        (_figures(metric), _quality),
        (_figures("trials"), _trials),
        (Column(header="versions", aside=True), lambda row: _versions(row, rows)),
    ]
    columns = [column for column, _ in fillers]
    return Table(
        title=f"Scenario {fmt.plain(scenario, limit=60)}",
        columns=columns,
        rows=[
            *([fill(row) for _, fill in fillers] for row in rows),
            *(_missing(lack, columns) for lack in summary.missing if lack.scenario == scenario),
        ],
    )


def _figures(header: str) -> Column:
    return Column(header=header, figures=True)


def _value(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def _step_time(row: Row) -> str:
    figure = row.step_time_s
    if figure is None:
        return fmt.NOTHING if row.good else FAILED
    return _lines(
        fmt.duration(figure.value), fmt.duration_range(figure.low, figure.high, of=figure.value)
    )


def _quality(row: Row) -> str:
    figure = row.quality
    if figure is None:
        return fmt.NOTHING
    return _lines(fmt.quality(figure.value), fmt.quality_range(figure.low, figure.high))


def _trials(row: Row) -> str:
    return _lines(fmt.count(row.good), f"{fmt.count(row.failed)} failed" if row.failed else "")


def _versions(row: Row, rows: Sequence[Row]) -> str:
    """Keras and the framework; NumPy and Python only where they are not the same for all rows."""
    names = ["keras", row.cell.backend]
    names += [
        name
        for name in ("numpy", "python")
        if len({other.versions.get(name) for other in rows if other.versions}) > 1
    ]
    known = [f"{name} {row.versions[name]}" for name in names if name in row.versions]
    return _lines(*(fmt.plain(text, limit=60) for text in known)) or fmt.NOTHING


def _missing(lack: Missing, columns: Sequence[Column]) -> list[str]:
    told = {
        "backend": lack.backend,
        "device": lack.device,
        "step time": MISSING,
        "trials": "0",
        "settings": "",
        "machine": "",
        "versions": f"run: {fmt.plain(lack.command)}",
    }
    return [told.get(column.header, fmt.NOTHING) for column in columns]
