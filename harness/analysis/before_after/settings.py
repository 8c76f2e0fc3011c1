"""Settings that a later version added: an older record was measured with what was done before.

A cell holds every setting of its scenario, so a record that is older than a setting lacks it, and
its cell equals none that has it. What such a record was measured with is known all the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from harness.records.cell import Scalar
from harness.records.trial import Record
from harness.scenario import Settings

Before = Mapping[str, Mapping[str, Scalar]]
"""By scenario: what a trial did before a setting existed, by the setting's name."""

OF_EVERY_SCENARIO: Mapping[str, Scalar] = msgspec.to_builtins(Settings())
"""Holds for scenarios that are not known here, too: the harness itself gives them these."""


def completed(records: Iterable[Record], before: Before | None = None) -> list[Record]:
    """The records, each with every setting that any record of its scenario has.

    A setting of which nobody knows what was done before it existed stays away, and its cell apart
    from those that have it.
    """
    given = list(records)
    names: dict[str, set[str]] = defaultdict(set)
    for record in given:
        names[record.cell.scenario].update(record.cell.settings)
    return [_completed(record, names[record.cell.scenario], before or {}) for record in given]


def _completed(record: Record, names: set[str], before: Before) -> Record:
    cell = record.cell
    known = {**OF_EVERY_SCENARIO, **before.get(cell.scenario, {})}
    added = {name: known[name] for name in names - cell.settings.keys() if name in known}
    if not added:
        return record
    settings = {**cell.settings, **added}
    return msgspec.structs.replace(record, cell=msgspec.structs.replace(cell, settings=settings))
