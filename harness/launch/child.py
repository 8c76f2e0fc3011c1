"""The only way to run a task in a process: each leaves one record, whatever becomes of it."""

from __future__ import annotations

import hashlib
import math
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import msgspec

from harness import scenario
from harness.errors import HarnessError
from harness.launch.answers import ANSWER, Finished, run_python
from harness.launch.environments import Interpreter
from harness.launch.process import POSIX, Ended, SlowLimit
from harness.launch.slowed import OtherWork
from harness.launch.turns import Member, take_turns
from harness.launch.variables import SHARED_GPU
from harness.probe.memory import oom_kills
from harness.records.anatomy import AnatomyRecord, AnatomyTask
from harness.records.consistency import contradiction
from harness.records.decoding import UndecodableError, decode
from harness.records.failure import bounded
from harness.records.header import record_of, told_by
from harness.records.machine import Noise
from harness.records.parity import ParityRecord, ParityTask
from harness.records.trial import Cause, Failure, Record, Status, Task, Trial

if TYPE_CHECKING:
    from harness.launch.campaign.room import Room

DEFAULT_TIMEOUT_S = 600.0
"""Many times what the tutorial's trial takes, even where other programs use the same cores."""

DEFAULTS: Mapping[type[Task], Mapping[str, str]] = {
    # Nothing is timed in parity, and what is computed stays the same: threads of PyTorch that sleep
    # instead of spin finish five times earlier where other programs run (measured on two cores:
    # 31 s instead of 142 s).
    ParityTask: {"OMP_WAIT_POLICY": "PASSIVE"}
}
"""Variables that a task of a kind gets unless they are set."""

RecordType = TypeVar("RecordType", Record, ParityRecord, AnatomyRecord)


class TaskInterrupted(KeyboardInterrupt):
    """Ctrl-C arrived during a task, whose process was ended; its ``record`` tells so.

    Where several processes took turns, ``records`` are those of all.
    """

    def __init__(self, *records: Any) -> None:
        super().__init__("a task was interrupted")
        self.records = records

    @property
    def record(self) -> Any:
        """The last of them."""
        return self.records[-1]


class ChildResult(NamedTuple, Generic[RecordType]):
    """What a task left. ``arrays`` is the ``.npz`` of a good parity record."""

    record: RecordType
    arrays: bytes | None = None


class LocalLauncher:
    """Runs each task in the interpreter of its backend, one after the other or in turns.

    Args:
        interpreters: the Python of each place (:attr:`Cell.place`).
        timeout_s: seconds until a process and its descendants are ended.
        memory_limit_bytes: the resident set of a process at which they are ended, if any.
        pass_env: variables of the user's own that the children shall see.
        program: the path of the script that takes the scenario's place, if one does.
    """

    def __init__(
        self,
        interpreters: Mapping[str, Interpreter],
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        memory_limit_bytes: float | None = None,
        pass_env: Iterable[str] = (),
        program: str | None = None,
    ) -> None:
        self._interpreters = interpreters
        self._timeout_s = timeout_s
        self._memory_limit_bytes = memory_limit_bytes
        self._pass_env = tuple(pass_env)
        self._program = program

    def run(self, trial: Trial) -> Record:
        """Measure ``trial``."""
        return self._run(trial, Record).record

    def run_in_turns(self, trials: Sequence[Trial], room: Room) -> list[Record]:
        """Measure the first of ``trials`` in turns, as many as fit beside each other.

        Args:
            trials: at least one; a single one runs alone.
            room: knows whether a further one fits beside those that are alive.

        Returns:
            Their records, in their order.

        Raises:
            TaskInterrupted: on Ctrl-C, with the records of those that had been started.
        """
        if len(trials) == 1 or not POSIX:  # no channel can be handed down there
            return [self.run(trials[0])]
        done = take_turns(trials, self._run_beside, timeout_s=self._timeout_s, fits=room.fits)
        if done.interrupted:
            raise TaskInterrupted(*done.records)
        return done.records

    def compare(self, task: ParityTask) -> ChildResult[ParityRecord]:
        """Train ``task`` for a comparison."""
        return self._run(task, ParityRecord)

    def dissect(self, task: AnatomyTask) -> AnatomyRecord:
        """Take the step of ``task`` apart."""
        return self._run(task, AnatomyRecord).record

    def _run_beside(self, trial: Trial, member: Member) -> Record:
        try:
            return self._run(trial, Record, member).record
        except TaskInterrupted as stopped:
            record: Record = stopped.record
            return record

    def _run(
        self, task: Task, kind: type[RecordType], member: Member | None = None
    ) -> ChildResult[RecordType]:
        return run_task(
            msgspec.structs.replace(task, program=self._program),
            kind,
            self._interpreters[task.cell.place],
            timeout_s=self._timeout_s,
            memory_limit_bytes=self._memory_limit_bytes,
            pass_env=self._pass_env,
            member=member,
        )


