"""What ``harness anatomy`` left in a results folder, for the report on that folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.analysis.anatomy import Anatomy, anatomies
from harness.analysis.notes import Broken
from harness.records.anatomy import ANATOMY_SCHEMA_VERSION, AnatomyRecord
from harness.records.trial import Struct

FOLDER = "anatomy"
"""Records lie below a folder of this name, at any depth."""


class Dissected(Struct, frozen=True, kw_only=True):
    """The latest anatomy of each cell and machine, and files that should be records."""

    anatomies: list[Anatomy] = msgspec.field(default_factory=list)
    broken: list[Broken] = msgspec.field(default_factory=list)


class _Header(msgspec.Struct):
    schema: int


def read(root: Path) -> Dissected:
    """Every record below ``root``, analysed; a file that cannot be read stops nothing."""
    records: list[AnatomyRecord] = []
    broken: list[Broken] = []
    for path in sorted(root.rglob("*.json")) if root.is_dir() else ():
        if FOLDER not in path.relative_to(root).parts[:-1]:
            continue
        try:
            content = path.read_bytes()
            schema = msgspec.json.decode(content, type=_Header).schema
            if schema == ANATOMY_SCHEMA_VERSION:
                records.append(msgspec.json.decode(content, type=AnatomyRecord))
                continue
            reason = f"written in schema {schema}; this harness reads {ANATOMY_SCHEMA_VERSION}"
        except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
            reason = str(error)
        broken.append(Broken(path=str(path), reason=reason))
    return Dissected(anatomies=anatomies(records), broken=broken)
