"""The main table as columns and rows of text, made from a summary; outputs only lay it out.

A cell may hold several lines: the figure first, its range below. Rows stand in the summary's
order (by name), never in the order of their figures, which would be read as a ranking.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from harness.analysis.rows import Row
from harness.analysis.summary import About
from harness.analysis.work import asked
from harness.records.trial import Cell, Scalar, Struct
from harness.report import format as fmt

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