def run_task(
    task: Task,
    kind: type[RecordType],
    interpreter: Interpreter,
    *,
    timeout_s: float,
    memory_limit_bytes: float | None = None,
    pass_env: Iterable[str] = (),
    on_line: Callable[[str], None] | None = None,
    member: Member | None = None,
) -> ChildResult[RecordType]:
    """Run ``task`` in a fresh process, which leaves exactly one record, also when it fails.

    Args:
        task: what to do; its ``launched_at_ns`` is set here.
        kind: the type of its record.
        interpreter: the Python of the task's backend.
        timeout_s: seconds until the process and its descendants are ended.
        memory_limit_bytes: the resident set of the process at which they are ended, if any.
        pass_env: variables of the user's own that the child shall see.
        on_line: is told each line that the child prints, from another thread.
        member: what looks after the times of a process that takes turns, in place of this.

    Raises:
        TaskInterrupted: on Ctrl-C, after the child was ended; holds the record.
    """
    version = _version_here(task.source)
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    clock_started, oom_kills_before = time.perf_counter(), oom_kills()
    others = OtherWork()
    slow_limit = None
    if task.slowed_after_s is not None and member is None:
        slow_limit = SlowLimit(after_s=task.slowed_after_s, look=others.look)
    ended, files = start(
        task,
        interpreter,
        timeout_s=timeout_s if member is None else math.inf,
        memory_limit_bytes=memory_limit_bytes,
        slow_limit=slow_limit,
        pass_env=pass_env,
        on_line=on_line,
        member=member,
    )
    duration_s = time.perf_counter() - clock_started - (member.waited_s if member else 0.0)

    left = _read_record(files, task, kind)
    base = (
        left
        if isinstance(left, kind)
        else record_of(
            task,
            kind,
            status="failed",
            scenario_version=0,
            started_at=started_at,
            duration_s=0.0,
        )
    )
    base = msgspec.structs.replace(
        base, duration_s=duration_s, scenario_version=version or base.scenario_version
    )
    limits = _Limits(timeout_s, memory_limit_bytes, oom_kills_before)
    record = _concluded(base, _verdict(ended, left, limits), ended)
    if ended.cause == "slowed" and isinstance(record, Record):
        seen = others.seen if member is None else member.others_seen
        record = msgspec.structs.replace(record, noise=Noise(training=seen))
    if ended.cause == "interrupted":
        raise TaskInterrupted(record)
    arrays = files.get(record.arrays or "") if isinstance(record, ParityRecord) else None
    return ChildResult(record, arrays if record.status == "ok" else None)


def start(
    task: Task,
    interpreter: Interpreter,
    *,
    timeout_s: float,
    memory_limit_bytes: float | None = None,
    slow_limit: SlowLimit | None = None,
    pass_env: Iterable[str] = (),
    on_line: Callable[[str], None] | None = None,
    member: Member | None = None,
) -> Finished:
    """Run ``python -m harness.trial KIND FOLDER`` with ``task`` on its standard input.

    As :func:`run_task`, for what leaves no record. Ctrl-C is an end like another here.
    """
    task = msgspec.structs.replace(task, launched_at_ns=time.monotonic_ns())
    return run_python(
        interpreter.python,
        ["-m", "harness.trial", task.kind],
        given=msgspec.json.encode(task),
        backend=task.cell.backend,
        device=task.cell.device,
        threads=task.cell.threads,
        pass_env=pass_env,
        defaults=SHARED_GPU if member and task.cell.device == "gpu" else DEFAULTS.get(type(task)),
        timeout_s=timeout_s,
        memory_limit_bytes=memory_limit_bytes,
        slow_limit=slow_limit,
        on_line=on_line,
        leash=None if member is None else member.leash,
    )


def _version_here(name: str) -> int | None:
    """The scenario's version; ``None`` where its file went or broke since the campaign began.

    The child then says so, and the campaign goes on.
    """
    try:
        return scenario.find(name).version
    except HarnessError:
        return None


class _Limits(NamedTuple):
    """What a process was allowed; how many the kernel had killed before it for lack of memory."""

    timeout_s: float
    memory_bytes: float | None
    oom_kills_before: int | None


