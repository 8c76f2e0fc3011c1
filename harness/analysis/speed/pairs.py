"""From records to verdicts between the cells of one machine: pair by round, then judge.

What a single round says of two cells is told in :mod:`harness.analysis.speed.turns`.

Shared by the end of ``harness run`` and by ``harness report``. What may make a pair is decided in
:mod:`harness.analysis.couples`; here it must also have been measured in the same rounds of one run.
Where there is no such pair, the variants of one backend are the pairs (``--set
optimizer=adagrad,adam``, or one thing under two names). Cells of different machines, or measured
one after the other, are never paired: between them lies whatever else changed.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from harness.analysis.couples import couples
from harness.analysis.rows import Group, grouped
from harness.analysis.speed import disturbed
from harness.analysis.speed.turns import (
    CPU,
    WALL,
    PerStep,
    log_ratio,
    paired_by_turn,
    took_turns,
)
from harness.analysis.speed.verdict import MARGIN, Verdict, verdict
from harness.analysis.step_time import step_time_s
from harness.analysis.work import alike_but_one, started, whatever_the_settings
from harness.records.cell import Cell, Struct
from harness.records.plan import Plan
from harness.records.trial import Record

RoundKey = tuple[str, int]
"""A run (its ``run_id``, or the campaign's name in records that have none) and a round in it."""

Reasons = Mapping[int, str | None]
"""Why each record was disturbed, by the identity (``id``) of the record; ``None`` if it was not."""


class Shared(Struct, frozen=True, kw_only=True):
    """What two cells have in common.

    ``trials`` are pairs of undisturbed trials, the first cell's and the second's, in the order of
    their rounds; where a round has several, two that took turns with one another. ``disturbed``
    counts common rounds that are left out since one of the two has only disturbed trials in it,
    ``incomplete`` rounds in which only one of them was measured.
    """

    trials: tuple[tuple[Record, Record], ...]
    disturbed: int
    incomplete: int


class CellPair(Struct, frozen=True, kw_only=True):
    """Two cells, most often of two backends or two modes, with what their common rounds say.

    ``first_apart`` and ``second_apart`` are those of their rows
    (:class:`harness.analysis.rows.Row`). ``log_ratios`` are ``log(first / second)`` of step time,
    one for each round in which both have a trial that was not disturbed; ``cpu_log_ratios`` those
    of CPU time per step, for rounds in which both records tell it. ``disturbed`` and ``incomplete``
    count rounds that are left out (:class:`Shared`), ``in_turns`` those that were compared turn by
    turn, so that their ratio is not that of two step times.
    """

    first: Cell
    second: Cell
    machine_id: str | None
    log_ratios: tuple[float, ...]
    disturbed: int
    incomplete: int
    first_apart: dict[str, str]
    second_apart: dict[str, str]
    cpu_log_ratios: tuple[float, ...] = ()
    in_turns: int = 0


class Judging(Struct, frozen=True, kw_only=True):
    """The margin, as a share, and whether a campaign might have stopped at a precision."""

    margin: float
    sequential: bool


class PairVerdict(Struct, frozen=True, kw_only=True):
    """A :class:`CellPair` and the verdict on it, whose ratio is the first over the second.

    ``cpu`` is a second verdict, on CPU time per step, never in place of the first: wall time is
    what a reader waits for, CPU time is what other programs disturb less. ``None`` where the
    records do not tell it.
    """

    pair: CellPair
    verdict: Verdict
    cpu: Verdict | None = None


def verdicts_within(
    records: Iterable[Record],
    *,
    margin: float = MARGIN,
    confidence: float = 0.95,
    sequential: bool = False,
) -> list[PairVerdict]:
    """The verdicts on every pair of cells that were interleaved, in the order of the rows.

    All pairs of a machine are one family (``docs/method.md``): each interval holds at the
    confidence that makes all of them hold at ``confidence``.

    Args:
        records: any records, good and failed, of one or several machines.
        margin: smallest difference that matters, as a share.
        confidence: of all intervals of a machine together.
        sequential: whether a campaign that left some of the records might have stopped at a
            precision; its plan tells (:func:`judging`).
    """
    records = list(records)
    found = pairs_of(grouped(records), reasons_by_id(records))
    return judged(
        [pair for _, _, pair in found], margin=margin, confidence=confidence, sequential=sequential
    )


def judged(
    pairs: Sequence[CellPair],
    *,
    margin: float = MARGIN,
    confidence: float = 0.95,
    sequential: bool = False,
) -> list[PairVerdict]:
    """The verdict on each of ``pairs``; those of one machine make a family.

    What a machine says by itself does not hang on how many others were measured. The verdicts on
    CPU time are families of their own. See :func:`verdicts_within`.
    """
    size = Counter(one.machine_id for one in pairs)
    with_cpu = Counter(one.machine_id for one in pairs if one.cpu_log_ratios)

    def of(ratios: Sequence[float], comparisons: int) -> Verdict:
        return verdict(
            ratios,
            margin=margin,
            confidence=confidence,
            comparisons=comparisons,
            sequential=sequential,
        )

    return [
        PairVerdict(
            pair=one,
            verdict=_with_disturbed(one, of(one.log_ratios, size[one.machine_id])),
            cpu=of(one.cpu_log_ratios, with_cpu[one.machine_id]) if one.cpu_log_ratios else None,
        )
        for one in pairs
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
    return [pair for _, _, pair in pairs_of(grouped(records), reasons_by_id(records))]


def pairs_of(groups: Sequence[Group], why: Reasons) -> list[tuple[Group, Group, CellPair]]:
    """All pairs of ``groups`` that have at least one round in common.

    Args:
        groups: What may be pooled, put together.
        why: What disturbed each record.
    """
    alike = [(couple.first, couple.second) for couple in couples(groups) if couple.why is None]
    return measured_together(alike, why) or measured_together(_variants(groups), why)


def to_compare(cells: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    """The pairs that a campaign of ``cells`` will be judged on."""
    return alike_but_one(cells) or [
        (a, b) for a, b in itertools.combinations(cells, 2) if _place(a) == _place(b)
    ]


def _variants(groups: Sequence[Group]) -> list[tuple[Group, Group]]:
    """Groups of one backend and device that differ in anything else that was asked."""
    families: Mapping[object, list[Group]] = defaultdict(list)
    for group in groups:
        row = group.row
        work = whatever_the_settings(row.work)
        families[_place(row.cell), row.machine_id, work].append(group)
    return [
        (first, second)
        for members in families.values()
        for first, second in itertools.combinations(members, 2)
        if first.row.cell != second.row.cell
        # What the settings do not explain is other work, here as everywhere.
        and (
            first.row.cell.settings != second.row.cell.settings or first.row.work == second.row.work
        )
    ]


def measured_together(
    candidates: Iterable[tuple[Group, Group]], why: Reasons
) -> list[tuple[Group, Group, CellPair]]:
    """Those of the candidates that have at least one round in common, with what it says."""
    return [
        (
            first,
            second,
            CellPair(
                first=first.row.cell,
                second=second.row.cell,
                machine_id=first.row.machine_id,
                log_ratios=log_ratios(found),
                disturbed=found.disturbed,
                incomplete=found.incomplete,
                first_apart=first.row.apart,
                second_apart=second.row.apart,
                cpu_log_ratios=log_ratios(found, CPU),
                in_turns=sum(paired_by_turn(*trials) for trials in found.trials),
            ),
        )
        for first, second in candidates
        if (found := shared(first, second, why)) is not None
    ]


def reasons_by_id(records: Sequence[Record]) -> Reasons:
    """Why each of ``records`` was disturbed; they are judged together.

    A failed trial is in no figure, so none is called disturbed, and what is typical of a run is
    told by its good trials alone.
    """
    good = [record for record in records if record.status == "ok"]
    found: dict[int, str | None] = dict.fromkeys(map(id, records))
    return found | dict(zip(map(id, good), disturbed.reasons(good), strict=True))


def shared(first: Group, second: Group, why: Reasons) -> Shared | None:
    """The common rounds of two cells of one machine; ``None`` if there are none."""
    ours, theirs = by_round(first), by_round(second)
    if not interleaved(first, second):
        # A run's id proves that a round was interleaved; the number of a round alone does not.
        ours, theirs = _proven(ours), _proven(theirs)
    common = sorted(ours.keys() & theirs.keys())
    if not common:
        return None
    both = (_of_round(ours[key], theirs[key], why) for key in common)
    trials = tuple(two for two in both if two is not None)
    return Shared(
        trials=trials,
        disturbed=len(common) - len(trials),
        incomplete=len(ours.keys() ^ theirs.keys()),
    )


def each_round(group: Group, why: Reasons) -> list[Record]:
    """One trial of a cell for each round that has an undisturbed one, in the order of rounds."""
    rounds = by_round(group)
    found = (undisturbed(rounds[key], why) for key in sorted(rounds))
    return [record for record in found if record is not None]


def by_round(group: Group) -> dict[RoundKey, list[Record]]:
    """The good trials of each round, the earliest first."""
    rounds: dict[RoundKey, list[Record]] = defaultdict(list)
    for record in sorted(group.trials, key=started):
        if step_time_s(record) is not None:
            rounds[round_key(record)].append(record)
    return rounds


def round_key(record: Record) -> RoundKey:
    """Which round of which run a record belongs to."""
    return record.run_id or f"campaign {record.campaign}", record.round


def undisturbed(trials: Iterable[Record], why: Reasons) -> Record | None:
    """The latest trial which was not disturbed: a repeat replaces what it repeats."""
    quiet = [record for record in trials if why[id(record)] is None]
    return quiet[-1] if quiet else None


def _of_round(
    ours: Sequence[Record], theirs: Sequence[Record], why: Reasons
) -> tuple[Record, Record] | None:
    """The trials of a round that are paired: the latest undisturbed ones, best in turns."""
    quiet = [[record for record in trials if why[id(record)] is None] for trials in (ours, theirs)]
    both = [(one, other) for one in quiet[0] for other in quiet[1]]
    return next((two for two in reversed(both) if took_turns(*two)), both[-1] if both else None)


def _proven(rounds: Mapping[RoundKey, list[Record]]) -> dict[RoundKey, list[Record]]:
    return {key: trials for key, trials in rounds.items() if trials[0].run_id is not None}


def interleaved(a: Group, b: Group) -> bool:
    """Whether at least three quarters of the trials of two cells stand beside one of the other's.

    Where all records have a ``run_id``, that is told by the rounds that both have in common.
    Older ones have only the campaign's name and the round, which prove nothing: three tox
    environments that each run their three rounds into one folder give them the same. There, beside
    means: of the same campaign and round, with no other trial of the two cells between, and a
    single round interleaves nothing.

    Asked is about good trials alone. That a neighbour failed takes nothing away from the round that
    it ran in, so where rounds prove something, failed ones count as neighbours.
    """
    if all(record.run_id is not None for group in (a, b) for record in group.good):
        good = [{(r.run_id, r.round) for r in group.good} for group in (a, b)]
        tried = [{(r.run_id, r.round) for r in group.trials} for group in (a, b)]
        beside = (good[0] & tried[1], good[1] & tried[0])
        return all(4 * len(mine) >= 3 * len(own) for mine, own in zip(beside, good, strict=True))
    trials = sorted(
        (started(record), i, (record.campaign, record.round))
        for i, group in enumerate((a, b))
        for record in group.good
    )
    pairs = sum(
        one_round == next_round and one != other
        for (_, one, one_round), (_, other, next_round) in itertools.pairwise(trials)
    )
    # Not all, since a trial may be lost; not half, or three rounds would excuse three in a block.
    return pairs > 1 and 8 * pairs >= 3 * len(trials)


def log_ratios(together: Shared, of: PerStep = WALL) -> tuple[float, ...]:
    """What each common round says of the first cell over the second, as a logarithm.

    Args:
        together: what two cells have in common.
        of: what is compared; rounds in which a record does not tell it are left out.
    """
    found = (log_ratio(ours, theirs, of) for ours, theirs in together.trials)
    return tuple(each for each in found if each is not None)


def _with_disturbed(one: CellPair, given: Verdict) -> Verdict:
    """A verdict that lacks rounds says so, if they were there and had to be left out."""
    if given.low is not None or not one.disturbed:
        return given
    left_out = "1 round is" if one.disturbed == 1 else f"{one.disturbed} rounds are"
    return msgspec.structs.replace(
        given, reason=f"{given.reason}; {left_out} left out, since a trial was disturbed"
    )


def _place(cell: Cell) -> tuple[str, str, str]:
    """What variants of one backend have in common."""
    return cell.scenario, cell.backend, cell.device
