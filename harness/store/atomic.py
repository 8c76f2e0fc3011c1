"""Files that appear with all of their content, or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_new(path: Path, content: bytes) -> None:
    """Let ``path`` appear with all of ``content``, also if the process dies or the power fails.

    Raises:
        FileExistsError: if it is there already; it stays as it is.
        OSError: if it cannot be written; nothing is left then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write_synced(partial, content)
        _publish(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    _sync_folder(path.parent)


def write_over(path: Path, content: bytes) -> None:
    """Let ``path`` hold all of ``content``, or still what it held before.

    Raises:
        OSError: if it cannot be written; nothing has changed then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write_synced(partial, content)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    _sync_folder(path.parent)


def write_synced(path: Path, content: bytes) -> None:
    """Write ``content`` and wait until it is on the disk.

    Raises:
        OSError: if it cannot be written, a full disk included.
    """
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    # A name is on the disk only once its folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(partial: Path, path: Path) -> None:
    try:
        os.link(partial, path)  # unlike a rename, a link refuses to overwrite
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from None
        partial.replace(path)
