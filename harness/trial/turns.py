"""The child's half of taking turns: between two epochs it waits until the launcher grants the next.

Training is not touched: a process that takes turns does what one alone does, and blocks in a read
where that one goes on at once.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from typing import Any

import keras
import msgspec

from harness.probe import noise
from harness.records.machine import Disturbance
from harness.records.trial import Seat, Turns
from harness.records.turns import Grant, Report
from harness.trial.clock import EpochClock, samples

NANOSECONDS = 1e-9


class Turntaker:
    """Knows which turn it is, and what this process did while it waited for one.

    ``turn`` is the number of the turn under way, ``None`` before the first; ``waited_s`` is how
    long it has waited.
    """

    def __init__(self, seat: Seat) -> None:
        # Processes that a framework starts would hold it open when this one has ended.
        os.set_inheritable(seat.channel, False)
        self._seat = seat
        self._channel = socket.socket(fileno=seat.channel)
        self._answers = self._channel.makefile("rb")
        self._granted = 0
        self._waiting_cpu_s = 0.0
        self._in_turn: noise.Snapshot | None = None
        self._disturbances: list[Disturbance] = []
        self.turn: int | None = None
        self.waited_s = 0.0

    def goes_on(self, report: Report, *, waits: bool) -> bool:
        """After an epoch: wait if its turn is used up, and tell whether another one is wanted.

        Args:
            report: what the launcher is told.
            waits: whether to give the turn back even if it holds further epochs.

        Raises:
            SystemExit: if the launcher is gone.
        """
        self._granted -= 1
        if self._granted <= 0 or waits:
            self._wait(report)
        return self._granted > 0

    def _wait(self, report: Report) -> None:
        if self._in_turn is not None:
            self._disturbances.append(noise.difference(self._in_turn, noise.snapshot()))
        cpu_ns, since_ns = time.process_time_ns(), time.perf_counter_ns()
        try:
            self._channel.sendall(msgspec.json.encode(report) + b"\n")
            answer = self._answers.readline()
        except OSError:
            answer = b""
        self.waited_s += (time.perf_counter_ns() - since_ns) * NANOSECONDS
        self._waiting_cpu_s += (time.process_time_ns() - cpu_ns) * NANOSECONDS
        if not answer:
            sys.exit("the launcher that granted the turns is gone")
        grant = msgspec.json.decode(answer, type=Grant)
        self.turn, self._granted = grant.turn, grant.epochs
        self._in_turn = noise.snapshot()

    def account(self) -> Turns:
        """What the record tells of it."""
        return Turns(
            group=self._seat.group,
            place=self._seat.place,
            waited_s=self.waited_s,
            waiting_cpu_s=self._waiting_cpu_s,
        )

    def disturbance(self) -> Disturbance | None:
        """What happened in the turns of this process alone; ``None`` if it had none."""
        return noise.summed(self._disturbances)


class BetweenEpochs(keras.callbacks.Callback):
    """Waits after each epoch; put it behind the clock, the evaluation and whatever else looks.

    Args:
        turns: waits.
        clock: has timed the epoch.
        budgeted: whether training goes on until no more turns are wanted, instead of a number of
            epochs.
    """

    def __init__(self, turns: Turntaker, clock: EpochClock, *, budgeted: bool) -> None:
        super().__init__()
        self._turns = turns
        self._clock = clock
        self._budgeted = budgeted

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Wait, and end the training if nobody wants more."""
        report = Report(
            epoch_s=self._clock.epochs[-1].wall_s,
            timed_s=sum(self._clock.counted_s) if self._budgeted else 0.0,
            enough=self._budgeted and samples(self._clock.epochs) >= self._clock.minimum,
        )
        # The first epoch of a training compiles or fills a cache: it has a turn of its own.
        first = len(self._clock.epochs) == 1
        if not self._turns.goes_on(report, waits=first) and self._budgeted:
            self.model.stop_training = True
