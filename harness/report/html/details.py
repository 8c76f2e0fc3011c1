"""Machines, environments and their differences, failed trials, broken files: the fine print."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence

from harness.analysis.rows import Group
from harness.analysis.study import Study
from harness.analysis.work import started
from harness.records.machine import Environment
from harness.records.trial import Record
from harness.report import format as fmt
from harness.report.naming import backends, labels, side
from harness.report.table import Column, Table, machine_label

FAILED = 100
"""Failed trials shown with their last lines; the others stand in the table of trials."""

LINES, WIDTH = 30, 300
"""Last lines of a failed trial, and how much of each."""

OWN_TO_A_TRIAL = {"KERAS_HOME", "PATH", "TMPDIR"}
"""Variables that name a folder of the trial itself, and so always differ."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Failed:
    """A trial without a measurement. ``lines`` are its last, as one text."""

    name: str
    reason: str
    lines: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Details:
    """Tables and lists for the lower half of the page; any may be empty."""

    differences: list[Table]
    packages: list[Table]
    failed: list[Failed]
    failed_total: int
    broken: Table | None


def details(study: Study) -> Details:
    """All the fine print of the records."""
    failed = sorted((r for r in study.records if r.status != "ok"), key=started)
    return Details(
        differences=[
            found
            for contest in study.contests
            if len(backends(contest)) > 1
            for found in [_differences(contest.groups)]
            if found.rows
        ][:6],
        packages=_packages(study),
        failed=[_failed(record) for record in failed[:FAILED]],
        failed_total=len(failed),
        broken=_broken(study),
    )


def _differences(groups: Sequence[Group]) -> Table:
    """What else is not the same between the environments of cells that are compared."""
    columns = {
        side(group.row.cell, group.row.apart): _facts([r for r in group.good if r.environment])
        for group in groups
    }
    names = sorted({name for facts in columns.values() for name in facts})
    rows = []
    for name in names:
        values = [_joined(facts.get(name, set())) for facts in columns.values()]
        if len(set(values)) > 1:
            rows.append([fmt.plain(name, limit=80), *values])
    cell = groups[0].row.cell
    return Table(
        title=f"What differs between the environments ({fmt.plain(cell.scenario, limit=60)}, "
        f"{cell.device}, {cell.mode}, machine {machine_label(groups[0].row.machine_id)})",
        columns=[Column(header="fact"), *(Column(header=name) for name in columns)],
        rows=rows,
    )


def _facts(records: Iterable[Record]) -> dict[str, set[str]]:
    """Every fact of the environments with all its values; a sample of equal ones says the same."""
    seen: dict[str, set[str]] = defaultdict(set)
    for environment, engine in {_identity(r): (r.environment, r.engine) for r in records}.values():
        if environment is None:
            continue
        facts = {"Python": environment.python, "operating system": environment.os}
        facts |= {f"package {n}": v for n, v in environment.packages.items()}
        facts |= {f"engine {n}": str(v) for n, v in engine.items()}
        facts |= {
            f"variable {n}": v for n, v in environment.variables.items() if n not in OWN_TO_A_TRIAL
        }
        for name, value in facts.items():
            seen[name].add(value)
    return seen


def _identity(record: Record) -> object:
    environment = record.environment
    if environment is None:
        return None
    variables = tuple(
        pair for pair in environment.variables.items() if pair[0] not in OWN_TO_A_TRIAL
    )
    return (
        environment.os,
        environment.python,
        tuple(environment.packages.items()),
        variables,
        tuple(record.engine.items()),
    )


def _packages(study: Study) -> list[Table]:
    """All packages of each backend's environments, one table for each different set."""
    seen: dict[object, tuple[str, Environment]] = {}
    measured = any(group.row.good for group in study.groups)
    for group, label in zip(study.groups, labels(study), strict=True):
        # The packages that a failed trial tells may be those of its launcher.
        for record in group.good if measured else group.trials:
            environment = record.environment
            if environment is not None:
                key = (environment.python, tuple(environment.packages.items()))
                seen.setdefault(key, (label, environment))
    return [
        Table(
            title=fmt.plain(f"{label}: Python {environment.python}, {environment.os}"),
            columns=[Column(header="package"), Column(header="version")],
            rows=[
                [fmt.plain(name, limit=80), fmt.plain(version, limit=60)]
                for name, version in sorted(environment.packages.items())
            ],
        )
        for label, environment in list(seen.values())[:12]
    ]


def _failed(record: Record) -> Failed:
    failure = record.failure
    how = (
        ""
        if failure is None
        else "".join(
            [
                f", exit code {failure.exit_code}" if failure.exit_code is not None else "",
                f", signal {failure.signal}" if failure.signal else "",
            ]
        )
    )
    last = failure.output_tail.splitlines()[-LINES:] if failure else []
    if failure and failure.origin:
        last.insert(0, f"{failure.origin.path}:{failure.origin.line}: {failure.origin.text}")
    return Failed(
        name=fmt.plain(
            f"{record.cell.label}, seed {record.seed}, repetition {record.repetition}", limit=200
        ),
        reason=fmt.plain(
            f"{record.status}: {failure.reason if failure else 'no reason given'}{how}", limit=400
        ),
        lines="\n".join(fmt.plain(line, limit=WIDTH) for line in last),
    )


def _broken(study: Study) -> Table | None:
    files = study.broken
    if not files:
        return None
    return Table(
        title=f"Files that could not be read ({fmt.count(len(files))})",
        columns=[Column(header="file"), Column(header="why")],
        rows=[[fmt.plain(f.path, limit=300), fmt.plain(f.reason, limit=300)] for f in files],
    )


def _joined(values: set[str]) -> str:
    told = sorted(values)
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""
    return (", ".join(fmt.plain(v, limit=80) for v in told[:3]) + more) or "absent"
