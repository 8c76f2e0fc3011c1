"""A results folder in a notebook: ``study = harness.load("results/local")``."""

from __future__ import annotations

import dataclasses
import functools
import html
from pathlib import Path
from typing import TYPE_CHECKING

from harness.analysis.study import Study
from harness.cli.folder import results_folder, studied
from harness.report.sections.answer import Answer, answer
from harness.report.sections.results import results
from harness.report.table import Table
from harness.store import folder as store

if TYPE_CHECKING:
    import os

    import polars as pl


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoadedStudy(Study):
    """What a folder of records says: figures, verdicts and the answer, those of every report.

    ``verdicts`` are on speed, ``answers`` on speed and quality, ``rows`` the main table.
    """

    @functools.cached_property
    def answer(self) -> Answer:
        """The sentence that a report begins with, and its parts as data."""
        return answer(self)

    def to_polars(self) -> pl.DataFrame:
        """Every epoch of every trial as a row; docs/columns.md says what the columns mean.

        Raises:
            ModuleNotFoundError: without Polars, which the extra ``report`` brings.
        """
        from harness.report.exports.long_table import frame

        return frame(self)

    def _repr_html_(self) -> str:
        """The answer, what to run next where there is none, and the main table."""
        parts = [f"<p><strong>{html.escape(self.answer.sentence)}</strong></p>"]
        if self.answer.next_step:
            parts.append(f"<p>Next: <code>{html.escape(self.answer.next_step)}</code></p>")
        return "\n".join([*parts, *map(_table, results(self))])


def load(folder: str | os.PathLike[str]) -> LoadedStudy:
    """Read a folder of records, at any depth.

    Raises:
        UnavailableError: if there is no such folder.
    """
    study = studied(store.load(results_folder(Path(folder))))
    return LoadedStudy(
        **{field.name: getattr(study, field.name) for field in dataclasses.fields(study)}
    )


def _table(table: Table) -> str:
    def row(cells: list[str], tag: str) -> str:
        told = (html.escape(cell).replace("\n", "<br>") for cell in cells)
        return f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in told)}</tr>"

    head = row([column.header for column in table.columns], "th")
    body = "".join(row(cells, "td") for cells in table.rows)
    title = html.escape(table.title)
    return f"<table><caption>{title}</caption><thead>{head}</thead><tbody>{body}</tbody></table>"
