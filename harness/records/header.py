"""What a record tells of its task: the header that trial, parity and anatomy have in common."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from harness.records.cell import Struct
from harness.records.trial import Task

RecordType = TypeVar("RecordType", bound=Struct)


def told_by(kind: type[Struct], task: Task) -> dict[str, Any]:
    """What records of ``kind`` tell of their ``task``, in fields of the same names."""
    names = {field.name for field in msgspec.structs.fields(kind) if field.required} | {"run_id"}
    there = names & set(kind.__struct_fields__)
    return {name: getattr(task, name) for name in task.__struct_fields__ if name in there}


def record_of(task: Task, kind: type[RecordType], **known: Any) -> RecordType:
    """A record of ``kind`` with what it tells of ``task``, and what is ``known`` beside."""
    return kind(**told_by(kind, task) | known)
