"""Reads what is a regular file, up to a limit, and nothing else.

What stands where a file should be may be a pipe that nobody writes to, a link to an endless device,
or a file larger than the memory.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

LARGEST_SOURCE_BYTES = 8_000_000
"""Far beyond any program that a person writes."""


UNPARSABLE = (SyntaxError, RecursionError, MemoryError)
"""What Python raises for a program that it cannot parse: the last two where it is nested deeply."""


class NotAFileError(OSError):
    """What stands there is no regular file, or one that is too large."""


@contextlib.contextmanager
def regular(path: Path, limit_bytes: int | None) -> Iterator[BufferedReader]:
    """Open a regular file.

    Args:
        path: the file.
        limit_bytes: the largest that is opened; ``None`` for no limit.

    Raises:
        NotAFileError: for anything else, and for a larger one.
        OSError: if it cannot be read.
    """
    # Neither blocks at a pipe without a writer, nor takes a terminal for its own.
    flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    with open(path, "rb", opener=lambda name, mode: os.open(name, mode | flags)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise NotAFileError("no regular file")
        if limit_bytes is not None and status.st_size > limit_bytes:
            raise NotAFileError(too_large(status.st_size, limit_bytes))
        yield file


def content(path: Path, limit_bytes: int) -> bytes:
    """All bytes of a regular file of at most ``limit_bytes``.

    Raises:
        NotAFileError: for anything else, and for a larger one.
        OSError: if it cannot be read.
    """
    with regular(path, limit_bytes) as file:
        # A file that grows meanwhile, or tells no size (/proc), ends at the limit too.
        found = file.read(limit_bytes + 1)
    if len(found) > limit_bytes:
        raise NotAFileError(too_large(len(found), limit_bytes))
    return found


def source(path: Path) -> bytes:
    """The text of a program, of at most :data:`LARGEST_SOURCE_BYTES`.

    Raises:
        NotAFileError: for what is no regular file, and for a larger one.
        OSError: if it cannot be read.
    """
    return content(path, LARGEST_SOURCE_BYTES)


def why(error: Exception) -> str:
    """The reason of an error in a few words, without the path."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def too_large(size_bytes: int, limit_bytes: int) -> str:
    """Why a file of that size is not read."""
    return f"too large: {size_bytes / 1e6:,.0f} MB, of at most {limit_bytes / 1e6:,.0f}"
