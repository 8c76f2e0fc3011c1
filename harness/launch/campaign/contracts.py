"""What a campaign asks of those it works with, and what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from harness.launch.campaign.room import Room
from harness.launch.campaign.steering import Standing
from harness.records.cell import Struct
from harness.records.plan import PlannedTrial
from harness.records.preflight import Refusal
from harness.records.trial import Record, Trial
from harness.store.folder import Saved


class Launcher(Protocol):
    """Runs trials somewhere: as a child process here, or on a cluster."""

    def run(self, trial: Trial) -> Record:
        """Measure ``trial``; a failure of the trial is a record too.

        Raises:
            TaskInterrupted: on Ctrl-C, with the record of the trial that was ended.
        """

    def run_in_turns(self, trials: Sequence[Trial], room: Room) -> list[Record]:
        """Measure the first of ``trials`` in turns, as many as ``room`` has beside each other.

        Returns:
            Their records, in their order; at least one.

        Raises:
            TaskInterrupted: on Ctrl-C, with the records of the trials that had been started.
        """


class Observer(Protocol):
    """Is told how a campaign goes, to show it to a person.

    ``total`` is the number of trials, an estimate where the campaign is adaptive.
    """

    def starting(
        self, trials: Sequence[PlannedTrial], *, number: int, total: int, left_s: float
    ) -> None:
        """Trial ``number`` of ``total`` starts; all that are left take about ``left_s`` seconds.

        Those that are to take turns with it are the further ``trials``.
        """

    def remark(self, line: str) -> None:
        """Something about the campaign, in words."""

    def finished(
        self, saved: Saved, *, number: int, total: int, left_s: float, standing: Standing
    ) -> None:
        """A trial has ended and was kept; those that follow take about ``left_s`` seconds."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What a campaign left: the records in order, and how it ended.

    ``planned`` is the number of trials that were to run, repeats included. ``lost`` tells of
    records that could be kept nowhere; they are in ``saved`` all the same. ``ended`` says in words
    why an adaptive campaign stopped. ``standing`` is the last one, with the records of the runs
    that it went on with; ``None`` if there was no trial. ``wall_s`` is the time since the command
    was given. ``refused`` are the cells that were asked for and left out before it began.
    ``slots`` is how many measured at once.
    """

    saved: list[Saved]
    interrupted: bool
    lost: list[str]
    planned: int
    repeated: int
    ended: str
    standing: Standing | None
    wall_s: float
    refused: Sequence[Refusal] = ()
    slots: int = 1
