"""Runs a parity child, and keeps what it leaves: a record and the arrays beside it.

Layout, below a campaign's folder::

    parity/<scenario>/seed-<seed>-<number>/<backend>-<device>.json   the record
                                           <backend>-<device>.npz    its arrays
                                           verdict.json              what was made of all of them
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.launch.child import Nothing, run_child
from harness.launch.environments import Interpreter
from harness.launch.process import Ended
from harness.records.parity import ParityRecord, Task
from harness.records.trial import Struct
from harness.store.layout import PARITY
from harness.store.runs import numbered_folder, write

Arrays = dict[str, NDArray[Any]]


class Left(Struct, frozen=True, kw_only=True):
    """What a child left; without ``arrays`` the record tells why. ``arrays`` is an ``.npz``."""

    record: ParityRecord
    arrays: bytes | None = None


def run_parity(
    task: Task, interpreter: Interpreter, *, timeout_s: float, pass_env: Iterable[str] = ()
) -> Left:
    """Train ``task`` in a fresh process, which leaves a record also when it fails.

    Args:
        task: what to train; its ``launched_at_ns`` is set here.
        interpreter: the Python of the task's backend.
        timeout_s: seconds until the process and its descendants are ended.
        pass_env: variables of the user's own that the child shall see.

    Raises:
        KeyboardInterrupt: on Ctrl-C, after the child was ended.
    """
    left = run_child(
        "harness.trial.parity",
        task,
        interpreter,
        read=_read,
        timeout_s=timeout_s,
        pass_env=pass_env,
        # Nothing is timed here, and what is computed stays the same: threads of PyTorch that sleep
        # instead of spin finish five times earlier where other programs run (measured on two cores:
        # 31 s instead of 142 s).
        defaults={"OMP_WAIT_POLICY": "PASSIVE"},
    )
    return _told(task, left) if isinstance(left, Nothing) else left


def load_arrays(content: bytes) -> Arrays:
    """The arrays of an ``.npz``, by name and in the order in which they were written.

    Raises:
        ValueError: if it holds anything else than plain arrays.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def new_folder(root: Path, scenario: str, seed: int) -> Path:
    """Make the next free folder of a comparison below the campaign's folder ``root``.

    Raises:
        UnavailableError: if it cannot be made.
    """
    return numbered_folder(root, PARITY, scenario, f"seed-{seed}")


def save(folder: Path, left: Left) -> Path:
    """Write a record and its arrays; the arrays first, so that no record names what is not there.

    Returns:
        The record's path.

    Raises:
        UnavailableError: if they cannot be written.
    """
    cell, record = left.record.cell, left.record
    stem = f"{cell.backend}-{cell.device}" + (f"-{cell.mode}" if cell.mode != "fit" else "")
    if left.arrays is not None:
        write(folder / f"{stem}.npz", left.arrays)
        record = msgspec.structs.replace(record, arrays=f"{stem}.npz")
    path = folder / f"{stem}.json"
    write(path, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    return path


def _read(folder: Path, ended: Ended) -> Left | None:
    """What the child left, if it is all there and the process ended well."""
    try:
        record = msgspec.json.decode((folder / "record.json").read_bytes(), type=ParityRecord)
        if record.status != "ok":
            return Left(record=record)
        content = (folder / (record.arrays or "")).read_bytes()
    except (OSError, msgspec.DecodeError):
        return None
    whole = hashlib.sha256(content).hexdigest() == record.arrays_sha256
    return Left(record=record, arrays=content) if whole and ended.exit_code == 0 else None


def _told(task: Task, nothing: Nothing) -> Left:
    return Left(
        record=ParityRecord(
            status=nothing.status,
            cell=task.cell,
            scenario_version=0,
            seed=task.seed,
            perturbations=task.perturbations,
            campaign=task.campaign,
            started_at=nothing.started_at,
            duration_s=nothing.duration_s,
            harness=task.harness,
            failure=nothing.failure,
        )
    )
