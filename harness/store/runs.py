"""Keeps what a child left: numbered folders below a campaign's, and files that appear whole."""

from __future__ import annotations

import itertools
from pathlib import Path

from harness.errors import UnavailableError
from harness.store.atomic import write_new


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
