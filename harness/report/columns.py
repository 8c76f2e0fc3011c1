"""Tables of cells: the columns that name a cell, then those of whatever is told about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from harness.analysis.answers import Pair
from harness.analysis.couples import pair_names
from harness.analysis.rows import OF_THE_WORK
from harness.analysis.study import About
from harness.records.trial import Cell
from harness.report import format as fmt
from harness.report.table import Column, Table, cell_facts, machine_label, variants

Item = TypeVar("Item")


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


def figure(header: str) -> Column:
    """A column of figures."""
    return Column(header=header, figures=True)


def stacked(*lines: str) -> str:
    """The lines of one cell; empty ones are left out."""
    return "\n".join(line for line in lines if line)
