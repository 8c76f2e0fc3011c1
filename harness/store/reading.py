"""Reads one JSON file of a known type and schema, or says why it cannot be read.

A results folder may come from a stranger: see :mod:`harness.regular_files`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from harness.records.cell import Struct
from harness.records.decoding import LARGEST_BYTES, UndecodableError, decode
from harness.regular_files import content, why
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


def read(path: Path, kind: type[_Kind], noun: str, *, schema: int | None) -> _Kind | Broken:
    """The content of ``path``; fields that a newer harness added pass.

    Args:
        path: The file.
        kind: The type of its content.
        noun: What a person calls it.
        schema: The one that this harness reads; ``None`` for a file that has none.
    """
    try:
        found = content(path, LARGEST_BYTES)
        if schema is not None and (written := decode(found, _Header, noun).schema) != schema:
            reason = f"written in schema {written}; this harness reads {schema}"
            return broken(path, reason)
        return decode(found, kind, noun)
    except UndecodableError as error:
        reason = str(error)
    except OSError as error:
        reason = f"cannot be read: {why(error)}"
    return broken(path, reason)
