"""Runs one child process in a group of its own, keeps its last lines, and ends it for certain."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal

import psutil

from harness.record import Struct

TAIL_LINES = 40
"""How many of the last lines are kept, each cut at :data:`LINE_CHARACTERS`."""

LINE_CHARACTERS = 500

GRACE_S = 5.0
"""Seconds from the polite signal to the one that cannot be refused."""

MEMORY_LOOK_S = 0.5
"""Seconds between two looks at the memory of a child that has a limit: long beside the 70
microseconds that one takes, short beside the seconds in which gigabytes are filled."""

POSIX = os.name == "posix"

Cause = Literal["itself", "timeout", "memory", "interrupted"]


class Ended(Struct, frozen=True, kw_only=True):
    """How a process ended.

    ``exit_code`` or ``signal`` is given, never both. ``cause`` is other than ``itself`` where we
    ended it; ``resident_bytes`` is then what it was ended for, where that was its memory.
    """

    cause: Cause
    exit_code: int | None
    signal: str | None
    output_tail: str
    resident_bytes: int | None = None


def run_process(
    command: Sequence[str],
    *,
    variables: Mapping[str, str],
    folder: Path,
    standard_input: Path,
    timeout_s: float,
    memory_limit_bytes: float | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Ended:
    """Run ``command`` to its end, whatever that is.

    While it runs, nothing here wakes up by the clock: the child is measured on the same cores. Only
    a limit of memory is looked after, twice a second. The kernel would do so unasked by
    ``RLIMIT_DATA``, but it counts what is reserved, touched or not, which is another figure than a
    record's peak resident set; macOS does not enforce it; and what a library makes of a refused
    allocation is its own affair, while here the reason is certain.

    Args:
        command: program and arguments.
        variables: the whole environment.
        folder: the working folder.
        standard_input: a file that the process reads.
        timeout_s: seconds until the process and its descendants are ended.
        memory_limit_bytes: the resident set of the process at which they are ended.
        on_line: is told each line that the process prints, from another thread.

    Returns:
        How it ended. Ctrl-C is an end like another here (``interrupted``), so that the caller can
        make a record before it passes the interruption on.

    Raises:
        OSError: if the program cannot be started.
    """
    lines: deque[str] = deque(maxlen=TAIL_LINES)
    with standard_input.open("rb") as given:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(variables),
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            # A session of its own: Ctrl-C in the terminal reaches us alone, and we can end the
            # process together with whatever it has started.
            start_new_session=POSIX,
        )
    if process.stdout is None:
        raise AssertionError("Popen was given a pipe")
    watch = _Watch(process, timeout_s, memory_limit_bytes)
    interrupted = False
    try:
        reader = _start(_read, process.stdout, lines, on_line)
        watchdog = _start(watch.until_over)
        try:
            process.wait()
        except KeyboardInterrupt:
            interrupted = True
            _end(process)
        watch.over.set()
        watchdog.join()
        # Descendants that outlived the child would be beside the next trial's clock.
        _send(process, "SIGKILL")
        reader.join(timeout=GRACE_S)  # a descendant in a session of its own may hold the pipe open
    except BaseException:
        _end(process)  # whatever stopped us, nothing is left running
        raise
    code = process.returncode
    return Ended(
        cause="interrupted" if interrupted else watch.cause,
        exit_code=code if code >= 0 else None,
        signal=_signal_name(-code) if code < 0 else None,
        output_tail="\n".join(lines),
        resident_bytes=watch.resident_bytes,
    )


def _start(target: Callable[..., None], *arguments: object) -> threading.Thread:
    def work() -> None:
        if POSIX:
            # Only the main thread's wait shall be cut short by Ctrl-C; where the system may hand a
            # signal to any thread (macOS), one of these would swallow it.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        target(*arguments)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def _read(stream: IO[str], lines: deque[str], on_line: Callable[[str], None] | None) -> None:
    # ValueError: the stream was closed under us; there is nothing more to read then.
    with stream, contextlib.suppress(ValueError):
        # Universal newlines end a line at a carriage return too, so a progress bar is many lines.
        while line := stream.readline(64 * 1024):
            text = line.rstrip()[:LINE_CHARACTERS]
            if text:
                lines.append(text)
                if on_line:
                    on_line(text)


class _Watch:
    """Ends a process when its time is up or its memory too much, and knows which it was."""

    def __init__(
        self, process: subprocess.Popen[str], timeout_s: float, memory_limit_bytes: float | None
    ) -> None:
        self._process = process
        self._timeout_s = timeout_s
        self._memory_limit_bytes = memory_limit_bytes
        self.over = threading.Event()
        self.cause: Cause = "itself"
        self.resident_bytes: int | None = None

    def until_over(self) -> None:
        """Return when ``over`` is set, or the process was ended."""
        deadline = time.monotonic() + self._timeout_s
        while not self.over.wait(self._pause_s(deadline)):
            if time.monotonic() >= deadline:
                self.cause = "timeout"
                _send(self._process, "SIGTERM")
                if not self.over.wait(GRACE_S):
                    _send(self._process, "SIGKILL")
                return
            if self._memory_limit_bytes is not None:
                resident_bytes = _resident_bytes(self._process.pid)
                if resident_bytes > self._memory_limit_bytes:
                    self.cause, self.resident_bytes = "memory", resident_bytes
                    # At once: a polite end takes seconds, and a gigabyte in each.
                    _send(self._process, "SIGKILL")
                    return

    def _pause_s(self, deadline: float) -> float:
        left_s = max(0.0, deadline - time.monotonic())
        return left_s if self._memory_limit_bytes is None else min(left_s, MEMORY_LOOK_S)


def _resident_bytes(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0


def _end(process: subprocess.Popen[str]) -> None:
    """End the process, politely first; a second Ctrl-C cuts the politeness short."""
    _send(process, "SIGTERM")
    with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        process.wait(timeout=GRACE_S)
    _send(process, "SIGKILL")
    while process.returncode is None:
        with contextlib.suppress(KeyboardInterrupt):
            process.wait()


def _send(process: subprocess.Popen[str], name: str) -> None:
    """Signal the whole group, which may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if POSIX:
            os.killpg(process.pid, signal.Signals[name])
        else:
            process.kill()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
