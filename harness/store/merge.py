"""Puts several results folders together, such as the artifacts of a CI matrix."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from harness import temporary
from harness.records.cell import Struct
from harness.records.decoding import LARGEST_BYTES, UndecodableError
from harness.records.trial import Record
from harness.regular_files import content, regular, why
from harness.store import benchmarks, layout, reading
from harness.store.atomic import write_new
from harness.store.folder import add_plan, load, save_below
from harness.store.reading import Broken


class Merged(Struct, frozen=True, kw_only=True):
    """What a merge did, and the files that were left out.

    Attributes:
        added: records that are new in the target.
        already_there: records that the target held, or that came twice.
        runs: runs of parity and anatomy that are new in the target.
        broken: files that could not be read, or are not what their place says.
    """

    added: int
    already_there: int
    runs: int
    broken: list[Broken]


def merge(sources: Iterable[Path], target: Path) -> Merged:
    """Copy what lies below ``sources`` into ``target``: records, plans, benchmarks, runs.

    Two different records that claim the same repetition (from two machines, or two campaigns) both
    stay: the second gets the next number. So do two runs of parity or anatomy. What cannot be read
    is left out and named.

    Raises:
        OSError: if ``target`` cannot be written.
    """
    present = {msgspec.json.encode(_anonymous(record)) for record in load(target).records}
    held = [_digests(run, target) for run, _ in _runs(target)]
    added = already_there = runs = 0
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
                save_below(target, record)
                added += 1
        for plan in results.plans:
            add_plan(target, plan)
        for benchmark in results.benchmarks:
            broken += _copy_benchmark(benchmark, target / layout.BENCHMARKS)
        for run, name in list(_runs(source)):
            digests = _digests(run, source)
            broken += (digest for digest in digests.values() if isinstance(digest, Broken))
            if digests not in held and not all(isinstance(one, Broken) for one in digests.values()):
                held.append(digests)
                _copy_run(run, digests, target / name)
                runs += 1
    return Merged(added=added, already_there=already_there, runs=runs, broken=broken)


def _anonymous(record: Record) -> Record:
    """``record`` without its number, which a merge may change."""
    return msgspec.structs.replace(record, repetition=0)


def _copy_benchmark(path: Path, folder: Path) -> list[Broken]:
    """Copy a file of benchmarks; what is none is named instead."""
    if broken := benchmarks.read([path]).broken:
        return broken
    try:
        found = benchmarks.without_host(content(path, LARGEST_BYTES))
    except UndecodableError as error:
        return [reading.broken(path, str(error))]
    target, number = folder / path.name, 2
    while target.exists() and target.read_bytes() != found:
        target, number = folder / f"{path.stem}-{number}{path.suffix}", number + 1
    if not target.exists():
        write_new(target, found)
    return []


def _runs(root: Path) -> Iterator[tuple[Path, Path]]:
    """Each folder of a run below ``root``, and its ``KIND/SCENARIO/STEM-NUMBER``."""
    runs = {layout.run_of(path.relative_to(root)) for path in layout.files(root)}
    for run in sorted(run for run in runs if run is not None):
        yield root / run, Path(*run.parts[-3:])


def _digests(run: Path, root: Path) -> Mapping[str, str | Broken]:
    """The SHA-256 of every file of a run by its path inside it, or why it is not copied."""
    inside = root.resolve()
    found: dict[str, str | Broken] = {}
    for path in sorted(run.rglob("*")):
        if path.is_dir():
            continue
        name = str(path.relative_to(run))
        if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(inside):
            # A stranger's link may name any file of whoever merges, and publishes what comes of it.
            found[name] = reading.broken(path, "a link that leads out of the folder")
        else:
            found[name] = _digest(path)
    return found


def _digest(path: Path) -> str | Broken:
    try:
        with regular(path, limit_bytes=_limit_bytes(path)) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return reading.broken(path, f"cannot be read: {why(error)}")


def _limit_bytes(path: Path) -> int | None:
    return LARGEST_BYTES if path.suffix == ".json" else None  # arrays are as large as their model


def _copy_run(run: Path, content: Mapping[str, str | Broken], target: Path) -> None:
    """Let a run appear whole as ``target``, or under the next number that is free."""
    # Beside the folder of its kind: no report may take half a run for one, if this process dies.
    partial = target.parents[2] / temporary.name(target.name)
    try:
        for name, digest in content.items():
            if not isinstance(digest, Broken):
                (partial / name).parent.mkdir(parents=True, exist_ok=True)
                with (
                    regular(run / name, limit_bytes=_limit_bytes(Path(name))) as file,
                    (partial / name).open("wb") as copy,
                ):
                    shutil.copyfileobj(file, copy)
        target.parent.mkdir(parents=True, exist_ok=True)
        stem = target.name.rpartition("-")[0]
        numbers = (target.with_name(f"{stem}-{number}") for number in itertools.count(1))
        free = next(path for path in itertools.chain([target], numbers) if not path.exists())
        partial.rename(free)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
