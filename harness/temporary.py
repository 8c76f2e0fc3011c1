"""Temporary files and folders that carry their owner's name, so that those of killed ones can go.

``.seed-1-rep-1.json.3f2a91-4711-9c01d2e4.partial``: of which system of processes, of which process
in it, and a number that nobody else draws.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SUFFIX = ".partial"

ABROAD_S = 24 * 3600.0
"""Age in seconds at which one of another machine or container is taken for left: nothing here
writes a file for so long."""

_NAME = re.compile(r"\..*\.(?P<where>[0-9a-f]{6})-(?P<pid>\d{1,9})-[0-9a-f]{8}\.partial")


def beside(path: Path) -> Path:
    """A name beside ``path`` that no other process and no other thread has."""
    return path.with_name(name(path.name))


def name(stem: str) -> str:
    """The name of a temporary file or folder of this process."""
    return f".{stem}.{_where()}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"


@contextlib.contextmanager
def folder(parent: Path | None = None, stem: str = "harness") -> Iterator[Path]:
    """A new folder that goes with the block: in ``parent``, or where temporary files belong.

    Raises:
        OSError: if it cannot be made.
    """
    made = Path(parent or tempfile.gettempdir(), name(stem))
    made.mkdir(mode=0o700)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def sweep(*folders: Path, deep: bool = False) -> None:
    """Remove what processes that are no more have left in ``folders``; what cannot be stays.

    Args:
        folders: those to look in; they need not be there.
        deep: whether to look below them too. Links are not followed.
    """
    for folder in folders:
        for place, below, names in os.walk(folder):
            for each in [*below, *names]:
                path = Path(place, each)
                if is_left(path):
                    _remove(path)
            below[:] = [each for each in below if deep and not each.endswith(SUFFIX)]


def is_left(path: Path) -> bool:
    """Whether ``path`` is a temporary file or folder whose process is no more."""
    found = _NAME.fullmatch(path.name)
    if found is None:
        return False
    try:
        status = path.lstat()
    except OSError:
        return False
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        return False
    if found["where"] != _where():
        return time.time() - status.st_mtime > ABROAD_S
    return not lives(int(found["pid"]), status.st_mtime)


def lives(pid: int, since_s: float) -> bool:
    """Whether the process that made something at that time, in seconds of the epoch, still runs."""
    import psutil

    try:
        return psutil.Process(pid).create_time() <= since_s + 1
    except psutil.Error:
        return _is_there(pid)


def _is_there(pid: int) -> bool:
    """Whether a process has that number, by the kernel itself: ``/proc`` may hide it."""
    if os.name != "posix":
        import psutil

        return psutil.pid_exists(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


@functools.cache
def _where() -> str:
    """Six signs for the machine or container whose numbers of processes these are."""
    with contextlib.suppress(OSError):
        namespace = Path("/proc/self/ns/pid").stat().st_ino
        return hashlib.sha256(f"{socket.gethostname()} {namespace}".encode()).hexdigest()[:6]
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]
