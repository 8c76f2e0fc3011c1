"""The main table as columns and rows of text, made from a study; outputs only lay it out.

A cell may hold several lines: the figure first, its range below. Rows stand in the study's
order (by name), never in the order of their figures, which would be read as a ranking.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from harness.analysis.provenance import Missing
from harness.analysis.rows import Figure, Row
from harness.analysis.study import About, Study
from harness.analysis.work import asked
from harness.records.trial import Cell, Scalar, Struct
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


def results(study: Study) -> list[Table]:
    """The main table of each scenario: its rows, then a line for each missing backend."""
    scenarios = dict.fromkeys(
        [row.cell.scenario for row in study.rows] + [lack.scenario for lack in study.missing]
    )
    return [_of_scenario(study, scenario) for scenario in scenarios]


def settings(rows: Sequence[Row], about: About | None) -> list[list[str]]:
    """What tells each row from the default and from the others, such as ``batch_size=4096``.

    Where the scenario is not known here, only what differs between the rows is told. Rows without a
    measurement have no say in what is told of the others.
    """
    good = [row for row in rows if row.good] or list(rows)
    alike: dict[bytes, list[Row]] = defaultdict(list)
    for row in good:
        alike[asked(row.cell)].append(row)
    facts = {id(row): _facts(row, alike[asked(row.cell)]) for row in rows}
    told = {
        id(row): line
        for row, line in zip(good, variants([facts[id(row)] for row in good], about), strict=True)
    }
    for row in rows:
        if id(row) not in told:
            beside = [facts[id(row)], *(facts[id(other)] for other in good)]
            told[id(row)] = variants(beside, about)[0]
    return [told[id(row)] + ([SYNTHETIC] if row.synthetic else []) for row in rows]


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


def _facts(row: Row, alike: Sequence[Row]) -> dict[str, str]:
    """Everything but backend, device, machine and packages that keeps this row from the others.

    ``alike`` are the rows that were asked the same but for the backend and the mode.
    """
    facts = cell_facts(row.cell)
    if not row.good:
        return facts  # a failed trial may not know its data
    facts |= {"scenario version": str(row.scenario_version)}
    # Synthetic tables have no hash; their settings tell them apart.
    known = row.table_sha256 is not None and not row.synthetic
    facts |= {"table": str(row.table_sha256)[:8]} if known else {}
    # Settings decide split and steps, so that only among equal ones a difference needs a word.
    if len({other.split_sha256 for other in alike}) > 1:
        facts["split"] = (row.split_sha256 or "unknown")[:8]
    if len({other.steps for other in alike}) > 1:
        facts["steps an epoch"] = str(row.steps or "unknown")
    return facts


def _of_scenario(study: Study, scenario: str) -> Table:
    rows = [row for row in study.rows if row.cell.scenario == scenario]
    about = study.about.get(scenario)
    told = {id(row): lines for row, lines in zip(rows, settings(rows, about), strict=True)}
    metric = about.metric.label if about else "test quality"
    good = [row for row in rows if row.good] or rows
    columns_of_settings = any(told[id(row)] for row in good)

    def name(row: Row) -> str:
        # A failed trial must not bring a column that the others have no use for.
        return _lines(row.name, *(() if columns_of_settings else told[id(row)]))

    fillers: list[tuple[Column, Filler]] = [
        (Column(header="backend"), name),
        (Column(header="device"), lambda row: row.cell.device),
    ]
    if columns_of_settings:
        fillers.append((Column(header="settings"), lambda row: "\n".join(told[id(row)])))
    if len({row.machine_id for row in good}) > 1:
        fillers.append((Column(header="machine"), _machine))
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
        (Column(header="versions", aside=True), lambda row: _versions(row, good)),
    ]
    columns = [column for column, _ in fillers]
    return Table(
        title=f"Scenario {fmt.plain(scenario, limit=60)}",
        columns=columns,
        rows=[
            *([fill(row) for _, fill in fillers] for row in rows),
            *(_missing(lack, columns) for lack in study.missing if lack.scenario == scenario),
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


def _machine(row: Row) -> str:
    return machine_label(row.machine_id) if row.good or row.machine_id else ""


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
