"""Puts several results folders together, such as the artifacts of a CI matrix."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.atomic import write_new
from harness.record import Record, Struct
from harness.store import Broken, add_plan, load, save_below


class Merged(Struct, frozen=True, kw_only=True):
    """Counts of a merge, and the files that were left out."""

    added: int
    already_there: int
    broken: list[Broken]


def merge(sources: Iterable[Path], target: Path) -> Merged:
    """Copy all records, plans and benchmarks below ``sources`` into ``target``.

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
                save_below(target, record)
                added += 1
        for plan in results.plans:
            add_plan(target, plan)
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
