"""Which cells are held against each other, and which of these cannot be ranked, with the reason.

Two cells make a couple if they differ in the backend alone or in the mode alone; and one cell does
with itself where two versions of its packages were measured, since that is the same work. Where a
cell has several rows (other versions, another machine, other data), each is put beside those of the
other cell that are most like it.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from harness.analysis.rows import Group, Row, named
from harness.analysis.work import alike_but_one, cell_key, why_other
from harness.records.cell import Cell

SHARED_PACKAGES = ("keras", "numpy", "python")
"""What the environments of two backends both hold."""

OTHER_MACHINES = "measured on different machines, which cannot be ranked"


class Couple(NamedTuple):
    """Two groups, and ``why`` they cannot be ranked, whatever rounds they share.

    ``same_work`` is false where they cannot be compared in anything, quality included.
    """

    first: Group
    second: Group
    why: str | None
    same_work: bool


def couples(groups: Sequence[Group]) -> list[Couple]:
    """Every couple of these groups, measured together or not, in the order of the rows."""
    by_cell: dict[bytes, list[Group]] = defaultdict(list)
    for group in groups:
        if group.row.good:
            by_cell[cell_key(group.row.cell)].append(group)
    cells = [members[0].row.cell for members in by_cell.values()]
    of_two = [
        _couple(first, second)
        for one, other in alike_but_one(cells)
        for first, second in _most_alike(by_cell[cell_key(one)], by_cell[cell_key(other)])
    ]
    of_one = [
        Couple(first, second, why=None, same_work=True)
        for members in by_cell.values()
        for first, second in itertools.combinations(members, 2)
        if first.row.work == second.row.work and first.row.machine_id == second.row.machine_id
    ]
    return of_two + of_one


def pair_names(
    first: Cell, second: Cell, first_apart: dict[str, str], second_apart: dict[str, str]
) -> tuple[str, str]:
    """What each of two cells is called beside the other: ``jax`` or ``jax fit``."""
    modes = first.mode != second.mode
    return named(first, first_apart, mode=modes), named(second, second_apart, mode=modes)


def _couple(first: Group, second: Group) -> Couple:
    one, other = first.row, second.row
    names = pair_names(one.cell, other.cell, one.apart, other.apart)
    why = why_other([one.work], [other.work], (f"({names[0]})", f"({names[1]})"))
    if why is not None:
        return Couple(first, second, why=why, same_work=False)
    elsewhere = OTHER_MACHINES if one.machine_id != other.machine_id else None
    return Couple(first, second, why=elsewhere, same_work=True)


def _most_alike(firsts: Sequence[Group], others: Sequence[Group]) -> list[tuple[Group, Group]]:
    """Each group of either cell beside those of the other that are most like it.

    Where some machine measured both, nothing is asked of one that measured only one of them.
    """
    there: dict[str | None, list[Group]] = defaultdict(list)
    for group in others:
        there[group.row.machine_id].append(group)
    both = [(a, b, _likeness(a.row, b.row)) for a in firsts for b in there[a.row.machine_id]]
    if not any(same_work for *_, (same_work, _, _) in both):
        both = [(a, b, _likeness(a.row, b.row)) for a, b in itertools.product(firsts, others)]
    best: dict[int, tuple[bool, ...]] = {}
    for first, second, likeness in both:
        for group in (first, second):
            best[id(group)] = max(likeness, best.get(id(group), likeness))
    return [(a, b) for a, b, found in both if found in (best[id(a)], best[id(b)])]


def _likeness(first: Row, second: Row) -> tuple[bool, bool, bool]:
    """The same work weighs most, then the same machine, then the same versions."""
    packages = (*SHARED_PACKAGES, *({first.cell.backend} & {second.cell.backend}))
    return (
        first.work == second.work,
        first.machine_id == second.machine_id,
        all(first.versions.get(p) == second.versions.get(p) for p in packages),
    )
