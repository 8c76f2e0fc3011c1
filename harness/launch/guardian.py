"""A small process that outlives a killed harness, and ends what that had started.

``kill -9``, a crash, or the kernel for lack of memory end the harness without a word. Its trial, in
a session of its own, would go on beside the next campaign's clock. This process reads its standard
input, whose other end only the harness has open: when it ends, the harness has, and what that left
is ended. Until then it sleeps. It imports nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path

PREFIX = "harness-child-"
"""Of the temporary folder of a child: ``harness-child-PID-…``, with the number of the harness."""

PROC = Path("/proc")

ROUNDS = 50
"""So often, 20 ms apart, processes are looked for again: one may start others while it is ended."""


def processes_in(folder: str, proc: Path = PROC) -> list[int]:
    """The processes that were started with ``KERAS_HOME`` in ``folder``, a child's own.

    Descendants inherit it, in whatever session or group they are. Empty without ``/proc``.
    """
    if not Path(folder).name.startswith(PREFIX):
        return []
    home = b"KERAS_HOME=" + os.fsencode(folder) + b"/"
    found = []
    for name in os.listdir(proc) if proc.is_dir() else ():  # noqa: PTH208 - names are numbers here
        if name.isdigit() and int(name) != os.getpid():
            with contextlib.suppress(OSError):
                environment = (proc / name / "environ").read_bytes()
                if any(one.startswith(home) for one in environment.split(b"\0")):
                    found.append(int(name))
    return found


def end_all_in(folder: str) -> list[int]:
    """End every process of a child's folder; the numbers of those that were ended."""
    ended: set[int] = set()
    for _ in range(ROUNDS):
        there = processes_in(folder)
        if not there:
            break
        for number in there:
            ended.add(number)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.02)
    return sorted(ended)


def main(ignored: list[str]) -> None:
    """Keep the list that standard input tells, and end what is on it when that ends.

    The signals ``ignored`` end the harness, which tells the rest.
    """
    for name in ignored:
        signal.signal(signal.Signals[name], signal.SIG_IGN)
    groups: dict[str, str] = {}
    folders: set[str] = set()
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        number, _, folder = rest.partition(" ")
        if word == "group":
            groups[number] = folder
        elif word == "ended":
            groups.pop(number, None)
        elif word == "folder":
            folders.add(rest)
        elif word == "removed":
            folders.discard(rest)
    for number in groups:
        with contextlib.suppress(OSError):
            os.killpg(int(number), signal.SIGKILL)
    for folder in folders:
        end_all_in(folder)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
