"""Goes through a plan: launch a trial, keep its record, go on, whatever became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from harness import store
from harness.launch.interrupts import uninterrupted
from harness.launch.local import TrialInterrupted
from harness.plan import Durations, Plan, PlannedTrial
from harness.record import Provenance, Record, Struct, Trial
from harness.store import Saved


class Launcher(Protocol):
    """Runs trials somewhere: as a child process here, or on a cluster."""

    def run(self, trial: Trial) -> Record:
        """Measure ``trial``; a failure of the trial is a record too.

        Raises:
            TrialInterrupted: on Ctrl-C, with the record of the trial that was ended.
        """


class Observer(Protocol):
    """Is told how a campaign goes, to show it to a person."""

    def starting(self, trial: PlannedTrial, *, number: int, total: int, left_s: float) -> None:
        """Trial ``number`` of ``total`` starts; all that are left take about ``left_s`` seconds."""

    def finished(self, saved: Saved, *, number: int, total: int, left_s: float) -> None:
        """A trial has ended, and its record was kept; those that follow take about ``left_s``."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What a campaign left: the records in order, and whether Ctrl-C ended it.

    ``lost`` tells of records that could be kept nowhere; they are in ``saved`` all the same.
    """

    saved: list[Saved]
    interrupted: bool
    lost: list[str]


def run_campaign(
    plan: Plan,
    launcher: Launcher,
    root: Path,
    observer: Observer,
    *,
    durations: Durations,
    table: Path | None,
    harness: Provenance,
) -> Outcome:
    """Run every trial of ``plan`` and store its record below ``root``.

    Args:
        plan: what to run, in this order.
        launcher: runs one trial.
        root: the campaign's folder; its name is the campaign's.
        observer: is told before and after each trial.
        durations: what trials take, for the time left; learns from each record.
        table: the prepared rating table, if the scenario reads it.
        harness: which harness measures.
    """
    trials = plan.trials
    saved: list[Saved] = []
    lost: list[str] = []
    interrupted = False
    for number, planned in enumerate(trials, start=1):
        try:
            left_s = durations.total_s(trials[number - 1 :], plan.time_budget_s)
            observer.starting(planned, number=number, total=len(trials), left_s=left_s)
            record = launcher.run(
                Trial(
                    cell=planned.cell,
                    seed=planned.seed,
                    repetition=store.next_repetition(root, planned.cell, planned.seed),
                    campaign=root.resolve().name,
                    round=planned.round,
                    time_budget_s=plan.time_budget_s,
                    table=None if table is None else str(table),
                    launched_at_ns=0,  # the launcher sets it when it starts the process
                    harness=harness,
                )
            )
        except TrialInterrupted as interruption:
            record = interruption.record
            interrupted = True
        except KeyboardInterrupt:  # between two trials
            interrupted = True
            break
        try:
            with uninterrupted():
                durations.learn(record)
                saved.append(_keep(root, record, lost))
                left_s = durations.total_s(trials[number:], plan.time_budget_s)
                observer.finished(saved[-1], number=number, total=len(trials), left_s=left_s)
        except KeyboardInterrupt:
            interrupted = True
        if interrupted:
            break
    return Outcome(saved=saved, interrupted=interrupted, lost=lost)


def _keep(root: Path, record: Record, lost: list[str]) -> Saved:
    """Save ``record``; where even the last refuge fails, the table at the end still shows it."""
    try:
        return store.save(root, record)
    except OSError as error:
        lost.append(str(error))
        return Saved(path=Path(), record=record, trouble=str(error))
