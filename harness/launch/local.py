"""Runs a trial as a child process on this machine, and makes a record of whatever comes of it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec

from harness import scenario
from harness.errors import HarnessError
from harness.launch.environments import Interpreter
from harness.launch.process import Ended, SlowLimit, run_process
from harness.launch.slowed import OtherWork
from harness.launch.variables import child_variables
from harness.probe.memory import oom_kills
from harness.records.trial import Cause, Failure, Noise, Record, Status, Trial

DEFAULT_TIMEOUT_S = 600.0
"""Many times what the tutorial's trial takes, even where other programs use the same cores."""


class TrialInterrupted(KeyboardInterrupt):
    """Ctrl-C arrived during a trial, which was ended; ``record`` tells so."""

    def __init__(self, record: Record) -> None:
        super().__init__("a trial was interrupted")
        self.record = record


class LocalLauncher:
    """Runs each trial in the interpreter of its backend, one after the other."""

    def __init__(
        self,
        interpreters: Mapping[str, Interpreter],
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        memory_limit_bytes: float | None = None,
        pass_env: Iterable[str] = (),
    ) -> None:
        self._interpreters = interpreters
        self._timeout_s = timeout_s
        self._memory_limit_bytes = memory_limit_bytes
        self._pass_env = tuple(pass_env)

    def run(self, trial: Trial) -> Record:
        """The record of ``trial``; see :func:`run_trial`."""
        return run_trial(
            trial,
            self._interpreters[trial.cell.backend],
            timeout_s=self._timeout_s,
            memory_limit_bytes=self._memory_limit_bytes,
            pass_env=self._pass_env,
        )


def run_trial(
    trial: Trial,
    interpreter: Interpreter,
    *,
    timeout_s: float,
    memory_limit_bytes: float | None = None,
    pass_env: Iterable[str] = (),
    on_line: Callable[[str], None] | None = None,
) -> Record:
    """Measure ``trial`` in a fresh process, which leaves exactly one record, also when it fails.

    Args:
        trial: what to measure; its ``launched_at_ns`` is set here.
        interpreter: the Python of the trial's backend.
        timeout_s: seconds until the process and its descendants are ended.
        memory_limit_bytes: the resident set of the process at which they are ended, if any.
        pass_env: variables of the user's own that the child shall see.
        on_line: is told each line that the child prints, from another thread.

    Raises:
        TrialInterrupted: on Ctrl-C, after the child was ended; holds the record.
    """
    version = _version_here(trial.cell.scenario)
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    trial = msgspec.structs.replace(trial, launched_at_ns=time.time_ns())
    clock_started, oom_kills_before = time.perf_counter(), oom_kills()
    others = OtherWork()
    left: Record | str | None = None
    try:
        with TemporaryDirectory(prefix="harness-trial-", ignore_cleanup_errors=True) as name:
            # An empty working folder: from the user's own, a folder called `jax` would pass for
            # the module.
            folder = Path(name)
            (folder / "keras").mkdir()
            (folder / "trial.json").write_bytes(msgspec.json.encode(trial))
            ended = run_process(
                [str(interpreter.python), "-m", "harness.trial", str(folder / "record.json")],
                variables=child_variables(
                    os.environ,
                    backend=trial.cell.backend,
                    device=trial.cell.device,
                    keras_home=folder / "keras",
                    threads=trial.cell.threads,
                    pass_env=pass_env,
                ),
                folder=folder,
                standard_input=folder / "trial.json",
                timeout_s=timeout_s,
                memory_limit_bytes=memory_limit_bytes,
                slow_limit=(
                    None
                    if trial.slowed_after_s is None
                    else SlowLimit(after_s=trial.slowed_after_s, look=others.look)
                ),
                on_line=on_line,
            )
            left = _read_record(folder / "record.json", trial)
    except OSError as error:
        ended = Ended(cause="itself", exit_code=None, signal=None, output_tail=str(error))
    duration_s = time.perf_counter() - clock_started

    base = left if isinstance(left, Record) else _blank(trial, started_at)
    base = msgspec.structs.replace(
        base, duration_s=duration_s, scenario_version=version or base.scenario_version
    )
    limits = _Limits(timeout_s, memory_limit_bytes, oom_kills_before)
    record = _concluded(base, _verdict(ended, left, limits), ended)
    if ended.cause == "slowed":
        record = msgspec.structs.replace(record, noise=Noise(training=others.seen))
    if ended.cause == "interrupted":
        raise TrialInterrupted(record)
    return record


