"""Runs one child process in a folder and a group of its own, and ends it for certain."""

from __future__ import annotations

import contextlib
import math
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

from harness.launch import orphans
from harness.launch.interrupts import ending, interruptible, postpone, uninterrupted
from harness.records.cell import Struct
from harness.records.failure import LINE_CHARACTERS, TAIL_LINES

GRACE_S = 5.0
"""Seconds from the polite signal to the one that cannot be refused."""

MEMORY_LOOK_S = 0.5
"""Seconds between two looks at the memory of a child that has a limit: long beside the 70
microseconds that one takes, short beside the seconds in which gigabytes are filled."""

POSIX = os.name == "posix"

SLOW_LOOK_S = 5.0
"""Seconds between two looks at what slows a child that has taken many times its usual time."""

Cause = Literal["itself", "timeout", "memory", "slowed", "stuck", "interrupted"]


class Ended(Struct, frozen=True, kw_only=True):
    """How a process ended.

    ``exit_code`` or ``signal`` is given, never both. ``cause`` is other than ``itself`` where we
    ended it; ``resident_bytes`` is then what it was ended for, where that was its memory, and
    ``why`` says what slowed it, or how it got stuck, where that was the reason.
    """

    cause: Cause
    exit_code: int | None
    signal: str | None
    output_tail: str
    resident_bytes: int | None = None
    why: str | None = None


class SlowLimit(Struct, frozen=True, kw_only=True):
    """When a child is looked at that takes too long: ``look`` says what slows it, if others do."""

    after_s: float
    look: Callable[[], str | None]


class Leash:
    """What another thread holds of a process that :func:`run_process` waits for.

    Args:
        channel: a descriptor that the process inherits; it is closed here once the process has it.
    """

    def __init__(self, channel: int) -> None:
        self.channel = channel
        self._open = True
        self._begun = threading.Event()
        self._watch: _Watch | None = None

    def end(self, cause: Cause, why: str | None = None) -> None:
        """End the process, politely first, without waiting for that; once it runs, if not yet."""
        _start(self._end, cause, why)

    def attach(self, watch: _Watch | None) -> None:
        """Hand over the process; ``None`` if it could not be started. The second time is void.

        The thread that waits for the process calls it, and is not to take the signals that the main
        thread waits for; blocked any earlier, they would be for the process as well.
        """
        self._watch = self._watch or watch
        _leave_signals_to_main()
        if self._open:
            self._open = False
            os.close(self.channel)
        self._begun.set()

    def _end(self, cause: Cause, why: str | None) -> None:
        self._begun.wait()
        if self._watch is not None and not self._watch.over.is_set():
            self._watch.end_politely(cause, why)


@uninterrupted()
def run_process(
    command: Sequence[str],
    *,
    variables: Mapping[str, str],
    folder: Path,
    standard_input: Path,
    timeout_s: float,
    memory_limit_bytes: float | None = None,
    slow_limit: SlowLimit | None = None,
    on_line: Callable[[str], None] | None = None,
    leash: Leash | None = None,
) -> Ended:
    """Run ``command`` to its end, whatever that is.

    While it runs, nothing here wakes up by the clock: the child is measured on the same cores. Only
    a limit of memory is looked after, twice a second, and what slows the child once it is late. The
    kernel would look after memory unasked by ``RLIMIT_DATA``, but it counts what is reserved,
    touched or not, which is another figure than a record's peak resident set; macOS does not
    enforce it; and what a library makes of a refused allocation is its own affair, while here the
    reason is certain.

    Args:
        command: program and arguments.
        variables: the whole environment.
        folder: the working folder.
        standard_input: a file that the process reads.
        timeout_s: seconds until the process and its descendants are ended, perhaps infinite.
        memory_limit_bytes: the resident set of the process and its descendants at which they are
            ended.
        slow_limit: when to look whether other work slows the process, and to end it if so.
        on_line: is told each line that the process prints, from another thread.
        leash: by which another thread may end it.

    Returns:
        How it ended. Ctrl-C, or a request to terminate, is an end like another here
        (``interrupted``), so that the caller can make a record before it passes it on.

    Raises:
        OSError: if the program cannot be started.
    """
    lines: deque[str] = deque(maxlen=TAIL_LINES)
    descendants = orphans.Descendants(variables.get("KERAS_HOME"))
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
            pass_fds=() if leash is None else (leash.channel,),
        )
    descendants.started(process.pid)
    if process.stdout is None:
        raise AssertionError("Popen was given a pipe")
    watch = _Watch(process, timeout_s, memory_limit_bytes, slow_limit)
    if leash is not None:
        leash.attach(watch)
    interrupted = False
    try:
        reader = _start(_read, process.stdout, lines, on_line)
        watchdog = _start(watch.until_over)
        try:
            with interruptible():
                process.wait()
        except KeyboardInterrupt:
            if process.poll() is None:
                interrupted = True
                _end(process)
            else:  # it had just ended: what it left counts, and then the interrupt does
                postpone()
        watch.over.set()
        watchdog.join()
        # Descendants that outlived the child would be beside the next trial's clock.
        _send(process, "SIGKILL")
        lines += [f"still running: {name}" for name in descendants.end()]
        reader.join(timeout=GRACE_S)  # a descendant in a session of its own may hold the pipe open
    except BaseException:
        _end(process)  # whatever stopped us, nothing is left running
        descendants.end()
        raise
    code = process.returncode
    return Ended(
        cause="interrupted" if interrupted else watch.cause,
        exit_code=code if code >= 0 else None,
        signal=_signal_name(-code) if code < 0 else None,
        output_tail="\n".join(lines),
        resident_bytes=watch.resident_bytes,
        why=watch.why,
    )


