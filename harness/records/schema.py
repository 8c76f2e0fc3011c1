"""``python -m harness.records.schema``: print the JSON Schema of a record, as in ``docs/``."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import msgspec

from harness.records.trial import Record


def schema() -> bytes:
    """The JSON Schema (2020-12) of :class:`harness.records.trial.Record`, as text.

    Its descriptions are the types' docstrings, without the indentation of the source: from 3.13 on
    Python's compiler takes it away, before it does not.
    """
    described = _without_indentation(msgspec.json.schema(Record))
    encoded = msgspec.json.encode(described, order="deterministic")
    return msgspec.json.format(encoded, indent=2) + b"\n"


def _without_indentation(part: Any) -> Any:
    """``part`` of a schema, every ``description`` in it as :func:`inspect.cleandoc` makes it."""
    if isinstance(part, list):
        return [_without_indentation(item) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        name: inspect.cleandoc(value)
        if name == "description" and isinstance(value, str)
        else _without_indentation(value)
        for name, value in part.items()
    }


if __name__ == "__main__":
    sys.stdout.buffer.write(schema())
