"""Fulfils the contract of the local launcher in one slot of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from harness.launch.campaign.room import Lack
from harness.launch.child import ChildResult, TaskInterrupted, lacks_arrays, objection
from harness.launch.cluster import slot as on_worker
from harness.launch.cluster.connection import (
    ClusterLostError,
    Connection,
    EndedError,
    Slot,
    SlotLostError,
)
from harness.launch.cluster.slot import Means
from harness.records.anatomy import AnatomyRecord, AnatomyTask
from harness.records.bounds import Seconds
from harness.records.cluster import Measured, Needed, read_answer
from harness.records.decoding import UndecodableError
from harness.records.header import record_of
from harness.records.machine import Rates
from harness.records.parity import ParityRecord, ParityTask
from harness.records.trial import Failure, Record, Task, Trial

if TYPE_CHECKING:
    from harness.launch.campaign.room import Room

ATTEMPTS = 3
"""So often one task is begun: a worker that died with it that often is not to blame alone."""

RecordType = TypeVar("RecordType", Record, ParityRecord, AnatomyRecord)


class ClusterLauncher:
    """Runs tasks in a slot; all of a round in the same one, so that pairs stay pairs.

    Where it can go on no more (:attr:`lost` says why), it ends the campaign as Ctrl-C does, with
    what there is.

    Args:
        connection: to the cluster.
        slot: where the tasks run.
        means: with what.
        say: is told what happens to the slot.
    """

    def __init__(
        self, connection: Connection, slot: Slot, means: Means, say: Callable[[str], None]
    ) -> None:
        self._connection = connection
        self._slot = slot
        self._means = means
        self._say = say
        self.lost: str | None = None

    @property
    def slot(self) -> Slot:
        """Where the tasks run; another worker of the same name after one has died."""
        return self._slot

    def run(self, trial: Trial) -> Record:
        """Measure ``trial``."""
        return self._measure([trial], {}).records[0]

    def run_in_turns(self, trials: Sequence[Trial], room: Room) -> list[Record]:
        """Measure the first of ``trials`` in turns, as many as the slot's machine has room for."""
        measured = self._measure(trials, dict(room.needed))
        if measured.free is not None:
            room.found_elsewhere([Lack[name] for name in measured.lacks], measured.free)
        return measured.records

    def compare(self, task: ParityTask) -> ChildResult[ParityRecord]:
        """Train ``task`` for a comparison."""
        answer = self._call(on_worker.compare, task, self._means)
        content, arrays = answer if isinstance(answer, tuple) and len(answer) == 2 else (None, None)
        record = self._checked(content, ParityRecord, task)
        if lacks_arrays(record, arrays):
            record = _failed(task, ParityRecord, "the slot sent a record without its arrays")
        return ChildResult(record, arrays if record.status == "ok" else None)

    def dissect(self, task: AnatomyTask) -> AnatomyRecord:
        """Take the step of ``task`` apart."""
        return self._checked(self._call(on_worker.dissect, task, self._means), AnatomyRecord, task)

    def speed(self) -> float:
        """Seconds that the speed probe takes in the slot."""
        seconds: float = self._figure(on_worker.speed, Seconds)
        return seconds

    def rates(self, threads: int | None) -> Rates:
        """The rates of the slot's CPUs."""
        rates: Rates = self._figure(on_worker.rates, Rates, threads)
        return rates

    def _figure(self, function: Callable[..., bytes], kind: Any, *arguments: Any) -> Any:
        """A figure of the slot.

        Raises:
            TaskInterrupted: if it is none, which ends the slot's campaign.
        """
        try:
            return read_answer(self._call(function, *arguments), kind)
        except UndecodableError as error:
            self.lost = f"it sent something that is no figure: {error}"
            raise TaskInterrupted from None

    def _measure(self, trials: Sequence[Trial], needed: Needed) -> Measured:
        content = self._call(on_worker.measure, list(trials), self._means, needed, trials=trials)
        measured = _measured(content)
        if isinstance(measured, str) or not 1 <= len(measured.records) <= len(trials):
            why = measured if isinstance(measured, str) else "it has other trials than were asked"
            why = f"the slot sent something that is no answer: {why}"
            return Measured(records=[_failed(trial, Record, why) for trial in trials])
        records = [
            _known(record, trial) for record, trial in zip(measured.records, trials, strict=False)
        ]
        lacks = [name for name in measured.lacks if name in Lack.__members__]
        measured = msgspec.structs.replace(measured, records=records, lacks=lacks)
        if self._connection.ended:
            raise TaskInterrupted(*(_interrupted(record) for record in records))
        return measured

    def _call(
        self, function: Callable[..., Any], *arguments: Any, trials: Sequence[Trial] = ()
    ) -> Any:
        """As :meth:`Connection.call`; a slot whose worker died is asked again when it is back.

        Raises:
            TaskInterrupted: if it does not come back, or nothing is to be measured any more.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._connection.call(self._slot, function, *arguments)
            except EndedError:
                raise TaskInterrupted from None
            except ClusterLostError as error:
                self.lost = str(error)
                raise TaskInterrupted from None
            except SlotLostError:
                if attempt == ATTEMPTS:
                    break
                self._say("its worker died; waiting for another one")
                if not self._is_back():
                    break
                if trials and (content := self._kept(trials)) is not None:
                    return content
        self.lost = self.lost or (
            f"its worker died {ATTEMPTS} times with the same task"
            if attempt == ATTEMPTS
            else "its worker died, and none came in its place"
        )
        raise TaskInterrupted

    def _is_back(self) -> bool:
        try:
            self._slot = self._connection.back(self._slot)
        except SlotLostError:
            return False
        except ClusterLostError as error:
            self.lost = str(error)
            return False
        return True

    def _kept(self, trials: Sequence[Trial]) -> bytes | None:
        """What the dead worker had measured of ``trials`` and could not send any more."""
        try:
            content = self._connection.call(self._slot, on_worker.kept, [self._means.key])
        except (SlotLostError, ClusterLostError, EndedError):
            return None
        measured = _measured(content)
        if isinstance(measured, str):
            return None
        found = {(r.cell.digest, r.round, r.run_id): r for r in measured.records}
        mine = [found.get((t.cell.digest, t.round, t.run_id)) for t in trials]
        first = mine.index(None) if None in mine else len(mine)
        if not first:
            return None
        return msgspec.json.encode(Measured(records=[r for r in mine[:first] if r is not None]))

    def _checked(self, content: Any, kind: type[RecordType], task: Task) -> RecordType:
        try:
            record = read_answer(content, kind)
        except UndecodableError as error:
            return _failed(task, kind, f"the slot sent something that is no record: {error}")
        if wrong := objection(record, task):
            return _failed(task, kind, f"the slot sent {wrong}")
        return record


def _measured(content: Any) -> Measured | str:
    try:
        return read_answer(content, Measured)
    except UndecodableError as error:
        return str(error)


def _known(record: Record, trial: Trial) -> Record:
    wrong = objection(record, trial)
    return record if wrong is None else _failed(trial, Record, f"the slot sent {wrong}")


def _failed(task: Task, kind: type[RecordType], reason: str) -> RecordType:
    return record_of(
        task,
        kind,
        status="failed",
        scenario_version=0,
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        duration_s=0.0,
        failure=Failure(reason=reason),
    )


def _interrupted(record: Record) -> Record:
    """``record`` as Ctrl-C leaves it: its process was ended by us, by a signal."""
    if record.failure is None or record.status != "killed":
        return record
    why = "Ctrl-C, or a request to terminate"
    failure = msgspec.structs.replace(record.failure, reason=why)
    return msgspec.structs.replace(record, status="interrupted", failure=failure)
