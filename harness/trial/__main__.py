"""``python -m harness.trial KIND FOLDER``: a task on standard input, an answer in the folder.

``answer.json`` is a record of a trial, of parity or of an anatomy, which tells of a failure too; or
the refusals of a pre-flight; or the lines of a check; or the kinds of device. Exits with 0 for what
was asked, with 1 for a record that tells why there is none. A child that leaves no answer says why
on its output.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec

from harness.errors import HarnessError
from harness.records.cell import Struct
from harness.records.header import record_of
from harness.records.trial import Record, Task, Trial
from harness.trial import failure

Answer = TypeVar("Answer", bound=Struct)


def main() -> int:
    """Do the task, and write the answer under a temporary name first."""
    failure.first_to_go()
    variables = dict(os.environ)  # frameworks add their own as they are imported
    kind, folder = sys.argv[1], Path(sys.argv[2])
    given = sys.stdin.buffer.read()
    try:
        answer = KINDS[kind](given, variables, folder)
    except HarnessError as error:
        print(error, file=sys.stderr)
        return int(error.exit_code)
    partial = folder / "answer.partial"
    partial.write_bytes(msgspec.json.encode(answer))
    partial.replace(folder / "answer.json")
    return 0 if getattr(answer, "status", "ok") == "ok" else 1


def _trial(given: bytes, variables: Mapping[str, str], _folder: Path) -> Record:
    def work() -> Record:
        if task.program is not None:
            from harness.trial.program.measure import measure as measure_program

            return measure_program(task, variables)
        from harness.trial.measure import measure

        return measure(task, variables)

    task = msgspec.json.decode(given, type=Trial)
    return _recorded(task, Record, work)


def _parity(given: bytes, variables: Mapping[str, str], folder: Path) -> Struct:
    from harness.records.parity import ParityRecord, ParityTask

    def work() -> ParityRecord:
        from harness.trial.parity.train import train, with_arrays

        return with_arrays(*train(task, variables), folder)

    task = msgspec.json.decode(given, type=ParityTask)
    return _recorded(task, ParityRecord, work)


def _anatomy(given: bytes, variables: Mapping[str, str], _folder: Path) -> Struct:
    from harness.records.anatomy import AnatomyRecord, AnatomyTask

    def work() -> AnatomyRecord:
        from harness.trial.anatomy.dissect import dissect

        return dissect(task, variables)

    task = msgspec.json.decode(given, type=AnatomyTask)
    return _recorded(task, AnatomyRecord, work)


def _preflight(given: bytes, variables: Mapping[str, str], _folder: Path) -> Struct:
    # A child that cannot even make the models leaves nothing: the trials then find out why by
    # themselves, and each leaves a record that tells.
    from harness.records.preflight import PreflightTask
    from harness.trial.preflight.look import look

    return look(msgspec.json.decode(given, type=PreflightTask), variables)


def _check(given: bytes, variables: Mapping[str, str], _folder: Path) -> Struct:
    from harness.records.check import CheckTask
    from harness.trial.check.look import look

    return look(msgspec.json.decode(given, type=CheckTask), variables)


def _devices(given: bytes, _variables: Mapping[str, str], _folder: Path) -> Sequence[str]:
    from harness.trial import backends

    return backends.load(msgspec.json.decode(given, type=str)).kinds()


KINDS: dict[str, Callable[[bytes, Mapping[str, str], Path], Any]] = {
    "trial": _trial,
    "parity": _parity,
    "anatomy": _anatomy,
    "preflight": _preflight,
    "check": _check,
    "devices": _devices,
}


def _recorded(task: Task, kind: type[Answer], work: Callable[[], Answer]) -> Answer:
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - whatever a scenario or a framework raises becomes a record
        why = failure.failure(error, task.source)
        print(failure.output(error) or why.reason, file=sys.stderr)
        return record_of(
            task,
            kind,
            status="failed",
            scenario_version=0,
            started_at=started_at,
            duration_s=task.since_launch_s,
            failure=why,
        )


def leave(code: int) -> NoReturn:
    """End this process at once.

    The answer is written, and what Python and the frameworks do at their exit takes 0.4 s (JAX) to
    0.8 s (TensorFlow) in which nothing is measured: a tenth of a campaign.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
