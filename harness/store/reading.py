"""Reads one JSON file of a known type and schema, or says why it cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from harness.records.trial import Struct

_Kind = TypeVar("_Kind")


class Broken(Struct, frozen=True, kw_only=True):
    """A file that could not be read, and why."""

    path: str
    reason: str


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
        content = path.read_bytes()
        if not content.strip():
            return Broken(path=str(path), reason="empty")
        if schema is not None and (
            (written := msgspec.json.decode(content, type=_Header).schema) != schema
        ):
            reason = f"written in schema {written}; this harness reads {schema}"
            return Broken(path=str(path), reason=reason)
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        reason = f"no {noun}: {error}"
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        reason = "cut off in the middle" if "truncated" in str(error) else f"no JSON: {error}"
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
    return Broken(path=str(path), reason=reason)
