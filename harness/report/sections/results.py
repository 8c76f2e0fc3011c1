"""The main table: a row for each cell, and a line for each backend that is missing.

A cell may hold several lines: the figure first, its range below. Rows stand in the summary's
order (by name), never in the order of their figures, which would be read as a ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.analysis.provenance import Missing
from harness.analysis.rows import Figure, Row
from harness.analysis.study import Study
from harness.report import format as fmt
from harness.report.document import Section
from harness.report.standing import crossed, relatives
from harness.report.table import Column, Table, figure, machine_label, settings, stacked
from harness.words import count, joined

KEY = "results"

RELATIVE = "relative"
MISSING = "missing"
FAILED = "failed"

Filler = Callable[[Row], str]


def section(study: Study) -> Section:
    """How many trials there are, and the table of each scenario."""
    failed = f", {fmt.count(study.failed)} of them failed" if study.failed else ""
    trials = f"{count(study.trials, 'trial')}{failed}"
    tables = results(study)
    environments = {row.cell.name for row in study.rows}
    each = "on each backend" if len(environments) < 2 else "in each environment"
    text = f"The same Keras model {each}: {trials}. Only the verdicts below rank."
    if any(column.header == RELATIVE for table in tables for column in table.columns):
        text += " Relative is step time over that of the fastest, with the verdict's interval."
    pairs = dict.fromkeys(
        f"{joined((a.name, b.name))} under {a.cell.mode}" for a, b in crossed(study)
    )
    if pairs:
        text += (
            f" Compare {'; '.join(pairs)} by relative, not by step time: relative takes the rounds "
            "that both have, a step time all trials of its row."
        )
    return Section(
        key=KEY,
        heading="Results",
        paragraphs=[text] if study.trials else [],
        tables=tables,
    )


def results(study: Study) -> list[Table]:
    """The main table of each scenario: its rows, then a line for each missing backend."""
    scenarios = dict.fromkeys(
        [row.cell.scenario for row in study.rows] + [lack.scenario for lack in study.missing]
    )
    return [_of_scenario(study, scenario) for scenario in scenarios]


def _of_scenario(study: Study, scenario: str) -> Table:
    rows = [row for row in study.rows if row.cell.scenario == scenario]
    about = study.about.get(scenario)
    told = {id(row): lines for row, lines in zip(rows, settings(rows, about), strict=True)}
    metric = about.metric.label if about else "test quality"
    good = [row for row in rows if row.good] or rows
    columns_of_settings = any(told[id(row)] for row in good)

    def name(row: Row) -> str:
        # A failed trial must not bring a column that the others have no use for.
        return stacked(row.name, *(() if columns_of_settings else told[id(row)]))

    fillers: list[tuple[Column, Filler]] = [
        (Column(header="backend"), name),
        (Column(header="device"), lambda row: row.cell.device),
    ]
    if columns_of_settings:
        fillers.append((Column(header="settings"), lambda row: "\n".join(told[id(row)])))
    if len({row.machine_id for row in good}) > 1:
        fillers.append((Column(header="machine"), _machine))
    behind = relatives(study)
    if any(id(row) in behind for row in rows):
        fillers.append((figure(RELATIVE, kept=True), lambda r: behind.get(id(r), fmt.NOTHING)))
    fillers += [
        (figure("step time", kept=True), _step_time),
        (Column(header="examples/s", figures=True, aside=True), _rate),
        (figure("first step"), lambda row: fmt.duration(_value(row.first_step_s))),
        (figure("peak memory"), lambda row: fmt.memory(_value(row.peak_rss_bytes))),
    ]
    if any(row.peak_device_bytes for row in rows):
        device = figure("peak device memory")
        fillers.append((device, lambda row: fmt.memory(_value(row.peak_device_bytes))))
    if any(row.cpu_step_s for row in rows):
        fillers.append((Column(header="CPU per step", figures=True, aside=True), _cpu))
    fillers += [
        (figure(metric), _quality),
        (figure("trials", kept=True), _trials),
    ]
    lacking = [lack for lack in study.missing if lack.scenario == scenario]
    packages = _packages(good)
    if packages is None or lacking:
        fillers.append((Column(header="versions", aside=True), lambda row: _versions(row, good)))
    common = "".join(f", {package}" for package in packages or ())
    columns = [column for column, _ in fillers]
    return Table(
        title=f"Scenario {fmt.plain(scenario, limit=60)}{common}",
        columns=columns,
        rows=[
            *([fill(row) for _, fill in fillers] for row in rows),
            *(_missing(lack, columns) for lack in lacking),
        ],
    )


def _packages(rows: Sequence[Row]) -> list[str] | None:
    """Keras and the frameworks; ``None`` where one of them ran in several versions."""
    seen: dict[str, set[str]] = {}
    for row in rows:
        for name in ("keras", row.cell.backend):
            seen.setdefault(name, set()).add(row.versions.get(name, ""))
    if any(len(versions) > 1 for versions in seen.values()):
        return None
    return [fmt.plain(f"{n} {v}", limit=60) for n, (v,) in seen.items() if v]


def _value(found: Figure | None) -> float | None:
    return None if found is None else found.value


def _step_time(row: Row) -> str:
    found = row.step_time_s
    if found is None:
        return fmt.NOTHING if row.good else FAILED
    return stacked(
        fmt.duration(found.value), fmt.duration_range(found.low, found.high, of=found.value)
    )


def _rate(row: Row) -> str:
    return fmt.rate(_value(row.examples_per_s))


def _cpu(row: Row) -> str:
    """CPU time of all threads in a step, and below it how many cores that keeps busy."""
    spent, busy = _value(row.cpu_step_s), _value(row.busy_cores)
    cores = "" if busy is None else f"{fmt.significant(busy, 2)} cores"
    return stacked(fmt.duration(spent), cores)


def _quality(row: Row) -> str:
    found = row.quality
    if found is None:
        return fmt.NOTHING
    return stacked(fmt.quality(found.value), fmt.quality_range(found.low, found.high))


def _trials(row: Row) -> str:
    return stacked(fmt.count(row.good), f"{fmt.count(row.failed)} failed" if row.failed else "")


def _machine(row: Row) -> str:
    return machine_label(row.machine_id) if row.good or row.machine_id else ""


def _versions(row: Row, rows: Sequence[Row]) -> str:
    """The framework; Keras, NumPy and Python only where they are not the same for all rows."""
    differ = [
        name
        for name in ("keras", "numpy", "python")
        if len({other.versions.get(name) for other in rows if other.versions}) > 1
    ]
    names = ["keras", row.cell.backend, "numpy", "python"]
    names = [name for name in names if name == row.cell.backend or name in differ]
    known = [f"{name} {row.versions[name]}" for name in names if name in row.versions]
    return stacked(*(fmt.plain(text, limit=60) for text in known)) or fmt.NOTHING


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
