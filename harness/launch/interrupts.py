"""Ctrl-C, and its relatives, between the trials of a campaign."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXCPU")
"""Signals that end a campaign, and cost no measurement. By the last three batch systems warn a job
before they kill it."""


@contextlib.contextmanager
def ends_as_interrupt() -> Iterator[None]:
    """Inside, a request to terminate and a closed terminal end things as Ctrl-C does.

    A CI job that is cancelled, and a batch system whose time is up, send SIGTERM. Without this the
    running trial would go on alone, in its own session, with nobody to take its record.

    Ctrl-C is also made to cut a wait short again. A library in this process may have put a handler
    before Python's that restarts what was interrupted (Polars does): the campaign would then go on
    waiting for its child as if nobody had pressed a key.
    """
    _restore_interruption()
    names = [name for name in _there() if name != "SIGINT"]
    with _handlers(dict.fromkeys(names, _interrupt)):
        yield


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Inside, Ctrl-C and its relatives wait for the end of the block.

    Inside of another such block they wait for the end of that one. Only :func:`interruptible` lets
    them through.

    Raises:
        KeyboardInterrupt: after the block, if one of them came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []

    def later(number: int, _frame: FrameType | None) -> None:
        waiting.append(number)

    _blocks.append(waiting)
    try:
        with _handlers(dict.fromkeys(_there(), later)):
            yield
    finally:
        _blocks.pop()
        outer = _blocks[-1] if _blocks else None
        if outer is not None:
            outer += waiting
    if waiting and outer is None:
        raise KeyboardInterrupt


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Inside, Ctrl-C and its relatives raise at once, also in an uninterrupted block.

    Raises:
        KeyboardInterrupt: if one of them came, or has been waiting since the block began.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _restore_interruption()
    waiting = _blocks[-1] if _blocks else None
    _blocks.append(None)
    try:
        with _handlers(dict.fromkeys(_there(), _interrupt)):
            if waiting:
                waiting.clear()
                raise KeyboardInterrupt
            yield
    finally:
        _blocks.pop()


def postpone() -> None:
    """Let an interrupt that was caught wait for the end of the uninterrupted block.

    Raises:
        KeyboardInterrupt: if there is no such block.
    """
    if not _blocks or _blocks[-1] is None:
        raise KeyboardInterrupt
    _blocks[-1].append(signal.SIGINT)


_blocks: list[list[int] | None] = []
"""Of each block under way, the innermost last: signals that wait, or ``None`` where none does."""


def _there() -> list[str]:
    return [name for name in ENDING if hasattr(signal, name)]


def ending() -> set[signal.Signals]:
    """Those of :data:`ENDING` that this system has."""
    return {signal.Signals[name] for name in _there()}


def _restore_interruption() -> None:
    """Let Ctrl-C cut a wait short, whatever a library has set."""
    if hasattr(signal, "siginterrupt") and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.siginterrupt(signal.SIGINT, True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _handlers(handlers: dict[str, signal._HANDLER]) -> Iterator[None]:
    """Put ``handlers`` in place, by the names of their signals, and the earlier ones back."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python lets only the main thread set handlers, and only that one is interrupted
        return
    earlier = {}
    for name, handler in handlers.items():
        number = signal.Signals[name]
        # `nohup` and background jobs of a shell ignore signals on purpose.
        if signal.getsignal(number) is not signal.SIG_IGN:
            earlier[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
