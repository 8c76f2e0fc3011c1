"""Where a campaign stands, and whether an adaptive one goes on: looks at records, starts nothing.

The width of the intervals decides when to stop, never where they lie (``docs/method.md``, "When it
may be called a difference", 5).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from harness.analysis.couples import couples
from harness.analysis.rows import grouped
from harness.analysis.speed import disturbed
from harness.analysis.speed.interval import MINIMUM_ROUNDS, interval
from harness.analysis.speed.pairs import PairVerdict, paired, to_compare, verdicts_within
from harness.analysis.speed.rounds_needed import MOST_ROUNDS, rounds_for_precision, spread_of
from harness.analysis.speed.verdict import STOP_FROM, judging_confidence, precise_enough
from harness.analysis.step_time import step_time_s
from harness.records.cell import Cell, Struct
from harness.records.plan import Plan, PlannedTrial
from harness.records.trial import Record, ended_as

CONFIDENCE = 0.95

SPREAD_GUESS = 0.055
"""Standard deviation of the paired log-ratios between two backends' ``fit``, from 75 processes on a
quiet machine of two cores (``docs/method.md``). It stands until the campaign has four rounds."""

SPREAD_GUESS_IN_TURNS = 0.08
"""Of the widest of three pairs whose processes take turns: 0.071 on a quiet machine and 0.087 on a
noisy one (``docs/studies/pairs-in-turns.md``)."""

GIVEN_UP_AFTER = 3
"""Rounds in a row without a measurement after which an adaptive campaign waits for a cell no more;
else a backend that cannot run would use up the whole budget."""


SLOWED_FACTOR = 4.0
"""Times the usual duration of a trial from which on it is worth nothing that it ends by itself: it
would be left out as disturbed, and four others run meanwhile. On two cores PyTorch's trials took 10
to 30 times as long beside a busy process (``docs/method.md``), undisturbed ones differ by less than
two times."""

SLOWED_LEAST_S = 10.0
"""Seconds within which no trial is ended for other work. It has little to save there, and a short
trial is late for other reasons: one of 0.1 s was, while its interpreter started."""


class CellStanding(Struct, frozen=True, kw_only=True):
    """What is known of one cell by now: ``step_time_s`` is the median, or the interval's estimate.

    ``low`` and ``high`` are the 95% interval of its step time over processes, ``None`` below four
    trials that were not disturbed. An adaptive campaign waits no more for a cell ``given_up``.
    """

    cell: Cell
    trials: int
    failed: int
    given_up: bool
    step_time_s: float | None
    low: float | None = None
    high: float | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """Where a campaign stands.

    ``half_width`` is that of the widest interval that the precision speaks of, as a share, ``None``
    until all have one. ``further_rounds`` is how many more the precision is expected to take,
    ``None`` if nobody asked for one or no number of rounds worth running will do. ``rounds`` are
    those that the pair with the fewest has, disturbed ones left out. ``disturbed``
    tells why each of the records is, in their order. ``other_work`` is the reason, if no two cells
    that were to be compared do the same work, so that no further round can tell anything.
    """

    cells: list[CellStanding]
    verdicts: list[PairVerdict]
    half_width: float | None
    precise: bool
    further_rounds: int | None
    disturbed: list[str | None]
    rounds: int = 0
    other_work: str | None = None


class Foreseen(Struct, frozen=True, kw_only=True):
    """Rounds that a precision is expected to take, and from which spread of the paired times.

    ``rounds`` is ``None`` where no precision was asked for, or none that can be reached.
    """

    rounds: int | None
    spread: float
    measured: bool


def standing(plan: Plan, records: Sequence[Record]) -> Standing:
    """Where the campaign of ``plan`` stands with ``records``, those of earlier runs included."""
    reasons = disturbed.reasons(records)
    undisturbed = _undisturbed(records)
    waited_for = [cell for cell in plan.cells if not given_up(cell, records)]
    samples = _samples(waited_for, records, undisturbed)
    count = len(samples)
    precise = (
        plan.precision is not None
        and bool(samples)
        and all(
            precise_enough(sample, plan.precision, confidence=CONFIDENCE, comparisons=count)
            for sample in samples
        )
    )
    confidence = judging_confidence(CONFIDENCE, max(1, count), sequential=plan.sequential)
    intervals = [
        interval(sample, confidence=confidence)
        for sample in samples
        if len(sample) >= MINIMUM_ROUNDS
    ]
    complete = bool(samples) and len(intervals) == count
    further = _further_rounds(
        plan,
        max(map(spread_of, intervals)) if complete else _spread_guess(plan),
        done=min(map(len, samples), default=0),
        confidence=confidence,
    )
    return Standing(
        cells=[_of_cell(cell, records, undisturbed) for cell in plan.cells],
        verdicts=verdicts_within(records, margin=plan.margin, sequential=plan.sequential),
        half_width=max(math.expm1(one.half_width) for one in intervals) if complete else None,
        precise=precise,
        further_rounds=further if precise else _at_least_one(further),
        disturbed=reasons,
        rounds=min(map(len, samples), default=0),
        other_work=_why_none_can_be_compared(waited_for, records),
    )


def why_to_stop(
    plan: Plan, now: Standing | None, *, next_round: int, round_s: float, left_s: float | None
) -> str:
    """Why no further round is begun, in words; empty if one is.

    Args:
        plan: what the campaign was asked.
        now: where it stands; ``None`` if there was no trial yet.
        next_round: the number of the round that would begin.
        round_s: seconds that it is expected to take.
        left_s: seconds of the budget that are left; ``None`` without a budget.
    """
    if plan.rounds is not None:
        return "all rounds are done" if next_round > plan.rounds else ""
    if now is None:
        return ""  # one round always runs, whatever the budget
    late = left_s is not None and round_s > left_s
    reasons = {
        "no cell could be measured": all(one.given_up for one in now.cells),
        "every interval is as narrow as asked": now.precise,
        f"no two cells can be compared, {now.other_work}": now.other_work is not None,
        # A round that is begun is finished, since half of one is of no use; so it must fit.
        "another round does not fit into the budget": late
        and not _too_few_rounds(plan, now, next_round),
        f"{MOST_ROUNDS} rounds are enough": next_round - plan.first_round >= MOST_ROUNDS,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _too_few_rounds(plan: Plan, now: Standing, next_round: int) -> bool:
    """Whether no pair can have a verdict yet, however much time is used.

    Twice the rounds that a verdict needs are the end of it: where every other one is disturbed,
    waiting for more brings none.
    """
    begun = next_round - plan.first_round
    return now.rounds < plan.least_rounds and begun < 2 * plan.least_rounds


def foreseen(plan: Plan, records: Sequence[Record]) -> Foreseen:
    """How many rounds the precision will take, from earlier records of the cells if there are.

    Rounds in turns spread otherwise than rounds in blocks, so only those that ran as these will do.
    """
    if to_compare(plan.cells):
        records = [record for record in records if record.took_turns == plan.turns]
    spreads = [
        spread_of(interval(sample))
        for sample in _samples(plan.cells, records, _undisturbed(records))
        if len(sample) >= MINIMUM_ROUNDS
    ]
    comparisons = max(1, len(to_compare(plan.cells)) or len(plan.cells))
    spread = max(spreads, default=_spread_guess(plan))
    confidence = judging_confidence(CONFIDENCE, comparisons, sequential=plan.sequential)
    return Foreseen(
        rounds=_further_rounds(plan, spread, done=0, confidence=confidence),
        spread=spread,
        measured=bool(spreads),
    )


def was_disturbed(records: Sequence[Record], trial: PlannedTrial) -> bool:
    """Whether the last record of ``trial`` is good, and yet was disturbed, or was ended for it."""
    reasons = disturbed.reasons(records)
    mine = [
        (record, why)
        for record, why in zip(records, reasons, strict=True)
        if (record.cell, record.round, record.run_id) == (trial.cell, trial.round, trial.run_id)
    ]
    if not mine or mine[-1][1] is None:
        return False
    last = mine[-1][0]
    return last.status == "ok" or ended_as(last) == "slowed"


def refused(cell: Cell, records: Iterable[Record]) -> bool:
    """Whether a trial of ``cell`` found that its mode cannot train the model: none other will."""
    return any(record.cell == cell and ended_as(record) == "refused" for record in records)


def given_up(cell: Cell, records: Sequence[Record]) -> bool:
    """Whether the last trials of ``cell`` all failed, so that no more are worth their time.

    One that was ended early for other work says nothing about the cell.
    """
    if refused(cell, records):
        return True
    mine = [r for r in records if r.cell == cell and ended_as(r) != "slowed"]
    last = mine[-GIVEN_UP_AFTER:]
    return len(last) == GIVEN_UP_AFTER and all(record.status != "ok" for record in last)


def slowed_after_s(
    cell: Cell,
    records: Sequence[Record],
    *,
    expected_s: float,
    left_s: float | None,
    sharers: int,
) -> float | None:
    """Seconds from which on a trial of ``cell`` is ended, if other work is what takes so long.

    Many times what the cell's own undisturbed trials of this campaign took. While there is none,
    the trial's fair share of the budget, so that each cell of the round gets its turn; without a
    budget nobody waits for it, and there is no such end.

    Args:
        cell: what would run.
        records: of this campaign.
        expected_s: what such a trial is guessed to take.
        left_s: seconds of the budget that are left; ``None`` without a budget.
        sharers: trials that share them.
    """
    known = [r.duration_s for r in _undisturbed(records) if r.cell == cell and r.status == "ok"]
    if known:
        return max(SLOWED_LEAST_S, SLOWED_FACTOR * statistics.median(known))
    if left_s is None:
        return None
    return max(left_s / max(1, sharers), SLOWED_FACTOR * expected_s)


def _samples(
    cells: Sequence[Cell], records: Sequence[Record], undisturbed: Sequence[Record]
) -> list[tuple[float, ...]]:
    """The samples whose intervals must be narrow: each pair's log-ratios.

    A single cell makes no pair; the precision then speaks of its own step time, as a share too.
    """
    pairs = to_compare(cells)
    if not pairs:
        return [
            tuple(
                math.log(step_s)
                for record in undisturbed
                if record.cell == cell and (step_s := step_time_s(record)) is not None
            )
            for cell in cells
        ]
    # Of a cell in several versions, the pair with most rounds speaks.
    found = {
        _both(one.first, one.second): one.log_ratios
        for one in sorted(paired(records), key=lambda one: len(one.log_ratios))
    }
    refused = _of_other_work(records)
    return [
        found.get(_both(a, b), ())
        for a, b in pairs
        if _both(a, b) in found or _both(a, b) not in refused
    ]


def _of_other_work(records: Sequence[Record]) -> dict[frozenset[str], str]:
    """Pairs of cells that did not do the same work, by their digests, and why."""
    return {
        _both(couple.first.row.cell, couple.second.row.cell): couple.why
        for couple in couples(grouped(records))
        if not couple.same_work and couple.why is not None
    }


def _why_none_can_be_compared(cells: Sequence[Cell], records: Sequence[Record]) -> str | None:
    """The reason for the first pair, if every pair of ``cells`` did other work."""
    refused = _of_other_work(records)
    compared = {_both(one.first, one.second) for one in paired(records)} if refused else set()
    pairs = [_both(a, b) for a, b in to_compare(cells)]
    if not pairs or any(pair in compared or pair not in refused for pair in pairs):
        return None
    return refused[pairs[0]]


def _both(first: Cell, second: Cell) -> frozenset[str]:
    return frozenset((first.digest, second.digest))


def _spread_guess(plan: Plan) -> float:
    return SPREAD_GUESS_IN_TURNS if plan.turns and to_compare(plan.cells) else SPREAD_GUESS


def _further_rounds(plan: Plan, spread: float, *, done: int, confidence: float) -> int | None:
    if plan.precision is None:
        return None
    needed = rounds_for_precision(spread, plan.precision, confidence=confidence)
    return None if needed is None else max(0, max(needed, STOP_FROM) - done)


def _at_least_one(rounds: int | None) -> int | None:
    """Rounds of a campaign that goes on: by its spread it may be over already, and is not."""
    return None if rounds is None else max(1, rounds)


def _undisturbed(records: Sequence[Record]) -> list[Record]:
    reasons = disturbed.reasons(records)
    return [record for record, why in zip(records, reasons, strict=True) if why is None]


def _of_cell(cell: Cell, records: Sequence[Record], undisturbed: Sequence[Record]) -> CellStanding:
    mine = [record for record in records if record.cell == cell]
    quiet = [record for record in undisturbed if record.cell == cell]
    logs = [math.log(s) for r in quiet or mine if (s := step_time_s(r)) is not None]
    plain = CellStanding(
        cell=cell,
        trials=len(mine),
        failed=sum(r.status != "ok" and ended_as(r) != "slowed" for r in mine),
        given_up=given_up(cell, records),
        step_time_s=math.exp(statistics.median(logs)) if logs else None,
    )
    if not quiet or len(logs) < MINIMUM_ROUNDS:
        return plain
    found = interval(logs, confidence=CONFIDENCE)
    return msgspec.structs.replace(
        plain,
        step_time_s=math.exp(found.estimate),
        low=math.exp(found.low),
        high=math.exp(found.high),
    )
