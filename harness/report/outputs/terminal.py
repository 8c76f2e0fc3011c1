"""The report in a terminal: complete at any width, and readable without colour."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from harness.report.document import Bullet, Document
from harness.report.table import Column, Table, condensed

WIDTH = 100
"""Columns where the output is no terminal and nothing tells its width, as in a CI log."""

GAPS = (2, 1)
"""Spaces between columns: the first of these with which the table fits."""


def console(*, stderr: bool = False) -> Console:
    """A console of the terminal's width, or of :data:`WIDTH` where there is no terminal."""
    made = Console(stderr=stderr, highlight=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = WIDTH
    return made


def show(document: Document, on: Console) -> None:
    """Print a report on a console."""
    on.print(Text(document.title, style="bold"))
    for paragraph in document.lead:
        _wrapped(paragraph, on)
    for section in document.sections:
        on.print()
        on.print(Text(section.heading, style="bold underline"))
        for paragraph in section.paragraphs:
            _wrapped(paragraph, on)
        for bullet in section.bullets:
            _bullet(bullet, on)
        for table in section.tables:
            on.print()
            shown = condensed(table)
            _wrapped(shown.title, on)
            _table(shown, on)


def _wrapped(text: str, on: Console, first: str = "", others: str = "") -> None:
    """Print lines without the padding that rich adds, so that they can be copied."""
    for i, line in enumerate(Text(text).wrap(on, max(on.width - len(others), 10))):
        line.rstrip()
        on.print(Text(others if i else first) + line, soft_wrap=True)


def _bullet(bullet: Bullet, on: Console) -> None:
    _wrapped(bullet.text, on, "- ", "  ")
    if bullet.command:
        # On a line of its own and never broken, to be copied.
        on.print(Text(f"    {bullet.command}"), soft_wrap=True)


def _table(table: Table, on: Console) -> None:
    """Whole if it fits; else what may stand aside goes below; else a list of every row's cells."""
    if _fits(table.columns, table.rows, on):
        return
    kept = [i for i, column in enumerate(table.columns) if not column.aside]
    columns = [table.columns[i] for i in kept]
    if len(kept) == len(table.columns) or not _fits(
        columns, [[row[i] for i in kept] for row in table.rows], on
    ):
        for row in table.rows:
            _record(table.columns, row, on)
        return
    for i, column in enumerate(table.columns):
        if column.aside:
            on.print(Text(f"{column.header}:"))
            for row in table.rows:
                _wrapped(f"{_name(table.columns, row)}: {_one_line(row[i])}", on, "- ", "  ")


def _fits(columns: Sequence[Column], rows: Sequence[Sequence[str]], on: Console) -> bool:
    """Print the table if there is a gap with which it fits, and tell whether there was."""
    width = sum(_width(column, [row[i] for row in rows]) for i, column in enumerate(columns))
    gap = next((gap for gap in GAPS if width + gap * (len(columns) - 1) <= on.width), None)
    if gap is None:
        return False
    grid = Grid(box=None, padding=(0, gap, 0, 0), pad_edge=False)
    for column in columns:
        grid.add_column(
            escape(_header(column)),
            justify="right" if column.figures else "left",
            no_wrap=True,
            header_style="bold",
        )
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    on.print(grid)
    return True


def _width(column: Column, cells: Sequence[str]) -> int:
    lines = "\n".join([_header(column), *cells]).split("\n")
    return max(Text(line).cell_len for line in lines)


def _record(columns: Sequence[Column], row: Sequence[str], on: Console) -> None:
    _wrapped(_one_line(row[0]), on, "- ", "  ")
    for column, cell in zip(columns[1:], row[1:], strict=True):
        if cell:
            _wrapped(f"{column.header}: {_one_line(cell)}", on, "    ", "      ")


def _name(columns: Sequence[Column], row: Sequence[str]) -> str:
    pairs = zip(columns, row, strict=True)
    names = [_one_line(cell) for column, cell in pairs if not (column.figures or column.aside)]
    return " ".join(name for name in names if name)


def _one_line(cell: str) -> str:
    return ", ".join(cell.split("\n"))


def _header(column: Column) -> str:
    # One word a line: headings of figures are longer than the figures.
    return column.header.replace(" ", "\n") if column.figures else column.header
