"""Runs of parity and anatomy: keeps what their children leave, and reads it for a report.

A run has a numbered folder below the campaign's. Of parity only the records are read, not the
arrays beside them, and the verdicts in words, which were made when the arrays were at hand.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.errors import UnavailableError
from harness.records.anatomy import ANATOMY_SCHEMA_VERSION, AnatomyRecord
from harness.records.cell import Struct
from harness.records.consistency import contradiction
from harness.records.parity import PARITY_SCHEMA_VERSION, ParityRecord
from harness.store.atomic import write_new
from harness.store.layout import ANATOMY, PARITY, VERDICT, stem_of
from harness.store.reading import Broken, read
from harness.store.reading import broken as broken_file


class PairVerdict(Struct, frozen=True, kw_only=True):
    """The verdict on two backends, ``says`` in a sentence or two."""

    first: str
    second: str
    verdict: str
    says: str


class ParityVerdict(Struct, frozen=True, kw_only=True):
    """What a comparison found."""

    schema: int
    scenario: str
    seed: int
    pairs: list[PairVerdict]
    synthetic: bool = False


class ParityRun(Struct, frozen=True, kw_only=True):
    """One comparison: its verdicts, and the records of the backends that were trained."""

    verdict: ParityVerdict
    records: list[ParityRecord]


class Parity(Struct, frozen=True, kw_only=True):
    """Comparisons, the latest first, and broken files."""

    runs: list[ParityRun] = msgspec.field(default_factory=list)
    broken: list[Broken] = msgspec.field(default_factory=list)


class AnatomyRuns(Struct, frozen=True, kw_only=True):
    """Records of anatomy, and broken files."""

    records: list[AnatomyRecord] = msgspec.field(default_factory=list)
    broken: list[Broken] = msgspec.field(default_factory=list)


_Record = TypeVar("_Record", ParityRecord, AnatomyRecord)

Arrays = dict[str, NDArray[Any]]


def parity_folder(root: Path, scenario: str, seed: int) -> Path:
    """Make the next free folder of a comparison below the campaign's folder ``root``.

    Raises:
        UnavailableError: if it cannot be made.
    """
    return numbered_folder(root, PARITY, scenario, f"seed-{seed}")


def anatomy_folder(root: Path, scenario: str) -> Path:
    """Make the next free folder of an anatomy below the campaign's folder ``root``.

    Raises:
        UnavailableError: if it cannot be made.
    """
    return numbered_folder(root, ANATOMY, scenario, "run")


def save_parity(folder: Path, record: ParityRecord, arrays: bytes | None = None) -> Path:
    """Write a record and its arrays; the arrays first, so that no record names what is not there.

    Returns:
        The record's path.

    Raises:
        UnavailableError: if they cannot be written.
    """
    cell = record.cell
    stem = stem_of(cell) + (f"-{cell.mode}" if cell.mode != "fit" else "")
    if arrays is not None:
        write(folder / f"{stem}.npz", arrays)
        record = msgspec.structs.replace(record, arrays=f"{stem}.npz")
    return _save(folder / f"{stem}.json", record)


def save_anatomy(folder: Path, record: AnatomyRecord) -> Path:
    """Write a record and give its path.

    Raises:
        UnavailableError: if it cannot be written.
    """
    cell = record.cell
    return _save(folder / f"{stem_of(cell)}-{record.process}.json", record)


def load_arrays(content: bytes) -> Arrays:
    """The arrays of an ``.npz``, by name and in the order in which they were written.

    Raises:
        ValueError: if it holds anything else than plain arrays.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _save(path: Path, record: ParityRecord | AnatomyRecord) -> Path:
    write(path, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    return path


def numbered_folder(root: Path, kind: str, scenario: str, stem: str) -> Path:
    """Make the next free folder ``ROOT/KIND/SCENARIO/STEM-NUMBER``.

    Raises:
        UnavailableError: if it cannot be made.
    """
    for number in itertools.count(1):
        folder = root / kind / scenario / f"{stem}-{number}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UnavailableError(
                f"the results folder {root} cannot be written: {error.strerror or error}. "
                "Choose another with --results"
            ) from None
        return folder
    raise AssertionError("count has no end")


def write(path: Path, content: bytes) -> None:
    """Let a new file appear with all of its content.

    Raises:
        UnavailableError: if it cannot be written.
    """
    try:
        write_new(path, content)
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be written: {error.strerror or error}. Make room, or choose another "
            "folder with --results"
        ) from None


def read_parity(verdicts: Iterable[Path]) -> Parity:
    """The comparisons of these verdict files; one that cannot be read stops nothing."""
    runs: list[ParityRun] = []
    broken: list[Broken] = []
    for path in verdicts:
        beside = (other for other in sorted(path.parent.glob("*.json")) if other.name != VERDICT)
        verdict = read(path, ParityVerdict, "verdict", schema=PARITY_SCHEMA_VERSION)
        found = [_record(other, ParityRecord, PARITY_SCHEMA_VERSION) for other in beside]
        if isinstance(verdict, Broken):
            broken.append(verdict)
            continue
        lost = [record for record in found if isinstance(record, Broken)]
        good = [one for one in found if isinstance(one, ParityRecord) and one.status == "ok"]
        broken += lost
        if not lost:
            runs.append(ParityRun(verdict=verdict, records=good))
    runs.sort(key=_began, reverse=True)
    return Parity(runs=runs, broken=broken)


def read_anatomy(paths: Iterable[Path]) -> AnatomyRuns:
    """The records in these files; one that cannot be read stops nothing."""
    found = [_record(path, AnatomyRecord, ANATOMY_SCHEMA_VERSION) for path in paths]
    return AnatomyRuns(
        records=[one for one in found if isinstance(one, AnatomyRecord)],
        broken=[one for one in found if isinstance(one, Broken)],
    )


def _record(path: Path, kind: type[_Record], schema: int) -> _Record | Broken:
    record = read(path, kind, "record", schema=schema)
    if not isinstance(record, Broken) and (wrong := contradiction(record)):
        return broken_file(path, f"contradicts itself: {wrong}")
    return record


def _began(run: ParityRun) -> str:
    return max((record.started_at for record in run.records), default="")
