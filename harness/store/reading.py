"""Reads one JSON file of a known type and schema, or says why it cannot be read.

A results folder may come from a stranger. What stands where a record should be may be a pipe that
nobody writes to, a link to an endless device, or a file larger than the memory: only regular files
up to a limit are opened for good.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

import msgspec

from harness.records.decoding import LARGEST_BYTES, UndecodableError, decode, too_large
from harness.records.trial import Struct
from harness.words import plain

_Kind = TypeVar("_Kind")


class Broken(Struct, frozen=True, kw_only=True):
    """A file that could not be read, and why."""

    path: str
    reason: str


def broken(path: Path, reason: str) -> Broken:
    """What is said of a file; its name may come from a stranger, and is made harmless."""
    return Broken(path=plain(str(path), limit=4_000), reason=plain(reason))


class _Header(msgspec.Struct):
    schema: int


class NotAFileError(OSError):
    """What stands there is no regular file, or one that is too large."""


@contextlib.contextmanager
def regular(path: Path, limit_bytes: int | None = LARGEST_BYTES) -> Iterator[BufferedReader]:
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
            raise NotAFileError(too_large(status.st_size))
        yield file


def content(path: Path, limit_bytes: int = LARGEST_BYTES) -> bytes:
    """All bytes of a regular file of at most ``limit_bytes``.

    Raises:
        NotAFileError: for anything else, and for a larger one.
        OSError: if it cannot be read.
    """
    with regular(path, limit_bytes) as file:
        # A file that grows meanwhile, or tells no size (/proc), ends at the limit too.
        found = file.read(limit_bytes + 1)
    if len(found) > limit_bytes:
        raise NotAFileError(too_large(len(found)))
    return found


def why(error: Exception) -> str:
    """The reason of an error in a few words, without the path."""
    return getattr(error, "strerror", None) or str(error)


def read(path: Path, kind: type[_Kind], noun: str, *, schema: int | None) -> _Kind | Broken:
    """The content of ``path``; fields that a newer harness added pass.

    Args:
        path: The file.
        kind: The type of its content.
        noun: What a person calls it.
        schema: The one that this harness reads; ``None`` for a file that has none.
    """
    try:
        found = content(path)
        if schema is not None and (written := decode(found, _Header, noun).schema) != schema:
            reason = f"written in schema {written}; this harness reads {schema}"
            return broken(path, reason)
        return decode(found, kind, noun)
    except UndecodableError as error:
        reason = str(error)
    except OSError as error:
        reason = f"cannot be read: {why(error)}"
    return broken(path, reason)
