"""How long trials and campaigns take, told before they start and while they run."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence

from harness.analysis.speed.pairs import to_compare
from harness.backends import FACTS
from harness.records.cell import Cell, Scalar
from harness.records.plan import Plan, PlannedTrial
from harness.records.trial import Record
from harness.words import count, ranges

"""Seconds for import, build, first step and prediction: guesses, from a quiet machine of 2 cores.

They stand only until the results folder holds a record of the same cell.
"""

EPOCH_GUESS_S = 0.3
"""Seconds for an epoch that quality needs, with its evaluation: a guess for 80 steps."""


class Durations:
    """How long a trial takes: guessed for a cell until a good record of it was seen.

    A trial that takes turns with slower ones uses less of its time budget than one alone; how much
    is learned from the campaign's own trials, since it depends on the others.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._beside_timing_s: dict[str, list[float]] = {}
        self._timing_s: dict[str, float] = {}
        for record in records:
            self._learn_beside(record)

    def learn(self, record: Record) -> None:
        """Take the duration of a good trial of this campaign into account."""
        timing_s = self._learn_beside(record)
        if record.status == "ok" and record.turns is not None:
            self._timing_s[record.cell.digest] = timing_s

    def _learn_beside(self, record: Record) -> float:
        """Take the duration of a good trial into account, whatever its time budget was."""
        timing_s = sum(epoch.wall_s for epoch in record.epochs if epoch.phase == "timing")
        if record.status == "ok":
            durations = self._beside_timing_s.setdefault(record.cell.digest, [])
            durations.append(max(0.0, record.duration_s - timing_s))
        return timing_s

    def knows(self, cell: Cell) -> bool:
        """Whether the figure for ``cell`` comes from records."""
        return cell.digest in self._beside_timing_s

    def expected_s(self, cell: Cell, time_budget_s: float) -> float:
        """Seconds that one trial of ``cell`` takes, from start to end of its process."""
        if self.knows(cell):
            timing_s = self._timing_s.get(cell.digest, time_budget_s)
            return statistics.median(self._beside_timing_s[cell.digest]) + timing_s
        epochs = int(cell.settings.get("epochs", 1))
        return FACTS[cell.backend].start_up_guess_s + epochs * EPOCH_GUESS_S + time_budget_s

    def total_s(self, trials: Iterable[PlannedTrial], time_budget_s: float) -> float:
        """Seconds that all of ``trials`` take, one after the other."""
        return sum(self.expected_s(trial.cell, time_budget_s) for trial in trials)

    def round_s(self, plan: Plan) -> float:
        """Seconds that a round of ``plan`` takes."""
        return sum(self.expected_s(cell, plan.time_budget_s) for cell in plan.cells)


def expected_rounds(
    plan: Plan, round_s: float, *, next_round: int, further: int | None, left_s: float | None
) -> int:
    """Rounds yet to begin: as planned, or as precision and budget will have it.

    Args:
        plan: what to run.
        round_s: seconds that a round takes.
        next_round: the number of the first of them.
        further: rounds that the precision is expected to take; ``None`` where nobody knows.
        left_s: seconds of the budget that are left; ``None`` without a budget.
    """
    if plan.rounds is not None:
        return max(0, plan.rounds - next_round + 1)
    by_budget = None if left_s is None else int(left_s / max(round_s, 1e-9))
    limits = [rounds for rounds in (further, by_budget) if rounds is not None]
    wanted = max(0, plan.least_rounds - (next_round - plan.first_round))
    return max(min(limits, default=0), wanted if plan.least_rounds > 1 else 0)


def describe(
    plan: Plan, durations: Durations, rounds: int, gaps: Sequence[PlannedTrial] = (), why: str = ""
) -> Iterator[str]:
    """The plan in lines for a person: what, how often, and how long it will take.

    Args:
        plan: what will run.
        durations: what trials take.
        rounds: how many rounds are expected.
        gaps: trials of earlier rounds that run first.
        why: where that number of rounds comes from, in words.
    """
    matrix = plan.cells
    trials = [*gaps, *plan.trials(rounds)]
    seeds = sorted({trial.seed for trial in trials})
    about = "about " if plan.adaptive else ""
    extent = f"{about}{count(rounds, 'round')} of {count(len(matrix), 'cell')}"
    if plan.first_round > 1:
        extent = f"from round {plan.first_round} on {extent}"
        extent += f", {count(len(gaps), 'trial')} of rounds before" if gaps else ""
    if not plan.adaptive:
        extent += f" = {count(len(trials), 'trial')}"
    named = f"{'seeds' if len(seeds) > 1 else 'seed'} {ranges(seeds)}, " if seeds else ""
    yield (
        f"{matrix[0].scenario}: {extent}, {named}{plan.time_budget_s:g} s of timed training in each"
    )
    changing = _changing_settings(matrix)
    for cell in matrix:
        details = [f"init {cell.init}"]
        details += [] if cell.threads is None else [count(cell.threads, "thread")]
        details += [f"{name}={cell.settings[name]}" for name in changing]
        yield f"  {cell.label} ({', '.join(details)})"
    if plan.adaptive:
        yield f"{stopping(plan)}{f' ({why})' if why else ''}"
    total_s = durations.total_s(trials, plan.time_budget_s)
    known = sum(durations.knows(cell) for cell in matrix)
    basis = {0: "a guess", len(matrix): "from earlier records"}.get(
        known, f"from earlier records for {known} of {len(matrix)} cells, guessed for the rest"
    )
    yield f"about {spell_duration(total_s)} ({basis})"


def told_apart(cell: Cell, matrix: Sequence[Cell]) -> str:
    """The cell with what tells it from the others there: ``jax cpu fit batch_size=4096``."""
    words = [cell.label]
    if len({other.threads for other in matrix}) > 1:
        words.append("threads=auto" if cell.threads is None else count(cell.threads, "thread"))
    words += [f"{name}={cell.settings[name]}" for name in _changing_settings(matrix)]
    return " ".join(words)


def stopping(plan: Plan) -> str:
    """When an adaptive campaign ends, in words."""
    words = []
    if plan.precision is not None:
        what = "variants"
        if len({cell.name for cell in plan.cells}) > 1:
            what = "environments"
        if len({cell.backend for cell in plan.cells}) > 1:
            what = "backends"
        of = f"the ratio of every pair of {what}"
        if not to_compare(plan.cells):
            of = "each step time"
        words.append(f"until {of} is known to ±{plan.precision * 100:g}%")
    if plan.budget_s is not None:
        words.append(f"at most {spell_duration(plan.budget_s)} in all")
    if plan.least_rounds > 1:
        words.append(f"at least {plan.least_rounds} rounds")
    return ", ".join(words)


def spell_duration(seconds: float) -> str:
    """Seconds as a person says them: ``45 s``, ``2 min 30 s``, ``1 h 05 min``."""
    whole = round(max(0.0, seconds))
    hours, minutes = divmod(whole // 60, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    if minutes:
        return f"{minutes} min {whole % 60:02} s"
    return f"{whole} s"


def _changing_settings(matrix: Sequence[Cell]) -> list[str]:
    """Settings in which cells differ; the others need no mention on every line."""
    values: dict[str, set[Scalar]] = {}
    for cell in matrix:
        for name, value in cell.settings.items():
            values.setdefault(name, set()).add(value)
    return [name for name, seen in values.items() if len(seen) > 1]
