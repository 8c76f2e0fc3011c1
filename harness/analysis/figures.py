"""The figures of a trial, one row each: what every table, document and export calls and reads.

A new figure is a row here and a field of :class:`harness.analysis.rows.Row`. JSON, exports and
comparisons then have it; the main table shows it where :mod:`harness.report.table` has a column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from harness.analysis.step_time import busy_cores, cpu_step_s, examples_per_s, step_time_s
from harness.records.trial import Record

Unit = Literal["s", "bytes", "examples/s", "cores"]


@dataclass(frozen=True, kw_only=True)
class TrialFigure:
    """One figure of a trial.

    Attributes:
        key: its name in JSON and in tables for programs.
        label: its name for a person.
        unit: what it is counted in.
        better: which way is an improvement; ``None`` where neither is.
        read: the figure of a record, ``None`` where it has none.
    """

    key: str
    label: str
    unit: Unit
    better: Literal["lower", "higher"] | None
    read: Callable[[Record], float | None]


FIGURES = (
    TrialFigure(key="step_time_s", label="step time", unit="s", better="lower", read=step_time_s),
    TrialFigure(
        key="examples_per_s",
        label="examples per second",
        unit="examples/s",
        better="higher",
        read=examples_per_s,
    ),
    TrialFigure(
        key="first_step_s",
        label="first step",
        unit="s",
        better="lower",
        read=lambda r: r.phases.first_step_s if r.phases else None,
    ),
    TrialFigure(
        key="peak_rss_bytes",
        label="peak memory",
        unit="bytes",
        better="lower",
        read=lambda r: r.memory.peak_rss_bytes if r.memory else None,
    ),
    TrialFigure(
        key="peak_device_bytes",
        label="peak device memory",
        unit="bytes",
        better="lower",
        read=lambda r: r.memory.peak_device_bytes if r.memory else None,
    ),
    TrialFigure(
        key="cpu_step_s", label="CPU time per step", unit="s", better="lower", read=cpu_step_s
    ),
    TrialFigure(key="busy_cores", label="busy cores", unit="cores", better=None, read=busy_cores),
)
"""Every figure but quality, which belongs to the seed and not to the trial."""

BY_KEY = {figure.key: figure for figure in FIGURES}


def read_all(record: Record) -> dict[str, float | None]:
    """Every figure of a trial by its key."""
    return {figure.key: figure.read(record) for figure in FIGURES}


def values(records: Iterable[Record], key: str) -> list[float]:
    """One figure of all records that have it."""
    return [value for r in records if (value := BY_KEY[key].read(r)) is not None]
