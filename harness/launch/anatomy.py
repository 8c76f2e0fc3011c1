"""Runs an anatomy child, and keeps the record that it leaves.

Layout, below a campaign's folder::

    anatomy/<scenario>/run-<number>/<backend>-<device>-<process>.json
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from harness.launch.child import Nothing, run_child
from harness.launch.environments import Interpreter
from harness.launch.process import Ended
from harness.records.anatomy import AnatomyRecord, Task
from harness.store.layout import ANATOMY
from harness.store.runs import numbered_folder, write


def run_anatomy(
    task: Task, interpreter: Interpreter, *, timeout_s: float, pass_env: Iterable[str] = ()
) -> AnatomyRecord:
    """Measure ``task`` in a fresh process, which leaves a record also when it fails.

    Args:
        task: what to measure; its ``launched_at_ns`` is set here.
        interpreter: the Python of the task's backend.
        timeout_s: seconds until the process and its descendants are ended.
        pass_env: variables of the user's own that the child shall see.

    Raises:
        KeyboardInterrupt: on Ctrl-C, after the child was ended.
    """
    left = run_child(
        "harness.trial.anatomy",
        task,
        interpreter,
        read=_read,
        timeout_s=timeout_s,
        pass_env=pass_env,
    )
    if not isinstance(left, Nothing):
        return left
    return AnatomyRecord(
        status=left.status,
        cell=task.cell,
        scenario_version=0,
        seed=task.seed,
        process=task.process,
        campaign=task.campaign,
        run_id=task.run_id,
        started_at=left.started_at,
        duration_s=left.duration_s,
        harness=task.harness,
        failure=left.failure,
    )


def new_folder(root: Path, scenario: str) -> Path:
    """Make the next free folder of a run below the campaign's folder ``root``.

    Raises:
        UnavailableError: if it cannot be made.
    """
    return numbered_folder(root, ANATOMY, scenario, "run")


def save(folder: Path, record: AnatomyRecord) -> Path:
    """Write a record and give its path.

    Raises:
        UnavailableError: if it cannot be written.
    """
    cell = record.cell
    path = folder / f"{cell.backend}-{cell.device}-{record.process}.json"
    write(path, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    return path


def _read(folder: Path, ended: Ended) -> AnatomyRecord | None:
    try:
        record = msgspec.json.decode((folder / "record.json").read_bytes(), type=AnatomyRecord)
    except (OSError, msgspec.DecodeError):
        return None
    # A process that failed after its record was written did something that nobody expected.
    return record if (record.status == "ok") == (ended.exit_code == 0) else None
