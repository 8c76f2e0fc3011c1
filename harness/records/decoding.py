"""Decodes JSON that somebody else wrote: a file of a stranger, what a child left."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from harness.regular_files import too_large

_Kind = TypeVar("_Kind")

LARGEST_BYTES = 32 * 1024 * 1024
"""Of one JSON file. The largest that the harness ever wrote has 0.15 MB; decoded, a file takes many
times its size."""


class UndecodableError(ValueError):
    """Bytes that are no JSON of the type asked for; the message says why, in a few words."""


def decode(content: bytes, kind: type[_Kind], noun: str) -> _Kind:
    """What ``content`` says.

    Args:
        content: JSON, as it was found.
        kind: the type that it should be of.
        noun: what a person calls that.

    Raises:
        UndecodableError: whatever is the matter with it.
    """
    if not content.strip():
        raise UndecodableError("empty")
    if len(content) > LARGEST_BYTES:
        raise UndecodableError(too_large(len(content), LARGEST_BYTES))
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise UndecodableError(f"no {noun}: {error}") from None
    except RecursionError:
        raise UndecodableError("no JSON that a person wrote: too deeply nested") from None
    except ValueError as error:  # of msgspec, or of Python where the text is no UTF-8
        said = "cut off in the middle" if "truncated" in str(error) else f"no JSON: {error}"
        raise UndecodableError(said) from None
