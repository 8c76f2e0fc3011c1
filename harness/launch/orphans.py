"""Sees to it that nothing of a child outlives it, nor a child the harness.

A child is in a group and a session of its own, and may start processes in others. While it lives
they are its descendants; when it ends, Linux hands those that are left to the nearest ancestor that
asked for them, which is this process. Should it be killed, :mod:`.guardian` does the same.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from harness import temporary
from harness.data import cache
from harness.errors import UnavailableError
from harness.launch import guardian
from harness.launch.interrupts import ending

_SET_CHILD_SUBREAPER = 36
"""``PR_SET_CHILD_SUBREAPER`` of ``linux/prctl.h``."""

LONGEST_S = 2.0
"""Seconds after which a process that does not end is named instead."""


class Descendants:
    """Everything that one child starts.

    Made before the child is, so that it knows what was there already.

    Args:
        keras_home: the child's, by which its descendants are told from those of another child.
    """

    def __init__(self, keras_home: str | None) -> None:
        _adopt()
        self._before = _children()
        self._folder = os.path.dirname(keras_home) if keras_home else ""  # noqa: PTH120 - a text that the environment holds
        self.pid: int | None = None
        _alive.add(self)

    def started(self, pid: int) -> None:
        """The child is there."""
        self.pid = pid
        _guardian.tell(f"group {pid} {self._folder}")

    def end(self) -> list[str]:
        """End whatever the child has left, and name what could not be ended.

        The child itself has ended, and was waited for.
        """
        _alive.discard(self)
        if self.pid is not None:
            _guardian.tell(f"ended {self.pid}")
        if not sys.platform.startswith("linux"):
            return []
        until = time.monotonic() + LONGEST_S
        while left := self._left():
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            for process in left:
                _reap(process.pid)
            if time.monotonic() > until:
                return [_named(process) for process in self._left()]
            time.sleep(0.005)
        return []

    def _left(self) -> list[psutil.Process]:
        mine = {process.pid for process in _processes(guardian.processes_in(self._folder))}
        # Of several children alive at once, an adopted one may be of another.
        adopted = {
            process.pid: process
            for process in _children()
            if process not in self._before
            and process.pid not in {_guardian.pid, *(child.pid for child in _alive)}
            and (process.pid in mine or not _alive)
        }
        for pid in [*adopted]:
            if _reap(pid):
                del adopted[pid]
        return [*_processes(mine - set(adopted)), *adopted.values()]


def end_children() -> None:
    """End every child that runs now; whoever waits for one then goes on."""
    for child in list(_alive):
        if child.pid is not None:
            with contextlib.suppress(OSError):
                os.killpg(child.pid, signal.SIGKILL)


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """A new folder for a child, which goes with the block, or with this process.

    Raises:
        OSError: if it cannot be made.
    """
    prefix = f"{guardian.PREFIX}{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        _guardian.tell(f"folder {name}")
        try:
            yield name
        finally:
            _guardian.tell(f"removed {name}")


def sweep() -> None:
    """Remove folders of children whose harness was killed, and end what still runs in them.

    Only for who holds the machine's lock. Folders of other users are left alone. What a killed
    harness has left beside them and in the cache goes too.
    """
    with contextlib.suppress(OSError):  # a machine without any temporary folder
        temporary.sweep(Path(tempfile.gettempdir()))
    with contextlib.suppress(UnavailableError):
        temporary.sweep(cache.find().folder)
    with contextlib.suppress(OSError):
        for folder in Path(tempfile.gettempdir()).glob(f"{guardian.PREFIX}*-*"):
            with contextlib.suppress(OSError):
                status = folder.lstat()
                if folder.is_symlink() or (os.name == "posix" and status.st_uid != os.getuid()):
                    continue
                owner = folder.name.removeprefix(guardian.PREFIX).partition("-")[0]
                if not owner.isdigit() or temporary.lives(int(owner), status.st_mtime):
                    continue
                guardian.end_all_in(str(folder))
                shutil.rmtree(folder, ignore_errors=True)


def _adopt() -> None:
    """Let Linux hand the orphans among our descendants to this process."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _children() -> set[psutil.Process]:
    if not sys.platform.startswith("linux"):
        return set()
    with contextlib.suppress(psutil.Error):
        return set(psutil.Process().children())
    return set()


def _processes(pids: Iterable[int]) -> list[psutil.Process]:
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _reap(pid: int) -> bool:
    """Whether an adopted process has ended; it is then gone from the table of processes."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def _named(process: psutil.Process) -> str:
    try:
        return f"pid {process.pid}, {process.name()}"
    except psutil.Error:
        return f"pid {process.pid}"


class _Guardian:
    """The guardian of this process, started with its first child."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._owner = 0
        self._turn = threading.Lock()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def tell(self, line: str) -> None:
        """Tell a line; without a guardian things go on, and are swept later."""
        if os.name != "posix" or "\n" in line:
            return
        with self._turn, contextlib.suppress(OSError, ValueError):
            if self._owner != os.getpid():  # none yet, or that of a process which was forked
                self._start()
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(f"{line}\n")
                self._process.stdin.flush()

    def _start(self) -> None:
        self._owner, self._process = os.getpid(), None
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", guardian.__file__, *(each.name for each in ending())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="surrogateescape",
            cwd="/",
            env={"PYTHONUTF8": "1"},
            start_new_session=True,
        )
        atexit.register(self._end, self._process)

    def _end(self, process: subprocess.Popen[str]) -> None:
        if self._owner == os.getpid():
            with contextlib.suppress(OSError, ValueError):
                process.communicate(timeout=5)


_alive: weakref.WeakSet[Descendants] = weakref.WeakSet()
"""Of the children that run now, or are about to be started."""

_guardian = _Guardian()
