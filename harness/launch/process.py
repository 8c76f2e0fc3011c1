"""Runs one child process in a group of its own, keeps its last lines, and ends it for certain."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Literal

from harness.record import Struct

TAIL_LINES = 40
"""How many of the last lines are kept, each cut at :data:`LINE_CHARACTERS`."""

LINE_CHARACTERS = 500

GRACE_S = 5.0
"""Seconds from the polite signal to the one that cannot be refused."""

POSIX = os.name == "posix"


class Ended(Struct, frozen=True, kw_only=True):
    """How a process ended.

    ``exit_code`` or ``signal`` is given, never both. ``cause`` is ``timeout`` or ``interrupted``
    where we ended it.
    """

    cause: Literal["itself", "timeout", "interrupted"]
    exit_code: int | None
    signal: str | None
    output_tail: str


def run_process(
    command: Sequence[str],
    *,
    variables: Mapping[str, str],
    folder: Path,
    standard_input: Path,
    timeout_s: float,
    on_line: Callable[[str], None] | None = None,
) -> Ended:
    """Run ``command`` to its end, whatever that is.

    While it runs, nothing here wakes up by the clock: the child is measured on the same cores.

    Args:
        command: program and arguments.
        variables: the whole environment.
        folder: the working folder.
        standard_input: a file that the process reads.
        timeout_s: seconds until the process and its descendants are ended.
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
    over, expired = threading.Event(), threading.Event()
    interrupted = False
    try:
        reader = _start(_read, process.stdout, lines, on_line)
        watchdog = _start(_watch, process, timeout_s, over, expired)
        try:
            process.wait()
        except KeyboardInterrupt:
            interrupted = True
            _end(process)
        over.set()
        watchdog.join()
        # Descendants that outlived the child would be beside the next trial's clock.
        _send(process, "SIGKILL")
        reader.join(timeout=GRACE_S)  # a descendant in a session of its own may hold the pipe open
    except BaseException:
        _end(process)  # whatever stopped us, nothing is left running
        raise
    code = process.returncode
    return Ended(
        cause="interrupted" if interrupted else "timeout" if expired.is_set() else "itself",
        exit_code=code if code >= 0 else None,
        signal=_signal_name(-code) if code < 0 else None,
        output_tail="\n".join(lines),
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


def _watch(
    process: subprocess.Popen[str],
    timeout_s: float,
    over: threading.Event,
    expired: threading.Event,
) -> None:
    if not over.wait(timeout_s):
        expired.set()
        _send(process, "SIGTERM")
        if not over.wait(GRACE_S):
            _send(process, "SIGKILL")


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
