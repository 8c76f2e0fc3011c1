"""The log of a bisection on the disk, above the folders of its campaigns."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from harness.errors import UnavailableError
from harness.records.bisection import SCHEMA, Bisection
from harness.store.atomic import write_over
from harness.store.layout import BISECTION, BISECTION_REPORT
from harness.store.reading import Broken, read


def load(root: Path) -> Bisection | None:
    """The log in the folder ``root``; ``None`` if there is none.

    Raises:
        UnavailableError: if there is one that cannot be read.
    """
    path = root / BISECTION
    if not os.path.lexists(path):
        return None
    found = read(path, Bisection, "bisection", schema=SCHEMA)
    if isinstance(found, Broken):
        raise UnavailableError(
            f"{path} cannot be read ({found.reason}): remove it, or name another folder with "
            "--results"
        )
    return found


def save(root: Path, log: Bisection, report: str) -> None:
    """Write the log, and the ``report`` in which it is read, over those that are there.

    Raises:
        OSError: if it cannot be written; the earlier one is then still there.
    """
    write_over(root / BISECTION, msgspec.json.format(msgspec.json.encode(log), indent=1) + b"\n")
    write_over(root / BISECTION_REPORT, report.encode())
