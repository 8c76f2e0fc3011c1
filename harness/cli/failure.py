"""How a command tells on the terminal why a child left no measurement."""

from __future__ import annotations

from collections.abc import Iterator

from harness.record import Failure
from harness.report import format as fmt

LAST_LINES = 5
"""How many of the last lines are shown where no line of the user's own is known; the record holds
more."""


def details(failure: Failure) -> Iterator[str]:
    """The line of the user's own code, or else the last lines that were printed, made harmless."""
    if failure.origin is not None:
        yield f"    | {fmt.plain(failure.origin.path)}:{failure.origin.line}"
        yield f"    |     {fmt.plain(failure.origin.text)}"
        return
    for line in failure.output_tail.splitlines()[-LAST_LINES:]:
        yield f"    | {fmt.plain(line)}"
