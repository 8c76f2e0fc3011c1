"""What "the same work" means, decided here alone.

Two trials did the same work if they were asked the same but for the backend, the mode or the
package versions, and if what they found was the same too: the scenario's version, the data table,
the split, whether the data were generated, and the number of steps in an epoch. Verdicts on speed,
comparisons of quality, ladders, sweeps, steering and ``harness compare`` all ask here; a pair that
did other work has no verdict anywhere, and every output gives the reason that :func:`why_other`
gives.

The initial weights are not part of it. A step takes no longer from other weights, and a release of
Keras that draws them otherwise is just what ``harness compare`` is asked about. Where quality is
compared seed by seed they must be equal (:mod:`harness.analysis.notes.quality`).
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from harness.backends import BACKENDS
from harness.records.cell import MODES, Cell, Scalar, Struct
from harness.records.trial import Record
from harness.words import joined

NEUTRAL: dict[str, Any] = {
    "backend": "jax",
    "name": msgspec.UNSET,
    "mode": "fit",
    "threads": None,
}
"""What stands in a cell for a field in which it may differ from another."""


NOT_THE_SAME = "not the same work"
"""How every reason of :func:`why_other` begins."""


class Work(Struct, frozen=True, kw_only=True):
    """What a trial did; ``None`` is what its record does not tell. ``steps`` are those of an epoch.

    A setting may decide ``split`` and ``steps``, but none decides the rest.
    """

    scenario_version: int
    synthetic: bool
    table: str | None
    split: str | None = None
    steps: int | None = None


SHOWN = {
    "scenario_version": "scenario version {}",
    "synthetic": "synthetic data {}",
    "table": "table {:.12}",
    "split": "split {:.12}",
    "steps": "{} steps an epoch",
}
"""The fields of :class:`Work` as a person is told them, the weightiest first."""


def work_of(record: Record) -> Work:
    """The work of a good trial."""
    return Work(
        scenario_version=record.scenario_version,
        synthetic=record.synthetic,
        table=record.hashes.table if record.hashes else None,
        split=record.hashes.split if record.hashes else None,
        steps=record.epochs[0].steps if record.epochs else None,
    )


def whatever_the_settings(work: Work) -> Work:
    """The part of ``work`` that no setting decides, for cells that differ in their settings."""
    return msgspec.structs.replace(work, split=None, steps=None)


def why_other(first: Iterable[Work], second: Iterable[Work], names: tuple[str, str]) -> str | None:
    """Why no trial of one side did the work of any on the other; ``None`` if one did.

    Args:
        first: The work of one side, every kind of it.
        second: That of the other side.
        names: What the two sides are called behind a fact: ``before``, ``(jax)``.

    Returns:
        The first thing in which no trial of one side agrees with any of the other, the weightiest
        first: ``not the same work: split 0d0ada (jax), split 3e5b55 (torch)``.
    """
    one, other = set(first), set(second)
    if one & other:
        return None
    for field, shown in SHOWN.items():
        seen = [{getattr(work, field) for work in side} for side in (one, other)]
        if not seen[0] & seen[1]:
            told = [joined(sorted(shown.format(_known(value)) for value in side)) for side in seen]
            return f"{NOT_THE_SAME}: {told[0]} {names[0]}, {told[1]} {names[1]}"
    return f"{NOT_THE_SAME}: no trial {names[0]} has the version, data and split of one {names[1]}"


def cell_key(cell: Cell) -> bytes:
    """What tells a cell from every other one."""
    return msgspec.json.encode(cell, order="deterministic")


def asked(cell: Cell, *, but: Collection[str] = ("backend", "mode")) -> bytes:
    """What a cell is asked to do, whichever value it has of the fields in ``but``.

    Where the backend is left open, so is the name of the environment that serves it.
    """
    left_open = {*but, "name"} if "backend" in but else set(but)
    neutral = {field: NEUTRAL[field] for field in left_open}
    return cell_key(msgspec.structs.replace(cell, **neutral))


def alike_but_one(cells: Iterable[Cell]) -> list[tuple[Cell, Cell]]:
    """Pairs of cells that differ in the backend, the environment or the mode alone.

    Two backends in environments of different names are a pair where neither backend was measured
    in the environment of the other.

    Settings after settings; of each first the backends of every mode, then the modes of every
    backend, in the usual order (``fit`` first), never in that of a figure.
    """
    families: dict[bytes, list[Cell]] = defaultdict(list)
    for cell in cells:
        families[asked(cell)].append(cell)
    made = []
    for members in families.values():
        both = list(itertools.combinations(sorted(members, key=rung_order), 2))
        made += [(a, b) for a, b in both if _of_two_places(a, b, members)]
        of_modes = [(a, b) for a, b in both if differ_in(a, b) == ("mode",)]
        made += sorted(of_modes, key=lambda two: BACKENDS.index(two[0].backend))
    return made


def _of_two_places(first: Cell, second: Cell, members: Collection[Cell]) -> bool:
    """Whether two cells of one family and mode are the pair of their backends or environments."""
    if first.mode != second.mode:
        return False
    if first.backend == second.backend or first.name == second.name:
        return True
    beside = {(cell.backend, cell.name) for cell in members if cell.mode == first.mode}
    crossed = {(first.backend, second.name), (second.backend, first.name)}
    return not beside & crossed


def differ_in(first: Cell, second: Cell) -> tuple[str, ...]:
    """In which of its fields a cell is not as another one."""
    return tuple(
        name for name in Cell.__struct_fields__ if getattr(first, name) != getattr(second, name)
    )


def rung_order(cell: Cell) -> tuple[int, int, str]:
    """Where a cell stands among those of equal settings: by mode, then by backend and name."""
    return MODES.index(cell.mode), BACKENDS.index(cell.backend), cell.name or ""


def value_order(value: Scalar | None) -> tuple[bool, float, str]:
    """Where a setting's value stands among others: numbers by size, behind names by letter."""
    is_number = isinstance(value, int | float)
    return (is_number, float(value) if isinstance(value, int | float) else 0.0, str(value))


def started(record: Record) -> float:
    """When the trial began, in seconds since 1970; 0 if the record does not tell properly."""
    return _seconds(record.started_at)


@functools.lru_cache(maxsize=100_000)
def _seconds(timestamp: str) -> float:
    try:
        moment = dt.datetime.fromisoformat(timestamp)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def _known(value: object) -> str:
    return "unknown" if value is None else str(value)