def _start(target: Callable[..., None], *arguments: object) -> threading.Thread:
    def work() -> None:
        _leave_signals_to_main()
        target(*arguments)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def _leave_signals_to_main() -> None:
    if POSIX and threading.current_thread() is not threading.main_thread():
        # Only the main thread's wait shall be cut short by Ctrl-C; where the system may hand a
        # signal to any thread (macOS), another one would swallow it.
        signal.pthread_sigmask(signal.SIG_BLOCK, ending())


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
    """Ends a process: its time is up, its memory too much, or others slow it. Knows which."""

    def __init__(
        self,
        process: subprocess.Popen[str],
        timeout_s: float,
        memory_limit_bytes: float | None,
        slow_limit: SlowLimit | None,
    ) -> None:
        self._process = process
        self._timeout_s = timeout_s
        self._memory_limit_bytes = memory_limit_bytes
        self._slow_limit = slow_limit
        self.why: str | None = None
        self.over = threading.Event()
        self.cause: Cause = "itself"
        self.resident_bytes: int | None = None

    def until_over(self) -> None:
        """Return when ``over`` is set, or the process was ended."""
        started = time.monotonic()
        deadline = started + self._timeout_s
        late = math.inf if self._slow_limit is None else started + self._slow_limit.after_s
        while not self.over.wait(self._pause_s(min(deadline, late))):
            now = time.monotonic()
            if now >= deadline:
                if not _has_ended(self._process.pid):  # it may have, while this process was stopped
                    self.end_politely("timeout")
                return
            if self._slow_limit is not None and now >= late:
                slowed_by = self._slow_limit.look()
                if slowed_by is not None:
                    self.end_politely("slowed", slowed_by)
                    return
                late = now + SLOW_LOOK_S
            if self._memory_limit_bytes is not None:
                resident_bytes = _resident_bytes(self._process.pid, self._memory_limit_bytes)
                if resident_bytes > self._memory_limit_bytes:
                    self.cause, self.resident_bytes = "memory", resident_bytes
                    # At once: a polite end takes seconds, and a gigabyte in each.
                    _send(self._process, "SIGKILL")
                    return

    def end_politely(self, cause: Cause, why: str | None = None) -> None:
        """End it for ``cause``, at the latest after :data:`GRACE_S`."""
        self.cause, self.why = cause, why
        _send(self._process, "SIGTERM")
        if not self.over.wait(GRACE_S):
            _send(self._process, "SIGKILL")

    def _pause_s(self, until: float) -> float | None:
        left_s = max(0.0, until - time.monotonic())
        pause_s = left_s if self._memory_limit_bytes is None else min(left_s, MEMORY_LOOK_S)
        return None if pause_s == math.inf else pause_s


def _has_ended(pid: int) -> bool:
    """Whether a child has ended, reaped or not; whoever waits for it still gets its code."""
    if not POSIX:
        return False
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _resident_bytes(pid: int, limit_bytes: float) -> int:
    """What a process and its descendants hold.

    The sum of what is resident counts twice what they share. That is told apart, which takes the
    kernel longer, only where the sum is above the limit.
    """
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:  # it has just ended
        return 0
    resident = [_memory(process, "memory_info", "rss") for process in family]
    if len(family) == 1 or sum(resident) <= limit_bytes:
        return sum(resident)
    return sum(
        _memory(process, "memory_full_info", "pss") or alone
        for process, alone in zip(family, resident, strict=True)
    )


def _memory(process: psutil.Process, method: str, field: str) -> int:
    try:
        return int(getattr(getattr(process, method)(), field, 0))
    except psutil.Error:
        return 0


def _end(process: subprocess.Popen[str]) -> None:
    """End the process, politely first; a second Ctrl-C cuts the politeness short."""
    _send(process, "SIGTERM")
    with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt), interruptible():
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
