"""A results folder: write atomically, load what is there, set broken files aside.

Layout, below a campaign's folder::

    campaign.json                                              the plan of every run in the folder
    records/<scenario>/<backend>-<device>-<mode>-<cell digest>/seed-<seed>-rep-<repetition>.json
    benchmarks/<backend>-<device>.json                         pytest-benchmark's own format
    initial/<key>.npz                                          values of custom initialisers

A record is never overwritten. Loading looks at any depth, so that a folder of downloaded CI
artifacts reads like one that was written here.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec
import platformdirs

from harness.errors import UnavailableError
from harness.records.plan import CAMPAIGN_SCHEMA, Campaign, Plan
from harness.records.trial import SCHEMA_VERSION, Cell, Record, Struct
from harness.store.atomic import write_new, write_over, write_synced

RECORD_BYTES = 64 * 1024
"""More than a record takes, for the check that there is room for those to come."""

CAMPAIGN_NAME = "campaign.json"
"""The file that keeps the plans of a campaign's runs, in its folder."""

_PROBE_BYTES_AT_MOST = 1024 * 1024
_RECORD_NAME = re.compile(r"seed-\d+-rep-\d+\.json")


class Broken(Struct, frozen=True, kw_only=True):
    """A file that should be a record and is none."""

    path: Path
    reason: str


class Results(Struct, frozen=True, kw_only=True):
    """What a folder holds, in the order of the paths; equal copies of a record count once.

    ``plans`` are those of the runs that left the records, as far as they are known.
    """

    records: list[Record]
    broken: list[Broken]
    benchmarks: list[Path]
    plans: list[Plan] = msgspec.field(default_factory=list)


class Saved(Struct, frozen=True, kw_only=True):
    """Where a record went. ``trouble`` tells why it did not go where it belongs, if it did not."""

    path: Path
    record: Record
    trouble: str | None = None


class _Header(msgspec.Struct):
    schema: int


_Kept = TypeVar("_Kept", Record, Campaign)


def record_path(root: Path, cell: Cell, seed: int, repetition: int) -> Path:
    """Where the record of a trial belongs below the campaign's folder ``root``.

    Raises:
        ValueError: for a scenario name that is no module's name, which could lead out of ``root``.
    """
    if not cell.scenario.isidentifier():
        raise ValueError(f"'{cell.scenario}' is no name of a scenario")
    folder = f"{cell.backend}-{cell.device}-{cell.mode}-{cell.digest}"
    return root / "records" / cell.scenario / folder / f"seed-{seed}-rep-{repetition}.json"


def initial_folder(root: Path) -> Path:
    """Where processes leave the values of custom initialisers for those of the other backends."""
    return root.resolve() / "initial"


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
        return save_below(root, record)
    except OSError as error:
        trouble = f"{root} cannot be written: {error.strerror or error}"
    for refuge in (Path(platformdirs.user_state_dir("keras-backend-harness")), _temporary()):
        with contextlib.suppress(OSError):
            kept = save_below(refuge / "not-stored" / record.campaign, record)
            return msgspec.structs.replace(kept, trouble=trouble)
    raise OSError(trouble)


def load(root: Path) -> Results:
    """Everything below ``root``, at any depth; a file that cannot be read stops nothing."""
    records: dict[bytes, Record] = {}
    broken: list[Broken] = []
    benchmarks: list[Path] = []
    plans: dict[str, Plan] = {}
    for path in sorted(root.rglob("*.json")) if root.is_dir() else ():
        if "benchmarks" in path.relative_to(root).parts[:-1]:
            benchmarks.append(path)
        elif path.name == CAMPAIGN_NAME:
            campaign = read_campaign(path)
            if isinstance(campaign, Broken):
                broken.append(campaign)
            else:
                plans |= {plan.run_id: plan for plan in campaign.runs}
        elif _RECORD_NAME.fullmatch(path.name) or "records" in path.relative_to(root).parts[:-1]:
            read = read_record(path)
            if isinstance(read, Broken):
                broken.append(read)
            else:
                records.setdefault(msgspec.json.encode(read, order="deterministic"), read)
    return Results(
        records=list(records.values()),
        broken=broken,
        benchmarks=benchmarks,
        plans=list(plans.values()),
    )


def read_record(path: Path) -> Record | Broken:
    """The record in ``path``, or why there is none; fields that a newer harness added pass."""
    return _read(path, Record, SCHEMA_VERSION, "record")


def read_campaign(path: Path) -> Campaign | Broken:
    """The plans in ``path``, a ``campaign.json``, or why there are none."""
    return _read(path, Campaign, CAMPAIGN_SCHEMA, "campaign")


def add_plan(root: Path, plan: Plan) -> None:
    """Keep ``plan`` in the campaign's folder ``root``, beside those of earlier runs.

    Only one campaign writes at a time, since the machine's lock is held. A file that cannot be
    read is set aside: without a plan the records can still be read, with the wrong one they would
    be judged wrongly.

    Raises:
        OSError: if it cannot be written; the earlier file is then still there.
    """
    path = root / CAMPAIGN_NAME
    runs: list[Plan] = []
    if path.exists():
        earlier = read_campaign(path)
        if isinstance(earlier, Broken):
            quarantine(path)
        else:
            runs = [one for one in earlier.runs if one.run_id != plan.run_id]
    content = msgspec.json.encode(Campaign(runs=[*runs, plan]))
    write_over(path, msgspec.json.format(content, indent=1) + b"\n")


def _read(path: Path, kind: type[_Kept], expected_schema: int, noun: str) -> _Kept | Broken:
    try:
        content = path.read_bytes()
        if not content.strip():
            return Broken(path=path, reason="empty")
        schema = msgspec.json.decode(content, type=_Header).schema
        if schema != expected_schema:
            return Broken(
                path=path,
                reason=f"written in schema {schema}; this harness reads {expected_schema}",
            )
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        return Broken(path=path, reason=f"no {noun}: {error}")
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


def save_below(root: Path, record: Record) -> Saved:
    """Write ``record`` where it belongs below ``root``, under the next free number if it must.

    Raises:
        OSError: if it cannot be written there.
    """
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
