"""The parent's half of a round in turns: several processes alive, of which one runs at a time.

What must be alone stays alone: a process is started when the one before has trained its first epoch
and waits. From then on each is granted its next epoch in turn, in one order, sweep after sweep: so
each turn follows another process's, and finds the caches as that one left them. A process that goes
on after a turn of its own is several percent faster (``docs/studies/pairs-in-turns.md``). Who
follows whom changes from round to round (:meth:`harness.records.plan.Plan.round`). Neighbours stand
beside each other within seconds, which is as fast as the speed of a shared machine changes.

**Length of a round.** Every process gets equally many turns, since neighbours are compared turn by
turn. The sweeps go on until each has as many samples as a trial needs at least, and the one that
has timed longest has used the time budget of a trial: the slowest, for which that budget was made.
So a round in turns is hardly longer than the same round in blocks, but for its waiting.

**Bounds.** All count the time in which a process runs, never that in which it waits. See
:func:`bound_s` for that of a turn.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import secrets
import socket
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from harness.launch import process
from harness.launch.interrupts import interruptible, uninterrupted
from harness.launch.process import Cause, Leash
from harness.launch.slowed import OtherWork
from harness.records.machine import Disturbance
from harness.records.trial import Record, Seat, Trial
from harness.records.turns import Grant, Report

SHORT_S = 0.1
"""Epochs shorter than this are granted in groups that last about as long: what lies between two
turns takes milliseconds, and the clock of a trial should not be set by the first of them."""

SETTLE_S = 0.005
"""Before each turn, all wait so long: the threads of the process before spin for a while until they
sleep, PyTorch's for 2.2 ms (``docs/studies/turns.md``), which is 1.4% of a short turn."""

MOST_EPOCHS = 1000
"""Epochs of one grant, however short they are."""

TURN_FACTOR = 8.0
"""Times a process' usual turn after which the parent looks whether other work holds it up. On two
cores a step of PyTorch took 30 times as long beside a busy process (``docs/method.md``); turns that
nobody disturbs differ by less than two times."""

STUCK_FACTOR = 4.0
"""Times that bound after which a process is stuck, though no other work is to blame."""

Fits = Callable[[Trial, Sequence[Trial]], bool]
"""Whether a trial fits into memory beside others that are alive."""


class Taken(NamedTuple):
    """The records of a round in turns, in the order of its trials, and whether Ctrl-C ended it."""

    records: list[Record]
    interrupted: bool


def bound_s(turns_s: Sequence[float], ready_s: float) -> float:
    """Seconds of a turn from which on the parent looks what holds a process up.

    :data:`TURN_FACTOR` times its usual turn, but no less than what it took from its start until it
    first waited: a turn may compile a further time, which takes about as long.

    Args:
        turns_s: how long its turns took so far.
        ready_s: how long it took from its start until it waited for the first.
    """
    usual_s = statistics.median(turns_s) if turns_s else 0.0
    return max(TURN_FACTOR * usual_s, ready_s)


@uninterrupted()  # but while they train: what they left is kept first
def take_turns(
    trials: Sequence[Trial],
    run: Callable[[Trial, Member], Record],
    *,
    timeout_s: float,
    fits: Fits,
    clock: Callable[[], float] = time.monotonic,
) -> Taken:
    """Measure the first of ``trials`` in turns, as many as fit beside each other.

    Args:
        trials: in the order in which they are started; all have one time budget.
        run: runs one in a process to its end; called in a thread of its own.
        timeout_s: seconds that a process may run, waiting left out.
        fits: tells whether a further one fits beside those that are alive.
        clock: tells the time in seconds.
    """
    group = secrets.token_hex(4)
    members: list[Member] = []
    interrupted = False
    try:
        with interruptible():
            for place, trial in enumerate(trials):
                alive = [member.trial for member in members if not member.ended]
                if members and not fits(trial, alive):
                    break
                members.append(Member(trial, group, place, run, timeout_s=timeout_s, clock=clock))
                members[-1].start()
            _go_round(members, budget_s=trials[0].time_budget_s)
    except KeyboardInterrupt:
        interrupted = True
        _end_all(members)
    except BaseException:
        _end_all(members)
        raise
    for member in members:
        if member.error is not None:
            raise member.error
    records = [member.record for member in members if member.record is not None]
    return Taken([_counted(record, len(members)) for record in records], interrupted)


