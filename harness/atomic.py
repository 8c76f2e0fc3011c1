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
    if os.name == "posix":
        # The name is on the disk only once its folder is.
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_synced(path: Path, content: bytes) -> None:
    """Write ``content`` and wait until it is on the disk.

    Raises:
        OSError: if it cannot be written, a full disk included.
    """
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _publish(partial: Path, path: Path) -> None:
    try:
        os.link(partial, path)  # unlike a rename, a link refuses to overwrite
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from None
        partial.replace(path)
