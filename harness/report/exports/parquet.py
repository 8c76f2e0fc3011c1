"""The long table as Parquet, which polars, DuckDB, pandas and Arrow read with its types.

Source: https://parquet.apache.org/docs/file-format/.
"""

from __future__ import annotations

import io
from pathlib import Path

from harness.analysis.study import Study
from harness.report.exports.long_table import frame
from harness.store.atomic import write_over


def write(study: Study, path: Path) -> list[str]:
    """Write a row for each epoch, failed trials included."""
    buffer = io.BytesIO()
    table = frame(study)
    table.write_parquet(buffer)
    write_over(path, buffer.getvalue())
    return [f"{table.height:,} rows of {table.width} columns."]
