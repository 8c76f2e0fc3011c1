"""From records to verdicts between the cells of one machine: pair by round, then judge.

Shared by the end of ``harness run``, by ``harness report`` and by ``harness compare``. Two cells
make a pair if they differ in the backend alone, or in the mode alone, and were measured in the same
rounds of one run on one machine. Where there is no such pair, the variants of one backend are the
pairs (``--set optimizer=adagrad,adam``, or one thing under two names). Cells of different machines,
or measured one after the other, are never paired: between them lies whatever else changed.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from harness.analysis.interval import pair
from harness.analysis.rows import Group, grouped
from harness.analysis.shared_rounds import Reasons, Shared, reasons_by_id, shared
from harness.analysis.steps import step_time_s
from harness.analysis.verdict import MARGIN, Verdict, verdict
from harness.plan import Plan
from harness.record import BACKENDS, MODES, Cell, Record, Struct

Item = TypeVar("Item")


class CellPair(Struct, frozen=True, kw_only=True):
    """Two cells, most often of two backends or two modes, with what their common rounds say.

    ``log_ratios`` are ``log(first / second)`` of step time, one for each round in which both have a
    trial that was not disturbed. ``disturbed`` and ``incomplete`` count rounds that are left out
    (:class:`harness.analysis.shared_rounds.Shared`).
    """

    first: Cell
    second: Cell
    machine_id: str | None
    log_ratios: tuple[float, ...]
    disturbed: int
    incomplete: int


class Judging(Struct, frozen=True, kw_only=True):
    """The margin, as a share, and whether a campaign might have stopped at a precision."""

    margin: float
    sequential: bool


class PairVerdict(Struct, frozen=True, kw_only=True):
    """A :class:`CellPair` and the verdict on it, whose ratio is the first over the second."""

    pair: CellPair
    verdict: Verdict


def verdicts_within(
    records: Iterable[Record],
    *,
    margin: float = MARGIN,
    confidence: float = 0.95,
    sequential: bool = False,
) -> list[PairVerdict]:
    """The verdicts on every pair of cells that were interleaved, in the order of the rows.

    All pairs together are one family (``docs/method.md``): each interval holds at the confidence
    that makes all of them hold at ``confidence``.

    Args:
        records: any records, good and failed, of one or several machines.
        margin: smallest difference that matters, as a share.
        confidence: of all intervals together.
        sequential: whether a campaign that left some of the records might have stopped at a
            precision; its plan tells (:func:`judging`).
    """
    found = paired(records)
    return [
        PairVerdict(
            pair=one,
            verdict=_with_disturbed(
                one,
                verdict(
                    one.log_ratios,
                    margin=margin,
                    confidence=confidence,
                    comparisons=len(found),
                    sequential=sequential,
                ),
            ),
        )
        for one in found
    ]


def judging(plans: Iterable[Plan]) -> Judging:
    """How the records of ``plans`` are to be judged: as the runs that left them said beforehand.

    Without a plan by the defaults. Where plans differ, the latest margin holds, and one run that
    might have stopped at a precision is enough for all to be judged as such.
    """
    ordered = sorted(plans, key=lambda plan: plan.started_at)
    return Judging(
        margin=ordered[-1].margin if ordered else MARGIN,
        sequential=any(plan.sequential for plan in ordered),
    )


def paired(records: Iterable[Record]) -> list[CellPair]:
    """All pairs of cells that have at least one round in common."""
    records = list(records)
    why = reasons_by_id(records)
    groups = grouped(records)
    by_name = _measured_together(couples(groups), why)
    return by_name or _measured_together(_variants(groups), why)


def couples(groups: Sequence[Group]) -> list[tuple[Group, Group]]:
    """Groups that differ in the backend alone or in the mode alone, measured together or not."""
    return alike_but_one(groups, cell=lambda group: group.row.cell, apart=_where)


def to_compare(cells: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    """The pairs that a campaign of ``cells`` will be judged on."""
    return alike_but_one(cells, cell=lambda cell: cell) or [
        (a, b) for a, b in itertools.combinations(cells, 2) if _place(a) == _place(b)
    ]


def alike_but_one(
    items: Iterable[Item],
    *,
    cell: Callable[[Item], Cell],
    apart: Callable[[Item], object] = lambda _: None,
) -> list[tuple[Item, Item]]:
    """Pairs whose cells differ in the backend alone or in the mode alone.

    Settings after settings; of each first the backends of every mode, then the modes of every
    backend, in the usual order (``fit`` first), never in that of a figure.

    Args:
        items: What has a cell.
        cell: The cell of an item.
        apart: What else two items of a pair must have in common.
    """
    families: dict[object, list[Item]] = defaultdict(list)
    for item in items:
        families[_rest(cell(item)), apart(item)].append(item)
    made = []
    for members in families.values():
        ordered = sorted(members, key=lambda item: rung_order(cell(item)))
        both = list(itertools.combinations(ordered, 2))
        made += [(a, b) for a, b in both if differ_in(cell(a), cell(b)) == ("backend",)]
        of_modes = [(a, b) for a, b in both if differ_in(cell(a), cell(b)) == ("mode",)]
        made += sorted(of_modes, key=lambda two: BACKENDS.index(cell(two[0]).backend))
    return made


def differ_in(first: Cell, second: Cell) -> tuple[str, ...]:
    """In which of its fields a cell is not as another one."""
    return tuple(
        name for name in Cell.__struct_fields__ if getattr(first, name) != getattr(second, name)
    )


def rung_order(cell: Cell) -> tuple[int, int]:
    """Where a cell stands among those of equal settings: by mode, then by backend."""
    return MODES.index(cell.mode), BACKENDS.index(cell.backend)


def _variants(groups: Sequence[Group]) -> list[tuple[Group, Group]]:
    """Groups of one backend and device that differ in anything else."""
    families: dict[object, list[Group]] = defaultdict(list)
    for group in groups:
        families[_place(group.row.cell), _where(group)].append(group)
    return [
        (first, second)
        for members in families.values()
        for first, second in itertools.combinations(members, 2)
        # Groups of one cell differ in package versions; no run measures both in its rounds.
        if first.row.cell != second.row.cell
    ]


def _measured_together(candidates: Iterable[tuple[Group, Group]], why: Reasons) -> list[CellPair]:
    return [
        CellPair(
            first=first.row.cell,
            second=second.row.cell,
            machine_id=first.row.machine_id,
            log_ratios=log_ratios(found),
            disturbed=found.disturbed,
            incomplete=found.incomplete,
        )
        for first, second in candidates
        if (found := shared(first, second, why)) is not None
    ]


def log_ratios(together: Shared) -> tuple[float, ...]:
    """The logarithm of the first's step time over the second's, for each common round."""
    # Rounds of several runs may have the same number, so they are counted anew.
    first_s, second_s = (
        {i: step_time_s(trials[side]) or math.nan for i, trials in enumerate(together.trials)}
        for side in (0, 1)
    )
    return pair(first_s, second_s).log_ratios


def _with_disturbed(one: CellPair, given: Verdict) -> Verdict:
    """A verdict that lacks rounds says so, if they were there and had to be left out."""
    if given.low is not None or not one.disturbed:
        return given
    left_out = "1 round is" if one.disturbed == 1 else f"{one.disturbed} rounds are"
    return msgspec.structs.replace(
        given, reason=f"{given.reason}; {left_out} left out, since a trial was disturbed"
    )


def _where(group: Group) -> tuple[object, ...]:
    """What two cells must have in common besides, for their times to be comparable."""
    row = group.row
    return row.machine_id, row.scenario_version, row.table_sha256, row.synthetic


def _place(cell: Cell) -> tuple[str, str, str]:
    """What variants of one backend have in common."""
    return cell.scenario, cell.backend, cell.device


def _rest(cell: Cell) -> bytes:
    """What a cell is asked to do, whichever backend does it in whichever mode."""
    plain = msgspec.structs.replace(cell, backend="jax", mode="fit")
    return msgspec.json.encode(plain, order="sorted")
