"""Goes through a plan: launch trials, keep their records, go on, whatever became of them.

Trials of a round are launched together where the plan says that they take turns, as many as fit
into memory, else one at a time. Either way each leaves a record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.launch.campaign import steering
from harness.launch.campaign.contracts import Launcher, Observer, Outcome
from harness.launch.campaign.forecast import Durations, expected_rounds
from harness.launch.campaign.prober import Prober, Rater, probed
from harness.launch.campaign.room import Room
from harness.launch.campaign.steering import given_up, standing, was_disturbed, why_to_stop
from harness.launch.child import TaskInterrupted
from harness.launch.interrupts import interruptible, uninterrupted
from harness.records.machine import Rates
from harness.records.plan import Plan, PlannedTrial
from harness.records.trial import Provenance, Record, Trial
from harness.store import folder as store
from harness.store.folder import Saved

REPEATED_SHARE = 0.25
"""At most so many of the trials are repeated: a machine that disturbs more than every fourth is no
place to measure on, and repeating all would take twice the time to find that out."""


def run_campaign(
    plan: Plan,
    launcher: Launcher,
    root: Path,
    observer: Observer,
    *,
    durations: Durations,
    table: Path | None,
    harness: Provenance,
    present: Sequence[Record] = (),
    gaps: Sequence[Sequence[PlannedTrial]] = (),
    speed_probe: Callable[[], float] | None = None,
    rates: Callable[[int | None], Rates] | None = None,
    clock: Callable[[], float] = time.monotonic,
    started_s: float | None = None,
    campaign: str | None = None,
) -> Outcome:
    """Run the rounds of ``plan`` and store a record of every trial below ``root``.

    Args:
        plan: what to run, and when to stop.
        launcher: runs one trial.
        root: the campaign's folder; its name is the campaign's.
        observer: is told before and after each trial.
        durations: what trials take, for the time left; learns from each record.
        table: the prepared rating table, if the scenario reads it.
        harness: which harness measures.
        present: records of earlier runs that count, where the campaign is gone on with.
        gaps: what is missing in rounds that earlier runs began, to run first.
        speed_probe: does a fixed piece of work and tells the seconds it took.
        rates: tells the machine's rates with so many threads, once in each round.
        clock: tells the time in seconds.
        started_s: when the command was given, by ``clock``, which the budget counts from.
        campaign: what the records name their campaign, where that is not the name of ``root``.
    """
    started_s = clock() if started_s is None else started_s
    tools = _Tools(
        launcher=launcher,
        observer=observer,
        durations=durations,
        prober=Prober(speed_probe, clock),
        rater=Rater(rates),
        clock=clock,
    )
    template = Trial(
        cell=plan.cells[0],
        seed=0,
        repetition=0,
        campaign=campaign or root.resolve().name,
        round=0,
        time_budget_s=plan.time_budget_s,
        table=None if table is None else str(table),
        harness=harness,
        shared=str(store.initial_folder(root)),
    )
    return _Campaign(
        plan, root, tools, template=template, records=list(present), started_s=started_s
    ).carry_out(gaps)


@dataclass(frozen=True)
class _Tools:
    """What a campaign works with; tests give fakes."""

    launcher: Launcher
    observer: Observer
    durations: Durations
    prober: Prober
    rater: Rater
    clock: Callable[[], float]


class _Campaign:
    """The state of a running campaign."""

    def __init__(
        self,
        plan: Plan,
        root: Path,
        tools: _Tools,
        *,
        template: Trial,
        records: list[Record],
        started_s: float,
    ) -> None:
        self._plan = plan
        self._root = root
        self._tools = tools
        self._template = template
        self._records = records
        self._started_s = started_s
        self._standing = standing(plan, records) if records else None
        self._next_round = plan.first_round
        self._room = Room(records)
        self._pending: list[PlannedTrial] = []  # of the round under way, or of the gaps
        self._saved: list[Saved] = []
        self._lost: list[str] = []
        self._repeated = 0
        self._left_out = 0

    def carry_out(self, gaps: Sequence[Sequence[PlannedTrial]]) -> Outcome:
        """Fill the gaps, then run round after round until there is a reason to stop."""
        planned = sum(map(len, gaps)) + self._rounds_to_come() * len(self._plan.cells)
        interrupted = False
        try:
            for trials in gaps:
                self._run_round(trials)
            while not (ended := self._why_to_stop()):
                self._next_round += 1
                self._run_round(self._plan.round(self._next_round - 1))
        except KeyboardInterrupt:
            interrupted, ended = True, "it was interrupted"
        further = self._repeated - self._left_out
        return Outcome(
            saved=self._saved,
            interrupted=interrupted,
            lost=self._lost,
            planned=len(self._saved) if self._plan.adaptive else planned + further,
            repeated=self._repeated,
            ended=ended,
            standing=self._standing,
            wall_s=self._tools.clock() - self._started_s,
        )

    def _run_round(self, trials: Sequence[PlannedTrial]) -> None:
        without = given_up if self._plan.adaptive else steering.refused
        asked = len(trials)
        trials = [trial for trial in trials if not without(trial.cell, self._records)]
        self._left_out += asked - len(trials)
        self._tools.rater.begin_round(trial.cell for trial in trials)
        self._pending = list(trials)
        groups = []
        while self._pending:
            groups.append(self._run_some(self._pending))
        if remark := self._room.remark(groups):
            self._tools.observer.remark(remark)
        # Right after the round, so that a repeat stands beside the trials it is paired with: those
        # that took turns are repeated together.
        for group in groups:
            if self._is_to_repeat(group):
                self._repeated += len(group)
                self._run_some(group)

    def _is_to_repeat(self, group: Sequence[PlannedTrial]) -> bool:
        """Whether one of some trials was disturbed, and there is room to repeat them.

        By the noise beside it alone (:mod:`harness.analysis.speed.disturbed`): repeating what came
        out slow would favour whoever is lucky.
        """
        planned = len(self._saved) - self._repeated
        expected_s = self._tools.durations.total_s(group, self._plan.time_budget_s)
        left_s = self._left_of_budget_s()
        return (
            self._repeated + len(group) <= REPEATED_SHARE * planned
            and (left_s is None or expected_s <= left_s)
            and any(was_disturbed(self._records, trial) for trial in group)
        )

    @uninterrupted()  # but for trials and probes: what was measured is kept first
    def _run_some(self, asked: Sequence[PlannedTrial]) -> list[PlannedTrial]:
        """Run the first of ``asked``, one or as many as take turns; returns which that were."""
        asked = list(asked if self._plan.turns else asked[:1])
        total, left_s = self._forecast(self._pending or asked)
        number = len(self._saved) + 1
        self._tools.observer.starting(asked, number=number, total=total, left_s=left_s)
        with interruptible():
            before_s = self._tools.prober.before_s()
        interruption: KeyboardInterrupt | None = None
        try:
            records = self._launch([self._task(planned) for planned in asked])
        except TaskInterrupted as stopped:
            records, interruption = list(stopped.records), stopped
        after_s = None
        try:
            if interruption is None:
                with interruptible():
                    after_s = self._tools.prober.after_s()
        except KeyboardInterrupt as stopped:
            interruption = stopped
        finally:  # whatever becomes of the probe, the trials were measured
            for planned, record in zip(asked, records, strict=False):
                known = probed(record, self._tools.rater, before_s=before_s, after_s=after_s)
                self._take_in(planned, msgspec.structs.replace(known, run_id=planned.run_id))
        if interruption is not None:
            raise interruption
        return asked[: len(records)]

    def _launch(self, tasks: Sequence[Trial]) -> list[Record]:
        if len(tasks) == 1:
            return [self._tools.launcher.run(tasks[0])]
        return self._tools.launcher.run_in_turns(tasks, self._room)

    def _task(self, planned: PlannedTrial) -> Trial:
        return msgspec.structs.replace(
            self._template,
            cell=planned.cell,
            seed=planned.seed,
            repetition=store.next_repetition(self._root, planned.cell, planned.seed),
            round=planned.round,
            run_id=planned.run_id,
            slowed_after_s=self._slowed_after_s(planned),
        )

    def _take_in(self, planned: PlannedTrial, record: Record) -> None:
        """Keep a record, and learn from it."""
        self._pending = [trial for trial in self._pending if trial is not planned]
        saved = self._keep(record)
        self._tools.durations.learn(saved.record)
        self._room.learn(saved.record)
        self._records.append(saved.record)
        self._saved.append(saved)
        self._standing = standing(self._plan, self._records)
        total, left_s = self._forecast(self._pending)
        self._tools.observer.finished(
            saved, number=len(self._saved), total=total, left_s=left_s, standing=self._standing
        )

    def _slowed_after_s(self, planned: PlannedTrial) -> float | None:
        return steering.slowed_after_s(
            planned.cell,
            self._records,
            expected_s=self._tools.durations.expected_s(planned.cell, self._plan.time_budget_s),
            left_s=self._left_of_budget_s(),
            sharers=max(len(self._pending), len(self._plan.cells)),
        )

    def _left_of_budget_s(self) -> float | None:
        budget_s = self._plan.budget_s
        return None if budget_s is None else self._started_s + budget_s - self._tools.clock()

    def _why_to_stop(self) -> str:
        return why_to_stop(
            self._plan,
            self._standing,
            next_round=self._next_round,
            round_s=self._tools.durations.round_s(self._plan),
            left_s=self._left_of_budget_s(),
        )

    def _rounds_to_come(self, *, within_one: bool = False) -> int:
        if self._plan.adaptive and self._standing is not None and self._why_to_stop():
            return 0
        further = None if self._standing is None else self._standing.further_rounds
        if further is not None and within_one:
            further -= 1  # the round under way is one of them
        return expected_rounds(
            self._plan,
            self._tools.durations.round_s(self._plan),
            next_round=self._next_round,
            further=further,
            left_s=self._left_of_budget_s(),
        )

    def _forecast(self, of_round: Sequence[PlannedTrial]) -> tuple[int, float]:
        """The number of all trials, and the seconds that those from ``of_round`` on take."""
        durations, plan = self._tools.durations, self._plan
        rounds = self._rounds_to_come(within_one=bool(of_round))
        left_s = durations.total_s(of_round, plan.time_budget_s) + rounds * durations.round_s(plan)
        return len(self._saved) + len(of_round) + rounds * len(plan.cells), left_s

    def _keep(self, record: Record) -> Saved:
        """Save ``record``; where even the last refuge fails, the table at the end shows it."""
        try:
            return store.save(self._root, record)
        except OSError as error:
            self._lost.append(str(error))
            return Saved(path=Path(), record=record, trouble=str(error))
