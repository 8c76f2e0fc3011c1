"""Output that cannot fail: what a terminal, a pipe or a full disk refuses stops no campaign."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import IO, Any

REFUSED: dict[str, OSError] = {}
"""What a stream refused first, by its name; what is written to it afterwards is dropped."""


def guard() -> None:
    """Let standard output and error drop what cannot be written, and remember that it was.

    A stream that was closed before Python started is taken for one that nobody reads: else the
    first file that is opened would get its number, and the output with it.
    """
    for number, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - a descriptor, for as long as the process lives
        elif number and _is_plain(stream):
            setattr(sys, name, _guarded(stream, name))


def lost() -> str | None:
    """Why a part of the output was not shown; ``None`` if all was, empty if its reader has gone.

    Whoever wrote ``| head -1`` knows it.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None:
            try:
                stream.flush()
            except (OSError, ValueError):  # one that is not ours, or closed
                continue
    if not REFUSED:
        return None
    name, error = next(iter(REFUSED.items()))
    if error.errno == errno.EPIPE:
        return ""
    why = error.strerror or str(error)
    return f"a part of what was said on {name} was lost: {why}; the files are written all the same"


def _is_plain(stream: Any) -> bool:
    """Whether it is Python's own stream on a descriptor, not one that somebody put in its place."""
    return isinstance(stream, io.TextIOWrapper) and isinstance(
        getattr(stream.buffer, "raw", stream.buffer), io.FileIO
    )


def _guarded(stream: io.TextIOWrapper, name: str) -> IO[str]:
    try:
        stream.flush()
    except OSError as error:
        REFUSED.setdefault(name, error)
    raw = _Guarded(stream.fileno(), name)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _Guarded(io.FileIO):
    """The bytes of a stream; once one part was refused, the rest is not tried."""

    def __init__(self, descriptor: int, name: str) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._stream = name

    def write(self, content: Any, /) -> int:
        if self._stream not in REFUSED:
            try:
                return super().write(content) or 0
            except OSError as error:
                REFUSED[self._stream] = error
        return memoryview(content).nbytes
