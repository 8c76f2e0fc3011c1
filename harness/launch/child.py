"""Runs a child that gets a task as JSON and answers with files, and tells why if there are none.

For the children beside a campaign's trials: those of ``harness parity`` and ``harness anatomy``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeVar

import msgspec

from harness.launch.environments import Interpreter
from harness.launch.process import Ended, run_process
from harness.launch.variables import child_variables
from harness.records.trial import Cell, Failure, Status, Struct


class Asked(Protocol):
    """What every task has."""

    @property
    def cell(self) -> Cell:
        """What to train."""
        ...

    @property
    def launched_at_ns(self) -> int:
        """``time.time_ns()`` just before the start."""
        ...


class Nothing(Struct, frozen=True, kw_only=True):
    """There is no answer: how it ended, and what a record in its place has to say."""

    status: Status
    failure: Failure
    started_at: str
    duration_s: float


TaskType = TypeVar("TaskType", bound=Asked)
Answer = TypeVar("Answer")


def run_child(
    module: str,
    task: TaskType,
    interpreter: Interpreter,
    *,
    read: Callable[[Path, Ended], Answer | None],
    timeout_s: float,
    pass_env: Iterable[str] = (),
    defaults: Mapping[str, str] | None = None,
) -> Answer | Nothing:
    """Run ``python -m MODULE FOLDER`` with ``task`` on its standard input.

    Args:
        module: of the half that lives inside the backend's environment.
        task: a struct; its ``launched_at_ns`` is set here.
        interpreter: the Python of the task's backend.
        read: takes the answer from the folder, or finds none that is whole. It is asked only of a
            process that nothing and nobody ended.
        timeout_s: seconds until the process and its descendants are ended.
        pass_env: variables of the user's own that the child shall see.
        defaults: variables that the child gets unless they are set.

    Raises:
        KeyboardInterrupt: on Ctrl-C, after the child was ended.
    """
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    launched_at_ns = time.time_ns()
    task = msgspec.structs.replace(task, launched_at_ns=launched_at_ns)  # type: ignore[type-var]
    answer = None
    try:
        with TemporaryDirectory(prefix="harness-child-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            (folder / "keras").mkdir()
            (folder / "task.json").write_bytes(msgspec.json.encode(task))
            variables = child_variables(
                os.environ,
                backend=task.cell.backend,
                device=task.cell.device,
                keras_home=folder / "keras",
                threads=task.cell.threads,
                pass_env=pass_env,
            )
            ended = run_process(
                [str(interpreter.python), "-m", module, str(folder)],
                variables={**(defaults or {}), **variables},
                folder=folder,
                standard_input=folder / "task.json",
                timeout_s=timeout_s,
            )
            if ended.cause == "itself" and ended.signal is None:
                answer = read(folder, ended)
    except OSError as error:
        ended = Ended(cause="itself", exit_code=None, signal=None, output_tail=str(error))
    if ended.cause == "interrupted":
        raise KeyboardInterrupt
    if answer is not None:
        return answer
    status, reason = _why(ended, timeout_s)
    return Nothing(
        status=status,
        failure=Failure(
            reason=reason,
            exit_code=ended.exit_code,
            signal=ended.signal,
            output_tail=ended.output_tail,
        ),
        started_at=started_at,
        duration_s=(time.time_ns() - launched_at_ns) * 1e-9,
    )


def _why(ended: Ended, timeout_s: float) -> tuple[Status, str]:
    if ended.cause == "timeout":
        return "timeout", f"still running after {timeout_s:g} s; --timeout sets the limit"
    last = ended.output_tail.rpartition("\n")[2] or "it printed nothing"
    if ended.signal:
        return "killed", f"ended by {ended.signal}: {last}"
    if ended.exit_code is None:
        return "crashed", f"could not be started: {last}"
    return "crashed", f"ended with exit code {ended.exit_code} and no record: {last}"
