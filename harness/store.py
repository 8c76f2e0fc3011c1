"""A results folder: write atomically, load what is there, set broken files aside, merge.

Layout, below a campaign's folder::

    records/<scenario>/<backend>-<device>-<mode>-<cell digest>/seed-<seed>-rep-<repetition>.json
    benchmarks/<backend>-<device>.json                         pytest-benchmark's own format

A record is never overwritten. Loading looks at any depth, so that a folder of downloaded CI
artifacts reads like one that was written here.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec
import platformdirs

from harness.atomic import write_new, write_synced
from harness.errors import UnavailableError
from harness.record import SCHEMA_VERSION, Cell, Record, Struct

RECORD_BYTES = 64 * 1024
"""More than a record takes, for the check that there is room for those to come."""

_PROBE_BYTES_AT_MOST = 1024 * 1024
_RECORD_NAME = re.compile(r"seed-\d+-rep-\d+\.json")


class Broken(Struct, frozen=True, kw_only=True):
    """A file that should be a record and is none."""

    path: Path
    reason: str


class Results(Struct, frozen=True, kw_only=True):
    """What a folder holds, in the order of the paths; equal copies of a record count once."""

    records: list[Record]
    broken: list[Broken]
    benchmarks: list[Path]


class Saved(Struct, frozen=True, kw_only=True):
    """Where a record went. ``trouble`` tells why it did not go where it belongs, if it did not."""

    path: Path
    record: Record
    trouble: str | None = None


class Merged(Struct, frozen=True, kw_only=True):
    """Counts of a merge, and the files that were left out."""

    added: int
    already_there: int
    broken: list[Broken]


class _Header(msgspec.Struct):
    schema: int


def record_path(root: Path, cell: Cell, seed: int, repetition: int) -> Path:
    """Where the record of a trial belongs below the campaign's folder ``root``.

    Raises:
        ValueError: for a scenario name that is no module's name, which could lead out of ``root``.
    """
    if not cell.scenario.isidentifier():
        raise ValueError(f"'{cell.scenario}' is no name of a scenario")
    folder = f"{cell.backend}-{cell.device}-{cell.mode}-{cell.digest}"
    return root / "records" / cell.scenario / folder / f"seed-{seed}-rep-{repetition}.json"


def next_repetition(root: Path, cell: Cell, seed: int) -> int:
    """The first repetition of ``cell`` with ``seed`` whose record does not exist yet; from 1 on."""
    repetition = 1
    while record_path(root, cell, seed, repetition).exists():
        repetition += 1
    return repetition


def ensure_writable(root: Path, needed_bytes: int) -> None:
    """Make sure that records can be written below ``root``, by writing there.

    Raises:
        UnavailableError: if they cannot: what stands in the way, and where else they could go.
    """
    probe = root / f".writable-{os.getpid()}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(root).free
        if free_bytes < needed_bytes:
            raise UnavailableError(
                f"{root} has room for {free_bytes / 1e6:.1f} MB and the records may take "
                f"{needed_bytes / 1e6:.1f} MB: make room, or choose another folder with --results"
            )
        try:
            # A quota shows only when something is written.
            write_synced(probe, b"\0" * min(needed_bytes, _PROBE_BYTES_AT_MOST))
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise UnavailableError(
            f"the results folder {root} cannot be written: {error.strerror or error}. "
            "Choose another with --results"
        ) from None


def save(root: Path, record: Record) -> Saved:
    """Write ``record`` where it belongs below ``root``, or else where it can be kept.

    If another process has just written the same repetition, the next free number is taken.

    Raises:
        OSError: if it could be kept nowhere.
    """
    try:
        return _save_below(root, record)
    except OSError as error:
        trouble = f"{root} cannot be written: {error.strerror or error}"
    for refuge in (Path(platformdirs.user_state_dir("keras-backend-harness")), _temporary()):
        with contextlib.suppress(OSError):
            kept = _save_below(refuge / "not-stored" / record.campaign, record)
            return msgspec.structs.replace(kept, trouble=trouble)
    raise OSError(trouble)


def load(root: Path) -> Results:
    """Everything below ``root``, at any depth; a file that cannot be read stops nothing."""
    records: dict[bytes, Record] = {}
    broken: list[Broken] = []
    benchmarks: list[Path] = []
    for path in sorted(root.rglob("*.json")) if root.is_dir() else ():
        if "benchmarks" in path.relative_to(root).parts[:-1]:
            benchmarks.append(path)
        elif _RECORD_NAME.fullmatch(path.name) or "records" in path.relative_to(root).parts[:-1]:
            read = read_record(path)
            if isinstance(read, Broken):
                broken.append(read)
            else:
                records.setdefault(msgspec.json.encode(read, order="deterministic"), read)
    return Results(records=list(records.values()), broken=broken, benchmarks=benchmarks)


def read_record(path: Path) -> Record | Broken:
    """The record in ``path``, or why there is none; fields that a newer harness added pass."""
    try:
        content = path.read_bytes()
        if not content.strip():
            return Broken(path=path, reason="empty")
        schema = msgspec.json.decode(content, type=_Header).schema
        if schema != SCHEMA_VERSION:
            return Broken(
                path=path, reason=f"written in schema {schema}; this harness reads {SCHEMA_VERSION}"
            )
        return msgspec.json.decode(content, type=Record)
    except msgspec.ValidationError as error:
        return Broken(path=path, reason=f"no record: {error}")
    except msgspec.DecodeError as error:
        cut = "truncated" in str(error)
        return Broken(path=path, reason="cut off in the middle" if cut else f"no JSON: {error}")
    except OSError as error:
        return Broken(path=path, reason=f"cannot be read: {error.strerror or error}")


def quarantine(path: Path) -> Path:
    """Rename a broken file so that it is no longer taken for a record; it stays in its folder."""
    number = 1
    while (aside := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    return path.rename(aside)


def merge(sources: Iterable[Path], target: Path) -> Merged:
    """Copy all records and benchmarks below ``sources`` into ``target``.

    Two different records that claim the same repetition (from two machines) both stay: the second
    gets the next number.

    Raises:
        OSError: if ``target`` cannot be written.
    """
    present = {msgspec.json.encode(_anonymous(record)) for record in load(target).records}
    added = already_there = 0
    broken: list[Broken] = []
    for source in sources:
        results = load(source)
        broken += results.broken
        for record in results.records:
            identity = msgspec.json.encode(_anonymous(record))
            if identity in present:
                already_there += 1
            else:
                present.add(identity)
                _save_below(target, record)
                added += 1
        for benchmark in results.benchmarks:
            _copy_benchmark(benchmark, target / "benchmarks")
    return Merged(added=added, already_there=already_there, broken=broken)


def _anonymous(record: Record) -> Record:
    """``record`` without its number, which a merge may change."""
    return msgspec.structs.replace(record, repetition=0)


def _copy_benchmark(path: Path, folder: Path) -> None:
    content = path.read_bytes()
    target, number = folder / path.name, 2
    while target.exists() and target.read_bytes() != content:
        target, number = folder / f"{path.stem}-{number}{path.suffix}", number + 1
    if not target.exists():
        write_new(target, content)


def _save_below(root: Path, record: Record) -> Saved:
    while True:
        path = record_path(root, record.cell, record.seed, record.repetition)
        try:
            # Indented: people read records too, and compare committed ones line by line.
            write_new(path, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
        except FileExistsError:
            repetition = next_repetition(root, record.cell, record.seed)
            record = msgspec.structs.replace(record, repetition=repetition)
        else:
            return Saved(path=path, record=record)


def _temporary() -> Path:
    return Path(tempfile.gettempdir()) / "keras-backend-harness"
