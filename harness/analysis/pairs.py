"""From records to verdicts between the backends of one machine: pair by round, then judge.

Shared by the end of ``harness run``, by ``harness report`` and by ``harness compare``. Two cells
make a pair if they differ in the backend alone and were measured in the same rounds of one run on
one machine. Where no two backends were, the variants of one backend are the pairs (``--set
optimizer=adagrad,adam``, or one thing under two names). Cells of different machines, or measured
one after the other, are never paired: between them lies whatever else changed.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from harness.analysis import comparability, disturbed
from harness.analysis.interval import pair
from harness.analysis.notes import started
from harness.analysis.rows import Group, grouped
from harness.analysis.steps import step_time_s
from harness.analysis.verdict import MARGIN, Verdict, verdict
from harness.plan import Plan
from harness.record import Cell, Record, Struct

RoundKey = tuple[str, int]
"""A run (its ``run_id``, or the campaign's name in records that have none) and a round in it."""


class CellPair(Struct, frozen=True, kw_only=True):
    """Two cells, most often of two backends, with what their common rounds say.

    ``log_ratios`` are ``log(first / second)`` of step time, one for each round in which both have a
    trial that was not disturbed. ``disturbed`` counts rounds that are left out since one of the two
    has only disturbed trials in it, ``incomplete`` those in which only one was measured.
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
    why = dict(zip(map(id, records), disturbed.reasons(records), strict=True))
    groups = grouped(records)
    by_backend = _paired_within(groups, lambda group: (_work(group.row.cell), *_where(group)), why)
    if by_backend:
        return by_backend
    return _paired_within(groups, lambda group: (_place(group.row.cell), *_where(group)), why)


def _paired_within(
    groups: Sequence[Group], family: Callable[[Group], object], why: Mapping[int, str | None]
) -> list[CellPair]:
    families: dict[object, list[Group]] = defaultdict(list)
    for group in groups:
        families[family(group)].append(group)
    made = [
        _pair(first, second, why)
        for members in families.values()
        for first, second in itertools.combinations(members, 2)
        # Groups of one cell differ in package versions; no run measures both in its rounds.
        if first.row.cell != second.row.cell
    ]
    return [one for one in made if one is not None]


def to_compare(cells: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    """The pairs that a campaign of ``cells`` will be judged on."""
    couples = list(itertools.combinations(cells, 2))
    by_backend = [(a, b) for a, b in couples if a.backend != b.backend and _work(a) == _work(b)]
    return by_backend or [(a, b) for a, b in couples if _place(a) == _place(b)]


def round_key(record: Record) -> RoundKey:
    """Which round of which run a record belongs to."""
    return record.run_id or f"campaign {record.campaign}", record.round


def _with_disturbed(one: CellPair, given: Verdict) -> Verdict:
    """A verdict that lacks rounds says so, if they were there and had to be left out."""
    if given.low is not None or not one.disturbed:
        return given
    left_out = "1 round is" if one.disturbed == 1 else f"{one.disturbed} rounds are"
    return msgspec.structs.replace(
        given, reason=f"{given.reason}; {left_out} left out, since a trial was disturbed"
    )


def _pair(first: Group, second: Group, why: Mapping[int, str | None]) -> CellPair | None:
    ours, theirs = _by_round(first), _by_round(second)
    if not comparability.interleaved(first, second):
        # A run's id proves that a round was interleaved; the number of a round alone does not.
        ours, theirs = _proven(ours), _proven(theirs)
    common = sorted(ours.keys() & theirs.keys())
    if not common:
        return None
    # Rounds of several runs may have the same number, so they are counted anew.
    number = {key: i for i, key in enumerate(common, start=1)}
    first_s, second_s = (
        {
            number[key]: step_s
            for key, trials in side.items()
            if key in number and (step_s := _undisturbed_step_time_s(trials, why)) is not None
        }
        for side in (ours, theirs)
    )
    made = pair(first_s, second_s)
    return CellPair(
        first=first.row.cell,
        second=second.row.cell,
        machine_id=first.row.machine_id,
        log_ratios=made.log_ratios,
        disturbed=len(common) - len(made.rounds),
        incomplete=len(ours.keys() ^ theirs.keys()),
    )


def _by_round(group: Group) -> dict[RoundKey, list[Record]]:
    """The good trials of each round, the earliest first."""
    rounds: dict[RoundKey, list[Record]] = defaultdict(list)
    for record in sorted(group.trials, key=started):
        if step_time_s(record) is not None and record.status == "ok":
            rounds[round_key(record)].append(record)
    return rounds


def _proven(rounds: Mapping[RoundKey, list[Record]]) -> dict[RoundKey, list[Record]]:
    return {key: trials for key, trials in rounds.items() if trials[0].run_id is not None}


def _undisturbed_step_time_s(
    trials: Sequence[Record], why: Mapping[int, str | None]
) -> float | None:
    """That of the latest trial which was not disturbed: a repeat replaces what it repeats."""
    quiet = [record for record in trials if why[id(record)] is None]
    return step_time_s(quiet[-1]) if quiet else None


def _where(group: Group) -> tuple[object, ...]:
    """What two cells must have in common besides, for their times to be comparable."""
    row = group.row
    return row.machine_id, row.scenario_version, row.table_sha256, row.synthetic


def _place(cell: Cell) -> tuple[str, str, str]:
    """What variants of one backend have in common."""
    return cell.scenario, cell.backend, cell.device


def _work(cell: Cell) -> bytes:
    """What a cell is asked to do, whichever backend does it."""
    return msgspec.json.encode(msgspec.structs.replace(cell, backend="jax"), order="sorted")
