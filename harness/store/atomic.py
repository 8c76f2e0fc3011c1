"""Files that appear with all of their content, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import filelock

from harness import temporary

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

NOT_OFFERED = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF, errno.ENOSYS})
"""What a file system answers that cannot sync: CIFS, sshfs and shared folders of virtual machines
for a folder. Whatever else it says (EIO, ENOSPC, EDQUOT) is about the content."""


def write_new(path: Path, content: bytes) -> None:
    """Let ``path`` appear with all of ``content``, also if the process dies or the power fails.

    Raises:
        FileExistsError: if it is there already; it stays as it is.
        OSError: if it cannot be written; nothing is left then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = temporary.beside(path)
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
    partial = temporary.beside(path)
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
        _sync(file.fileno())


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Inside, no other process or thread is inside for the same folder: to write a file anew.

    Where the system lets a folder be locked, nothing is left behind.

    Raises:
        OSError: if it cannot be locked.
    """
    descriptor = _locked(folder)
    if descriptor is None:
        with filelock.FileLock(folder / ".writing.lock"):
            yield
        return
    try:
        yield
    finally:
        os.close(descriptor)


def _locked(folder: Path) -> int | None:
    """The descriptor of a folder that is locked until it is closed; ``None`` if it cannot be."""
    if fcntl is None:
        return None
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:  # a file system that locks no folders
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NOT_OFFERED:
            raise


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    # A name is on the disk only once its folder is.
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        if error.errno in NOT_OFFERED | {errno.EACCES, errno.EPERM}:
            return  # a folder that may be written and not read
        raise
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _publish(partial: Path, path: Path) -> None:
    try:
        os.link(partial, path)  # unlike a rename, a link refuses to overwrite
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        with alone_in(path.parent):
            if path.exists():
                raise FileExistsError(path) from None
            partial.replace(path)
