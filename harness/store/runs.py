"""Keeps what parity and anatomy leave: numbered folders below a campaign's, and whole files.

Layout, below a campaign's folder::

    parity/<scenario>/seed-<seed>-<number>/<backend>-<device>.json   the record
                                           <backend>-<device>.npz    its arrays
                                           verdict.json              what was made of all of them
    anatomy/<scenario>/run-<number>/<backend>-<device>-<process>.json
"""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness.errors import UnavailableError
from harness.records.anatomy import AnatomyRecord
from harness.records.parity import ParityRecord
from harness.store.atomic import write_new

ANATOMY = "anatomy"
"""Below the campaign's folder; nothing else in a results folder is called so."""

Arrays = dict[str, NDArray[Any]]


def parity_folder(root: Path, scenario: str, seed: int) -> Path:
    """Make the next free folder of a comparison below the campaign's folder ``root``.

    Raises:
        UnavailableError: if it cannot be made.
    """
    return numbered_folder(root, "parity", scenario, f"seed-{seed}")


def anatomy_folder(root: Path, scenario: str) -> Path:
    """Make the next free folder of an anatomy below the campaign's folder ``root``.

    Raises:
        UnavailableError: if it cannot be made.
    """
    return numbered_folder(root, ANATOMY, scenario, "run")


def save_parity(folder: Path, record: ParityRecord, arrays: bytes | None = None) -> Path:
    """Write a record and its arrays; the arrays first, so that no record names what is not there.

    Returns:
        The record's path.

    Raises:
        UnavailableError: if they cannot be written.
    """
    cell = record.cell
    stem = f"{cell.backend}-{cell.device}" + (f"-{cell.mode}" if cell.mode != "fit" else "")
    if arrays is not None:
        write(folder / f"{stem}.npz", arrays)
        record = msgspec.structs.replace(record, arrays=f"{stem}.npz")
    return _save(folder / f"{stem}.json", record)


def save_anatomy(folder: Path, record: AnatomyRecord) -> Path:
    """Write a record and give its path.

    Raises:
        UnavailableError: if it cannot be written.
    """
    cell = record.cell
    return _save(folder / f"{cell.backend}-{cell.device}-{record.process}.json", record)


def load_arrays(content: bytes) -> Arrays:
    """The arrays of an ``.npz``, by name and in the order in which they were written.

    Raises:
        ValueError: if it holds anything else than plain arrays.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _save(path: Path, record: ParityRecord | AnatomyRecord) -> Path:
    write(path, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")
    return path


def numbered_folder(root: Path, kind: str, scenario: str, stem: str) -> Path:
    """Make the next free folder ``ROOT/KIND/SCENARIO/STEM-NUMBER``.

    Raises:
        UnavailableError: if it cannot be made.
    """
    for number in itertools.count(1):
        folder = root / kind / scenario / f"{stem}-{number}"
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


def write(path: Path, content: bytes) -> None:
    """Let a new file appear with all of its content.

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
