"""A results folder: write atomically, load what is there, set broken files aside.

A record is never overwritten. Loading looks at any depth, so that a folder of downloaded CI
artifacts reads like one that was written here. What each name means: :mod:`harness.store.layout`.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec
import platformdirs

from harness import temporary
from harness.errors import UnavailableError
from harness.records.cell import Cell, Struct
from harness.records.consistency import contradiction, misplaced
from harness.records.plan import CAMPAIGN_SCHEMA, Campaign, Plan
from harness.records.trial import SCHEMA_VERSION, Record
from harness.store import layout
from harness.store.atomic import alone_in, write_new, write_over, write_synced
from harness.store.reading import Broken, read
from harness.store.reading import broken as broken_file

RECORD_BYTES = 64 * 1024
"""More than a record takes, for the check that there is room for those to come."""

_PROBE_BYTES_AT_MOST = 1024 * 1024


_SCRIPT = re.compile(r"[^/\\\0]*[^/\\\0.]\.py")
"""What a program is called: the name of its file."""


class Results(Struct, frozen=True, kw_only=True):
    """What a folder holds, in the order of the paths; equal copies of a record count once.

    ``plans`` are those of the runs that left the records, as far as they are known, and ``homes``
    the folders of their campaigns by ``run_id``. ``benchmarks``, ``parity`` (verdicts) and
    ``anatomy`` are files that :mod:`.benchmarks` and :mod:`.runs` read.
    """

    records: list[Record]
    broken: list[Broken]
    plans: list[Plan] = msgspec.field(default_factory=list)
    homes: dict[str, Path] = msgspec.field(default_factory=dict)
    benchmarks: list[Path] = msgspec.field(default_factory=list)
    parity: list[Path] = msgspec.field(default_factory=list)
    anatomy: list[Path] = msgspec.field(default_factory=list)


class Saved(Struct, frozen=True, kw_only=True):
    """Where a record went. ``trouble`` tells why it did not go where it belongs, if it did not."""

    path: Path
    record: Record
    trouble: str | None = None


def record_path(root: Path, cell: Cell, seed: int, repetition: int) -> Path:
    """Where the record of a trial belongs below the campaign's folder ``root``.

    Raises:
        ValueError: for a name that is neither a module's nor a script's, which could lead out of
            ``root``.
    """
    if not cell.scenario.isidentifier() and not _SCRIPT.fullmatch(cell.scenario):
        raise ValueError(f"'{cell.scenario}' is no name of a scenario")
    folder = f"{layout.stem_of(cell)}-{cell.mode}-{cell.digest}"
    return root / layout.RECORDS / cell.scenario / folder / f"seed-{seed}-rep-{repetition}.json"


def initial_folder(root: Path) -> Path:
    """Where processes leave the values of custom initialisers for those of the other backends."""
    return root.resolve() / layout.INITIAL


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
    probe = temporary.beside(root / "writable")
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


def sweep(root: Path) -> None:
    """Remove what killed processes were about to write below ``root``, and in the refuges."""
    temporary.sweep(root, deep=True)
    for refuge in (_state, _temporary):
        with contextlib.suppress(OSError, RuntimeError):
            temporary.sweep(refuge() / "not-stored", deep=True)


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
    name = re.sub(r"[^\w.-]", "_", record.campaign).strip(".") or "campaign"
    for refuge in (_state, _temporary):
        # RuntimeError: a user without a home folder; the next one may do all the same.
        with contextlib.suppress(OSError, RuntimeError):
            kept = save_below(refuge() / "not-stored" / name, record)
            return msgspec.structs.replace(kept, trouble=trouble)
    raise OSError(trouble)


def still_there(root: Path, saved: Saved) -> Saved:
    """``saved``, written once more if its file has gone: somebody may have removed the folder.

    Raises:
        OSError: if it could be kept nowhere.
    """
    if saved.trouble is not None or saved.path.is_file():
        return saved
    again = save(root, saved.record)
    return msgspec.structs.replace(again, trouble=f"{saved.path} was removed meanwhile")


def load(root: Path) -> Results:
    """Everything below ``root``, at any depth; a file that cannot be read stops nothing."""
    return _load(root, layout.files(root))


def load_each(root: Path) -> dict[str, Results]:
    """Each campaign below ``root`` by the name of its folder: the first below ``root``, or this."""
    files: dict[str | None, list[Path]] = defaultdict(list)
    for path in layout.files(root):
        files[layout.campaign_of(path.relative_to(root))].append(path)
    own = root.name if root.name not in files else f"{root.name} itself"
    return {own if name is None else name: _load(root, mine) for name, mine in files.items()}


def _load(root: Path, files: Iterable[Path]) -> Results:
    records: dict[bytes, Record] = {}
    plans: dict[str, Plan] = {}
    homes: dict[str, Path] = {}
    broken: list[Broken] = []
    others: dict[str, list[Path]] = {kind: [] for kind in (*layout.RUNS, layout.BENCHMARKS)}
    for path in files:
        if path.suffix != ".json":
            continue
        kind = layout.kind_of(path.relative_to(root))
        if kind == layout.CAMPAIGN:
            campaign = read_campaign(path)
            if isinstance(campaign, Broken):
                broken.append(campaign)
            else:
                plans |= {plan.run_id: plan for plan in campaign.runs}
                homes |= dict.fromkeys((plan.run_id for plan in campaign.runs), path.parent)
        elif kind == layout.RECORDS:
            record = read_record(path)
            if isinstance(record, Broken):
                broken.append(record)
            else:
                records.setdefault(msgspec.json.encode(record, order="deterministic"), record)
        elif kind in others and (kind != layout.PARITY or path.name == layout.VERDICT):
            others[kind].append(path)
    return Results(
        records=list(records.values()),
        broken=broken,
        plans=list(plans.values()),
        homes=homes,
        **others,
    )


def read_record(path: Path) -> Record | Broken:
    """The record in ``path``, or why there is none; fields that a newer harness added pass."""
    record = read(path, Record, "record", schema=SCHEMA_VERSION)
    if isinstance(record, Broken):
        return record
    wrong = contradiction(record) or misplaced(record, path)
    return record if wrong is None else broken_file(path, f"contradicts itself: {wrong}")


def read_campaign(path: Path) -> Campaign | Broken:
    """The plans in ``path``, a ``campaign.json``, or why there are none."""
    return read(path, Campaign, "campaign", schema=CAMPAIGN_SCHEMA)


def add_plan(root: Path, plan: Plan) -> None:
    """Keep ``plan`` in the campaign's folder ``root``, beside those of earlier runs.

    Whoever else adds one at the same time (a merge, another machine on the same disk) waits. A file
    that cannot be read is set aside: without a plan the records can still be read, with the wrong
    one they would be judged wrongly.

    Raises:
        OSError: if it cannot be written; the earlier file is then still there.
    """
    path = root / layout.CAMPAIGN
    root.mkdir(parents=True, exist_ok=True)
    with alone_in(root):
        runs: list[Plan] = []
        if os.path.lexists(path):
            earlier = read_campaign(path)
            if isinstance(earlier, Broken):
                quarantine(path)
            else:
                runs = [one for one in earlier.runs if one.run_id != plan.run_id]
        content = msgspec.json.encode(Campaign(runs=[*runs, plan]))
        write_over(path, msgspec.json.format(content, indent=1) + b"\n")


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


def _state() -> Path:
    return Path(platformdirs.user_state_dir("keras-backend-harness"))


def _temporary() -> Path:
    return Path(tempfile.gettempdir()) / "keras-backend-harness"
