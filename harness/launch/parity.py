"""Runs a parity child, and keeps what it leaves: a record and the arrays beside it.

Layout, below a campaign's folder::

    parity/<scenario>/seed-<seed>-<number>/<backend>-<device>.json   the record
                                           <backend>-<device>.npz    its arrays
                                           verdict.json              what was made of all of them
"""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.atomic import write_new
from harness.errors import UnavailableError
from harness.launch.environments import Interpreter
from harness.launch.process import Ended, run_process
from harness.launch.variables import child_variables
from harness.parity import ParityRecord, Task
from harness.record import Failure, Status, Struct

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
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    task = msgspec.structs.replace(task, launched_at_ns=time.time_ns())
    left = None
    try:
        with TemporaryDirectory(prefix="harness-parity-", ignore_cleanup_errors=True) as name:
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
            # Nothing is timed here, and what is computed stays the same: threads of PyTorch that
            # sleep instead of spin finish five times earlier where other programs run (measured on
            # two cores: 31 s instead of 142 s).
            variables.setdefault("OMP_WAIT_POLICY", "PASSIVE")
            ended = run_process(
                [str(interpreter.python), "-m", "harness.trial.parity", str(folder)],
                variables=variables,
                folder=folder,
                standard_input=folder / "task.json",
                timeout_s=timeout_s,
            )
            left = _read(folder, ended)
    except OSError as error:
        ended = Ended(cause="itself", exit_code=None, signal=None, output_tail=str(error))
    if ended.cause == "interrupted":
        raise KeyboardInterrupt
    return left or _nothing(task, started_at, ended, timeout_s)


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
    for number in itertools.count(1):
        folder = root / "parity" / scenario / f"seed-{seed}-{number}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise UnavailableError(
                f"the results folder {root} cannot be written: {error.strerror or error}. "
                "Choose another with --results"
            ) from None
        return folder
    raise AssertionError("count has no end")


def save(folder: Path, left: Left) -> Path:
    """Write a record and its arrays; the arrays first, so that no record names what is not there.

    Returns:
        The record's path.

    Raises:
        UnavailableError: if they cannot be written.
    """
    cell, record = left.record.cell, left.record
    stem = f"{cell.backend}-{cell.device}"
    if left.arrays is not None:
        write(folder / f"{stem}.npz", left.arrays)
        record = msgspec.structs.replace(record, arrays=f"{stem}.npz")
    path = folder / f"{stem}.json"
    write(path, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    return path


def write(path: Path, content: bytes) -> None:
    """Let a new file of a comparison appear with all of its content.

    Raises:
        UnavailableError: if it cannot be written.
    """
    try:
        write_new(path, content)
    except OSError as error:
        raise UnavailableError(
            f"{path} cannot be written: {error.strerror or error}. Make room, or choose another "
            "folder with --results"
        ) from None


def _read(folder: Path, ended: Ended) -> Left | None:
    """What the child left, if it is all there and the process ended well."""
    if ended.cause != "itself" or ended.signal is not None:
        return None
    try:
        record = msgspec.json.decode((folder / "record.json").read_bytes(), type=ParityRecord)
        if record.status != "ok":
            return Left(record=record)
        content = (folder / (record.arrays or "")).read_bytes()
    except (OSError, msgspec.DecodeError):
        return None
    whole = hashlib.sha256(content).hexdigest() == record.arrays_sha256
    return Left(record=record, arrays=content) if whole and ended.exit_code == 0 else None


def _nothing(task: Task, started_at: str, ended: Ended, timeout_s: float) -> Left:
    status, reason = _why(ended, timeout_s)
    return Left(
        record=ParityRecord(
            status=status,
            cell=task.cell,
            scenario_version=0,
            seed=task.seed,
            perturbations=task.perturbations,
            campaign=task.campaign,
            started_at=started_at,
            duration_s=(time.time_ns() - task.launched_at_ns) * 1e-9,
            harness=task.harness,
            failure=Failure(
                reason=reason,
                exit_code=ended.exit_code,
                signal=ended.signal,
                output_tail=ended.output_tail,
            ),
        )
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