def _version_here(name: str) -> int | None:
    """The scenario's version; ``None`` where its file went or broke since the campaign began.

    The child then says so, and the campaign goes on.
    """
    try:
        return scenario.find(name).version
    except HarnessError:
        return None


class _Limits(NamedTuple):
    """What a process was allowed; how many the kernel had killed before it for want of memory."""

    timeout_s: float
    memory_bytes: float | None
    oom_kills_before: int | None


def _verdict(ended: Ended, left: Record | str | None, limits: _Limits) -> tuple[Status, str] | None:
    """Status and reason, as the end of the process tells them; ``None`` if the record knows."""
    if ended.cause != "itself":
        return _ended_by_us(ended, limits)
    if ended.signal in {"SIGKILL", "SIGTERM"}:
        return "killed", _killed_by(ended.signal, limits.oom_kills_before)
    if not isinstance(left, Record):
        return ("failed", left) if left else ("crashed", _crash_reason(ended))
    if left.failure is None and ended.exit_code != 0:
        return "crashed", f"it measured to the end, then {_crash_reason(ended)}"
    return None


def _ended_by_us(ended: Ended, limits: _Limits) -> tuple[Status, str]:
    if ended.cause == "interrupted":
        return "interrupted", "Ctrl-C, or a request to terminate"
    if ended.cause == "slowed":
        return "killed", f"ended early: other work slowed it, {ended.slowed_by}"
    if ended.cause == "timeout":
        return "timeout", f"still running after {limits.timeout_s:g} s; --timeout sets the limit"
    limit, resident = limits.memory_bytes or 0.0, ended.resident_bytes or 0
    return "killed", (
        f"out of memory: needed more than the {limit / 1e9:,.4g} GB of --memory-limit "
        f"({resident / 1e9:,.4g} GB were resident)"
    )


def _concluded(record: Record, verdict: tuple[Status, str] | None, ended: Ended) -> Record:
    """``record`` with its status settled, and with what only we know of a failure."""
    if verdict is None and record.failure is None:
        return record
    status, reason = verdict or (record.status, record.failure.reason if record.failure else "")
    told = record.failure.output_tail if record.failure else ""
    cause: Cause | None = record.failure.cause if record.failure and verdict is None else None
    failure = Failure(
        reason=reason,
        exit_code=ended.exit_code,
        signal=ended.signal,
        output_tail=told or ended.output_tail,
        cause="slowed" if ended.cause == "slowed" else cause,
        origin=record.failure.origin if record.failure else None,
    )
    return msgspec.structs.replace(record, status=status, failure=failure)


def _read_record(path: Path, trial: Trial) -> Record | str | None:
    """The child's record; the reason why what it left is none; ``None`` if it left nothing."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        record = msgspec.json.decode(content, type=Record)
    except msgspec.DecodeError as error:
        return f"the process left something that is no record: {error}"
    asked = (trial.cell, trial.seed, trial.repetition, trial.campaign, trial.round)
    told = (record.cell, record.seed, record.repetition, record.campaign, record.round)
    if asked != told:
        return (
            f"the process left the record of another trial ({record.cell.label}, seed "
            f"{record.seed}, repetition {record.repetition}, round {record.round})"
        )
    return record


def _blank(trial: Trial, started_at: str) -> Record:
    """What is known about a trial from outside."""
    return Record(
        status="failed",
        cell=trial.cell,
        scenario_version=0,
        seed=trial.seed,
        repetition=trial.repetition,
        campaign=trial.campaign,
        round=trial.round,
        started_at=started_at,
        duration_s=0.0,
        harness=trial.harness,
        run_id=trial.run_id,
    )


def _killed_by(name: str, oom_kills_before: int | None) -> str:
    if name != "SIGKILL":
        return f"killed from outside by {name}"
    counted = oom_kills()
    if counted is None or oom_kills_before is None:
        return "killed by SIGKILL: most likely out of memory, `dmesg` tells"
    if counted > oom_kills_before:
        return "out of memory: killed by SIGKILL, and the kernel counts a kill for want of memory"
    return "killed from outside by SIGKILL; the kernel counts no kill for want of memory"


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
