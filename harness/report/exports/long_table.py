"""All raw samples as one table: a row for each epoch of each trial, with the trial's columns.

A trial that left no epoch has one row without an epoch's values, so that no failure is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from harness.analysis.step_time import counted
from harness.analysis.study import Study
from harness.records.trial import Epoch
from harness.report.exports import columns

TYPES = {str: pl.String, bool: pl.Boolean, int: pl.Int64, float: pl.Float64}
WHOLE = 2**63
"""Whole numbers from here on do not fit into a column of 64 bits."""


def frame(study: Study) -> pl.DataFrame:
    """The table, trials in the order of their start, epochs in that of training.

    Columns have the same type in every table, also where all of their values are missing; only a
    whole number beyond 64 bits turns its column into text.
    """
    records = study.records
    places: list[int] = []
    epochs: list[Epoch | None] = []
    counts: list[bool | None] = []
    for place, record in enumerate(records):
        places += [place] * max(len(record.epochs), 1)
        epochs += record.epochs or [None]
        counts += counted(record) or [None]
    of_trial = [
        *(_column(c.name, c.type, [c.of(record) for record in records]) for c in columns.OF_TRIAL),
        *(
            _column(name, _type(values), values)
            for name, values in columns.open_ended(records).items()
        ),
    ]
    of_epoch = [
        *(
            _column(c.name, c.type, [None if epoch is None else c.of(epoch) for epoch in epochs])
            for c in columns.OF_EPOCH
        ),
        _column(columns.COUNTED, bool, counts),
    ]
    # What is said of a trial is laid out once and then repeated, not built anew for every epoch.
    return pl.DataFrame(of_trial)[places].hstack(of_epoch)


def _column(name: str, kind: type, values: Sequence[Any]) -> pl.Series:
    if kind is int and any(value is not None and not -WHOLE <= value < WHOLE for value in values):
        return pl.Series(name, [None if v is None else str(v) for v in values], dtype=pl.String)
    return pl.Series(name, values, dtype=TYPES[kind])


def _type(values: Sequence[Any]) -> type:
    return next((type(value) for value in values if value is not None), str)