def _verdict(
    ended: Ended, left: RecordType | str | None, limits: _Limits
) -> tuple[Status, str] | None:
    """Status and reason, as the end of the process tells them; ``None`` if the record knows."""
    if ended.cause != "itself":
        return _ended_by_us(ended, limits)
    if ended.signal in {"SIGKILL", "SIGTERM"}:
        return "killed", _killed_by(ended.signal, limits.oom_kills_before)
    if left is None:
        return "crashed", _crash_reason(ended)
    if isinstance(left, str):
        return "failed", left
    if left.failure is None and ended.exit_code != 0:
        return "crashed", f"it measured to the end, then {_crash_reason(ended)}"
    return None


def _ended_by_us(ended: Ended, limits: _Limits) -> tuple[Status, str]:
    if ended.cause == "interrupted":
        return "interrupted", "Ctrl-C, or a request to terminate"
    if ended.cause == "slowed":
        return "killed", f"ended early: other work slowed it, {ended.why}"
    if ended.cause == "stuck":
        return "timeout", f"lost its turns: {ended.why}"
    if ended.cause == "timeout":
        return "timeout", f"still running after {limits.timeout_s:g} s; --timeout sets the limit"
    limit, resident = limits.memory_bytes or 0.0, ended.resident_bytes or 0
    return "killed", (
        f"out of memory: needed more than the {limit / 1e9:,.4g} GB of --memory-limit "
        f"({resident / 1e9:,.4g} GB were resident)"
    )


def _concluded(record: RecordType, verdict: tuple[Status, str] | None, ended: Ended) -> RecordType:
    """``record`` with its status settled, and with what only we know of a failure."""
    if verdict is None and record.failure is None:
        return record
    status, reason = verdict or (record.status, record.failure.reason if record.failure else "")
    tail = record.failure.output_tail if record.failure else ""
    cause: Cause | None = record.failure.cause if record.failure and verdict is None else None
    failure = Failure(
        reason=reason,
        exit_code=ended.exit_code,
        signal=ended.signal,
        output_tail=tail or ended.output_tail,
        cause="slowed" if ended.cause == "slowed" else cause,
        origin=record.failure.origin if record.failure else None,
    )
    return msgspec.structs.replace(record, status=status, failure=bounded(failure))


def _read_record(
    files: Mapping[str, bytes], task: Task, kind: type[RecordType]
) -> RecordType | str | None:
    """The child's record; the reason why what it left is none; ``None`` if it left nothing."""
    if ANSWER not in files:
        return None
    try:
        record = decode(files[ANSWER], kind, "record")
    except UndecodableError as error:
        return f"the process left something that is no record: {error}"
    if wrong := objection(record, task):
        return f"the process left {wrong}"
    if isinstance(record, ParityRecord) and lacks_arrays(record, files.get(record.arrays or "")):
        return "the process left a record without its arrays"
    return record


def lacks_arrays(record: ParityRecord, arrays: object) -> bool:
    """Whether a good record came without the arrays that it names."""
    there = arrays if isinstance(arrays, bytes) else b""
    return record.status == "ok" and hashlib.sha256(there).hexdigest() != record.arrays_sha256


def objection(record: Record | ParityRecord | AnatomyRecord, task: Task) -> str | None:
    """Why ``record`` cannot be that of ``task``, to follow on a verb; ``None`` if it can."""
    asked: dict[str, Any] = told_by(type(record), task)
    answered: dict[str, Any] = {name: getattr(record, name) for name in asked}
    if answered != asked:
        own = ["seed", *(name for name in asked if name not in Task.__struct_fields__)]
        which = ", ".join(f"{name} {answered[name]}" for name in own)
        return f"the record of another {task.kind} ({record.cell.label}, {which})"
    if wrong := contradiction(record):
        return f"a record that contradicts itself: {wrong}"
    return None


def _killed_by(name: str, oom_kills_before: int | None) -> str:
    if name != "SIGKILL":
        return f"killed from outside by {name}"
    counted = oom_kills()
    if counted is None or oom_kills_before is None:
        return "killed by SIGKILL: most likely out of memory; see `dmesg`"
    if counted > oom_kills_before:
        return "out of memory: killed by SIGKILL, and the kernel counts a kill for lack of memory"
    return "killed from outside by SIGKILL; the kernel counts no kill for lack of memory"


def _crash_reason(ended: Ended) -> str:
    last = ended.output_tail.rpartition("\n")[2]
    if ended.signal:
        meaning = (
            signal.strsignal(signal.Signals[ended.signal]) if ended.signal[:3] == "SIG" else ""
        )
        return f"crashed with {ended.signal} ({meaning or 'unknown'})"
    if ended.exit_code is None:
        return f"could not be started: {last}"
    if ended.exit_code == 0:
        return "ended without a record, as if all were well"
    return f"ended with exit code {ended.exit_code} and no record: {last or 'it printed nothing'}"
