"""Tables of text: their columns, and what tells one row from the others; outputs lay them out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from harness.analysis.answers import Pair
from harness.analysis.couples import pair_names
from harness.analysis.rows import OF_THE_WORK, Row
from harness.analysis.study import About
from harness.analysis.work import asked
from harness.records.cell import Cell, Scalar, Struct
from harness.report import format as fmt

DEFAULTS = {"mode": "fit", "init": "common"}
SYNTHETIC = "SYNTHETIC"


Item = TypeVar("Item")


class Column(Struct, frozen=True, kw_only=True):
    """A column: ``figures`` are aligned to the right, ``aside`` may go below a narrow table.

    One that is ``kept`` is shown even where it is the same in all rows.
    """

    header: str
    figures: bool = False
    aside: bool = False
    kept: bool = False


class Table(Struct, frozen=True, kw_only=True):
    r"""A table of text; every row has a cell for each column, and ``\n`` breaks lines in a cell."""

    title: str
    columns: list[Column]
    rows: list[list[str]]


def condensed(table: Table) -> Table:
    r"""The table without the columns that say the same in every row; its title says it once.

    The first column, figures with lines of their own and what is ``kept`` stay.
    """
    alike = [
        i
        for i, column in enumerate(table.columns)
        if i
        and not column.kept
        and len(table.rows) > 1
        and len({row[i] for row in table.rows}) == 1
    ]
    told = [
        f"{table.columns[i].header} {value}"
        for i in alike
        if (value := ", ".join(table.rows[0][i].split("\n"))) and value != fmt.NOTHING
    ]
    if not alike:
        return table
    left = [i for i in range(len(table.columns)) if i not in alike]
    return Table(
        title=f"{table.title} ({'; '.join(told)})" if told else table.title,
        columns=[table.columns[i] for i in left],
        rows=[[row[i] for i in left] for row in table.rows],
    )


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


def cell_tables(
    title: str,
    items: Sequence[Item],
    about: Mapping[str, About],
    *,
    cell: Callable[[Item], Cell],
    name: tuple[Column, Callable[[Item], str]],
    fillers: Sequence[tuple[Column, Callable[[Item], str]]],
    machine: Callable[[Item], str | None] = lambda _: None,
    facts: Callable[[Item], Mapping[str, str]] | None = None,
) -> list[Table]:
    """One table for each scenario, with a row for each item; items keep their order.

    Args:
        title: Of each table; the scenario is added to it.
        items: What the rows tell about, each of one cell or of a pair of them.
        about: What is known of the scenarios.
        cell: The cell of an item; of a pair the first, since both were asked the same.
        name: The first column and what stands in it, such as the backend.
        fillers: The columns that follow device and settings, and what stands in them.
        machine: The machine of an item, told where there are several.
        facts: What the column of settings chooses from; by default all about the cell.
    """
    scenarios = dict.fromkeys(cell(item).scenario for item in items)
    tables = []
    for scenario in scenarios:
        mine = [item for item in items if cell(item).scenario == scenario]
        known = [facts(item) if facts else cell_facts(cell(item)) for item in mine]
        told = variants(known, about.get(scenario))
        columns = [name[0], Column(header="device")]
        rows = [[name[1](item), cell(item).device] for item in mine]
        if any(told):
            columns.append(Column(header="settings"))
            for row, lines in zip(rows, told, strict=True):
                row.append("\n".join(lines))
        if len({machine(item) for item in mine}) > 1:
            columns.append(Column(header="machine"))
            for row, item in zip(rows, mine, strict=True):
                row.append(machine_label(machine(item)))
        for column, fill in fillers:
            columns.append(column)
            for row, item in zip(rows, mine, strict=True):
                row.append(fill(item))
        of_scenario = f"{title}, scenario {fmt.plain(scenario, limit=60)}"
        tables.append(Table(title=of_scenario, columns=columns, rows=rows))
    return tables


def pair_name(pair: Pair) -> str:
    """What two rows differ in: ``jax / torch``, ``jax fit / jax native``, ``jax, keras 3 / …``."""
    names = pair_names(pair.first, pair.second, pair.first_apart, pair.second_apart)
    return fmt.plain(" / ".join(names), limit=200)


def common_work(pair: Pair) -> dict[str, str]:
    """What two rows have in common of the work that tells each from others of its cell."""
    return {
        name: value[:8]
        for name, value in pair.first_apart.items()
        if name in OF_THE_WORK and pair.second_apart.get(name, value) == value
    }


def common_facts(first: Cell, second: Cell) -> dict[str, str]:
    """What two cells have in common of all that keeps a cell from others."""
    other = cell_facts(second)
    return {name: told for name, told in cell_facts(first).items() if other.get(name) == told}


def figure(header: str, *, kept: bool = False) -> Column:
    """A column of figures."""
    return Column(header=header, figures=True, kept=kept)


def stacked(*lines: str) -> str:
    """The lines of one cell; empty ones are left out."""
    return "\n".join(line for line in lines if line)
