"""In what a record must agree with itself, and with its path, to be taken for a measurement.

The types bound each figure by itself (:mod:`harness.records.bounds`). Here are the rules between
them: an ``ok`` that was written by hand over a failure, or a metric that no epoch reached, would
else be a figure like any other in a report.
"""

from __future__ import annotations

import re
from pathlib import Path

from harness.records.anatomy import AnatomyRecord
from harness.records.parity import ParityRecord
from harness.records.trial import Record

_NAME = re.compile(r"seed-(?P<seed>\d+)-rep-(?P<repetition>\d+)\.json")
_FOLDER = re.compile(r"[a-z]+-(cpu|gpu)-[a-z_]+-[0-9a-f]{8}")


def contradiction(record: Record | ParityRecord | AnatomyRecord) -> str | None:
    """In what ``record`` contradicts itself, in words; ``None`` if it does not."""
    if record.status != "ok":
        return None if record.failure else f"its status is {record.status}, without a failure"
    if record.failure is not None:
        return "its status is ok, with a failure"
    return _measured(record) if isinstance(record, Record) else None


def _measured(record: Record) -> str | None:
    """What keeps a record with status ``ok`` from being a measurement."""
    if not record.epochs:
        return "its status is ok, without an epoch"
    # A script's batches cannot always be counted, and its quality may be what it evaluated itself.
    is_of_script = record.program is not None
    for epoch in record.epochs:
        for name, value in (
            ("steps", epoch.steps),
            ("examples", epoch.examples or is_of_script),
            ("wall_s", epoch.wall_s),
        ):
            if not value:
                return f"its status is ok, and epoch {epoch.index} has {name} 0"
    if record.device is not None and record.device.kind != record.cell.device:
        return f"its cell is of a {record.cell.device}, its device is a {record.device.kind}"
    if record.quality is None or is_of_script:
        return None
    metrics = [epoch.metric for epoch in record.epochs if epoch.phase == "quality"]
    if not metrics or metrics[-1] != record.quality.value:
        last = metrics[-1] if metrics else None
        return f"its quality is {record.quality.value}, its last epoch's metric is {last}"
    return None


def misplaced(record: Record, path: Path) -> str | None:
    """In what ``record`` contradicts its ``path``, in words; ``None`` if it does not.

    Only a name, or a folder, of the form that the harness gives says anything.
    """
    if match := _NAME.fullmatch(path.name):
        named, own = (
            (match["seed"], match["repetition"]),
            (f"{record.seed}", f"{record.repetition}"),
        )
        if named != own:
            return f"it is of seed {own[0]}, repetition {own[1]}; its name says otherwise"
    cell = record.cell
    folder = f"{cell.backend}-{cell.device}-{cell.mode}-{cell.digest}"
    if _FOLDER.fullmatch(path.parent.name) and path.parent.name != folder:
        return f"it is of {cell.label} ({cell.digest}); its folder says otherwise"
    return None
