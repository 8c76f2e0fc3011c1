"""The long table as CSV: comma, UTF-8, every text in quotes, nothing where there is no value.

A spreadsheet runs a cell that begins like a formula, and texts in records come from other
machines. So a text that begins with one of :data:`ACTIVE` gets an apostrophe in front, as OWASP
advises; so does one that begins with an apostrophe, so that taking one away gives the text back.
Parquet holds all texts as they are.

Sources: RFC 4180 and https://owasp.org/www-community/attacks/CSV_Injection.
"""

from __future__ import annotations

import io
import re
from pathlib import Path

import polars as pl

from harness.analysis.study import Study
from harness.report.exports.long_table import frame
from harness.store.atomic import write_over

ACTIVE = "=+-@\t\r\n＝＋－＠"  # the wide ones are taken for the others in some languages
"""With these a formula begins, for one program or another."""

APOSTROPHE = "'"


def write(study: Study, path: Path) -> list[str]:
    """Write a row for each epoch, failed trials included."""
    buffer = io.BytesIO()
    table = disarmed(frame(study))
    table.write_csv(buffer, quote_style="non_numeric")
    write_over(path, buffer.getvalue())
    return [
        f"{table.height:,} rows of {table.width} columns.",
        "Texts that begin like a formula have an apostrophe in front.",
    ]


def disarmed(table: pl.DataFrame) -> pl.DataFrame:
    """The table with an apostrophe before every text that a spreadsheet might run."""
    first = f"^([{re.escape(ACTIVE + APOSTROPHE)}])"
    return table.with_columns(pl.col(pl.String).str.replace(first, f"{APOSTROPHE}$1"))