def _counted(record: Record, processes: int) -> Record:
    """``record`` with what its own process does not know: how many were of its group."""
    if record.turns is None:
        return record
    turns = msgspec.structs.replace(record.turns, processes=processes)
    return msgspec.structs.replace(record, turns=turns)


def _go_round(members: Sequence[Member], *, budget_s: float) -> None:
    for turn in itertools.count():
        there = [member for member in members if not member.ended]
        if all(m.report.enough for m in there) and (
            max((m.report.timed_s for m in there), default=math.inf) >= budget_s
        ):
            break
        for member in there:
            member.take(turn)
    for member in there:
        member.finish(turn)


def _end_all(members: Sequence[Member]) -> None:
    # A second Ctrl-C need not hurry them: each is gone within seconds.
    with contextlib.suppress(KeyboardInterrupt), uninterrupted():
        for member in members:
            member.leash.end("interrupted")
        for member in members:
            member.join()


class Member:
    """A process that takes turns.

    ``report`` is its last. ``waited_s`` is how long it has waited, and ``others_seen`` what other
    work took of the processors when that was last looked at. ``record`` is what it left, once it
    has ``ended``, or ``error`` what stopped the thread that ran it.
    """

    def __init__(
        self,
        trial: Trial,
        group: str,
        place: int,
        run: Callable[[Trial, Member], Record],
        *,
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel, theirs = socket.socketpair()
        self.leash = Leash(theirs.detach())
        seat = Seat(channel=self.leash.channel, group=group, place=place)
        self.trial = msgspec.structs.replace(trial, seat=seat)
        self._run = run
        self._timeout_s = timeout_s
        self._clock = clock
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._unread = b""
        self._ran_s = self._ready_s = 0.0
        self._turns_s: list[float] = []
        self._waits_since_s = 0.0
        self._shortest_epoch_s = math.inf
        self._since_its_start: OtherWork | None = None
        self.error: BaseException | None = None
        self.report = Report(epoch_s=0.0)
        self.waited_s = 0.0
        self.others_seen: Disturbance | None = None
        self.record: Record | None = None
        self.ended = False

    def start(self) -> None:
        """Run it until it waits for its first turn."""
        if self.trial.slowed_after_s is not None:
            self._since_its_start = OtherWork()
        self._thread.start()
        late_s = self.trial.slowed_after_s
        self._let_it_run(late_s=math.inf if late_s is None else late_s, stuck_s=math.inf)
        self._ready_s = self._ran_s

    def take(self, turn: int) -> None:
        """Grant it an epoch, or several short ones, and wait until they are trained."""
        if self._ran_s >= (self.trial.slowed_after_s or math.inf) and self._since_its_start:
            slowed_by = self._seen_by(self._since_its_start)
            if slowed_by is not None:
                return self._lose("slowed", slowed_by)
        time.sleep(SETTLE_S)
        epochs = min(MOST_EPOCHS, max(1, math.ceil(SHORT_S / self._shortest_epoch_s)))
        self._grant(Grant(turn=turn, epochs=epochs))
        late_s, before_s = bound_s(self._turns_s, self._ready_s), self._ran_s
        self._let_it_run(late_s=late_s, stuck_s=STUCK_FACTOR * late_s, turn=turn)
        self._turns_s.append(self._ran_s - before_s)
        self._shortest_epoch_s = min(self._shortest_epoch_s, self.report.epoch_s)
        return None

    def finish(self, turn: int) -> None:
        """Tell it that no more is wanted, and wait until it has left its record."""
        self._grant(Grant(turn=turn, epochs=0))
        self._let_it_run(late_s=math.inf, stuck_s=math.inf)
        if not self.ended:
            self._lose("stuck", "it went on training when no more was wanted")

    def join(self) -> None:
        """Wait until it has ended; at once if it was never started."""
        if self._thread.ident is None:
            self.leash.attach(None)
        else:
            self._thread.join()
        self._channel.close()
        self.ended = True

    def _work(self) -> None:
        try:
            self.record = self._run(self.trial, self)
        except BaseException as error:  # noqa: BLE001 - raised where it can be dealt with
            self.error = error
        finally:
            self.leash.attach(None)
            # What the process left running may hold its end open: this tells that it is gone.
            with contextlib.suppress(OSError):
                self._channel.shutdown(socket.SHUT_RDWR)

    def _grant(self, grant: Grant) -> None:
        self.waited_s += self._clock() - self._waits_since_s
        # Gone while it waited: the next read tells.
        with contextlib.suppress(OSError):
            self._channel.sendall(msgspec.json.encode(grant) + b"\n")

    def _let_it_run(self, *, late_s: float, stuck_s: float, turn: int | None = None) -> None:
        """Until it waits again or has ended; ends it at its bounds."""
        begun_s = self._clock()
        ends_s = min(stuck_s, max(0.0, self._timeout_s - self._ran_s))
        others: OtherWork | None = None
        while True:
            spent_s = self._clock() - begun_s
            look_s = late_s / 2 if others is None else late_s
            try:
                report = self._receive(min(look_s, ends_s) - spent_s)
                break
            except TimeoutError:
                spent_s = self._clock() - begun_s
            except msgspec.DecodeError as error:
                return self._lose("stuck", f"it sent something that is no report: {error}")
            if spent_s >= ends_s:
                if ends_s < stuck_s:
                    return self._lose("timeout")
                return self._lose("stuck", self._how_stuck(turn, spent_s))
            if others is None:
                # Not from the first moment: to look takes milliseconds of the turn.
                others = OtherWork()
            elif spent_s >= late_s:
                slowed_by = self._seen_by(others)
                if slowed_by is not None:
                    return self._lose("slowed", slowed_by)
                late_s = spent_s + process.SLOW_LOOK_S
        self._waits_since_s = self._clock()
        self._ran_s += self._waits_since_s - begun_s
        if report is None:
            return self._see_off()
        self.report = report
        return None

    def _seen_by(self, others: OtherWork) -> str | None:
        slowed_by = others.look()
        self.others_seen = others.seen
        return slowed_by

    def _how_stuck(self, turn: int | None, spent_s: float) -> str:
        usual = (
            f"those before took {statistics.median(self._turns_s):.2g} s"
            if self._turns_s
            else f"it was ready in {self._ready_s:.2g} s"
        )
        return f"turn {turn} went on for {spent_s:.2g} s, {usual}, and no other work is to blame"

    def _receive(self, within_s: float) -> Report | None:
        """What it says next; ``None`` once it is gone."""
        until_s = self._clock() + within_s
        while b"\n" not in self._unread:
            left_s = until_s - self._clock()
            if left_s <= 0:
                raise TimeoutError
            self._channel.settimeout(min(left_s, threading.TIMEOUT_MAX, 1e6))
            try:
                part = self._channel.recv(4096)
            except ConnectionError:
                return None
            if not part:
                return None
            self._unread += part
        line, _, self._unread = self._unread.partition(b"\n")
        return msgspec.json.decode(line, type=Report)

    def _see_off(self) -> None:
        """It has closed the channel, which is what the end of its process does."""
        self._thread.join(max(0.0, min(self._timeout_s - self._ran_s, threading.TIMEOUT_MAX)))
        if self._thread.is_alive():
            self.leash.end("timeout")
        self.join()

    def _lose(self, cause: Cause, why: str | None = None) -> None:
        self.leash.end(cause, why)
        self.join()
