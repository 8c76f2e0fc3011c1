"""Notes on scripts of a user's own: other batches on each backend, and what could not be had."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from harness.analysis.notes.note import Note, note
from harness.analysis.rows import Group
from harness.backends import FACTS
from harness.records.cell import Cell
from harness.records.program import ProgramFit
from harness.records.trial import Record
from harness.words import joined


class HasSplit(Protocol):
    """A record of any kind of child that tells its batches."""

    @property
    def cell(self) -> Cell:
        """What was asked."""
        ...

    @property
    def split_sha256(self) -> str | None:
        """Identifies the batches, in their order."""
        ...


def programs(groups: Sequence[Group]) -> Iterator[Note]:
    """What a reader of a script's figures must know."""
    trials = [record for group in groups for record in group.good if record.program is not None]
    for name in dict.fromkeys(record.cell.scenario for record in trials):
        mine = [record for record in trials if record.cell.scenario == name]
        yield from _batches(name, mine)
        yield from _beside(name, mine)
        yield from _remarks(name, mine)


def counted_fit(record: Record) -> ProgramFit | None:
    """The ``fit`` that a program's step time is taken from; ``None`` where it called none."""
    if record.program is None:
        return None
    return next((fit for fit in record.program.fits if fit.number == record.program.counts), None)


def other_data(records: Iterable[HasSplit]) -> str | None:
    """That the backends were not given the same batches to compare; ``None`` if they were."""
    found = {r.cell.backend: r.split_sha256 for r in records if r.split_sha256 is not None}
    if len(set(found.values())) < 2:
        return None
    told = joined([f"{backend} {sha256:.8}…" for backend, sha256 in found.items()])
    return (
        f"the backends did not get the same batches: {told} (SHA-256). That is what differs first: "
        "the script makes or reads other data on each, and a deviation need not be the model's"
    )


def _batches(name: str, trials: Sequence[Record]) -> Iterator[Note]:
    by_asked: dict[tuple[int, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for record in trials:
        fit = counted_fit(record)
        if fit is not None and fit.batches_sha256 is not None:
            key = (record.seed, str(sorted(record.cell.settings.items())))
            by_asked[key][record.cell.backend].add(fit.batches_sha256)
    for (seed, _), by_backend in by_asked.items():
        if len(by_backend) > 1 and len(set.union(*by_backend.values())) > 1:
            told = [
                f"{backend} {', '.join(f'{each:.8}…' for each in sorted(hashes))}"
                for backend, hashes in by_backend.items()
            ]
            yield note(
                "other-batches",
                "other batches",
                f"The backends did not see the same batches in {name}: the first ones of seed "
                f"{seed} are {joined(told)} (SHA-256). What they learn is then not comparable seed "
                "by seed; step times are, where the shapes are the same.",
            )
            return
    shuffled = {r.cell.backend for r in trials if (fit := counted_fit(r)) and fit.shuffled}
    if len(shuffled) > 1:
        yield note(
            "other-batches",
            "other batches",
            f"The backends did not see the same batches in {name}: fit shuffles its arrays, each "
            "backend with a generator of its own. The examples are the same, their order is not; "
            "shuffle=False gives all backends the same batches.",
        )


def _beside(name: str, trials: Sequence[Record]) -> Iterator[Note]:
    found: dict[str, set[str]] = defaultdict(set)
    for record in trials:
        for framework in record.program.beside if record.program else []:
            found[framework].add(record.cell.backend)
    for framework, backends in found.items():
        yield note(
            "framework-beside",
            f"{FACTS[framework].label} beside {joined(sorted(backends))}",
            f"{FACTS[framework].label} was imported beside {joined(sorted(backends))} in {name}, "
            "for its data perhaps: its memory and its threads are in those figures.",
        )


def _remarks(name: str, trials: Sequence[Record]) -> Iterator[Note]:
    found: dict[str, set[str]] = defaultdict(set)
    for record in trials:
        for remark in record.program.remarks if record.program else []:
            found[remark].add(record.cell.backend)
    for remark, backends in found.items():
        yield note("program", remark, f"{name} on {joined(sorted(backends))}: {remark}.")
