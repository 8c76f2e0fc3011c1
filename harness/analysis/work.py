"""What "the same work" means, decided here alone.

Two trials did the same work if they were asked the same but for the backend, the mode or the
package versions, and if what they found was the same too: the scenario's version, the data table,
the split, whether the data were generated, and the number of steps in an epoch. Verdicts on speed,
comparisons of quality, ladders, sweeps, steering and ``harness compare`` all ask here; a pair that
did other work has no verdict anywhere, and every output gives the reason that :func:`why_other`
gives.

The initial weights are not part of it. A step takes no longer from other weights, and a release of
Keras that draws them otherwise is just what ``harness compare`` is asked about. Where quality is
compared seed by seed they must be equal (:mod:`harness.analysis.comparability`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from harness.records.trial import Cell, Record, Struct
from harness.words import joined

NEUTRAL: dict[str, Any] = {"backend": "jax", "mode": "fit", "threads": None}
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
    """What a cell is asked to do, whichever value it has of the fields in ``but``."""
    neutral = {field: NEUTRAL[field] for field in but}
    return cell_key(msgspec.structs.replace(cell, **neutral))


def _known(value: object) -> str:
    return "unknown" if value is None else str(value)
