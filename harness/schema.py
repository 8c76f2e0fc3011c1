"""``python -m harness.schema``: print the JSON Schema of a record, as published in ``docs/``."""

from __future__ import annotations

import sys

import msgspec

from harness.record import Record


def schema() -> bytes:
    """The JSON Schema (2020-12) of :class:`harness.record.Record`, as text."""
    encoded = msgspec.json.encode(msgspec.json.schema(Record), order="deterministic")
    return msgspec.json.format(encoded, indent=2) + b"\n"


if __name__ == "__main__":
    sys.stdout.buffer.write(schema())
