"""How a command shows on the terminal why children left no measurement."""

from __future__ import annotations

from collections.abc import Iterator

from harness.records.anatomy import AnatomyRecord
from harness.records.parity import ParityRecord
from harness.records.trial import Failure, SourceLine, Status
from harness.report import format as fmt

LAST_LINES = 5
"""How many of the last lines are shown where no line of the user's own is known; the record holds
more."""

SOURCE_CHANGED = (
    "the source of the scenario was changed meanwhile: not all processes trained the same, so run "
    "it again before you believe what is above"
)
"""Said below an answer that mixes two sources."""


class FailureLines:
    """The lines on the failures of one command, each thing said once.

    Of children that fail alike only the first says why, and a line of the user's is shown once,
    however many fail at it: each framework has words of its own for one mistake.
    """

    def __init__(self) -> None:
        self._first: dict[object, str] = {}
        self._origins: set[SourceLine] = set()

    def of(self, status: Status, failure: Failure, name: str) -> tuple[str, list[str]]:
        """What to say of a failure, and the lines below.

        Args:
            status: how the child ended.
            failure: what its record says.
            name: of the child, for those that fail in the same way after it.
        """
        first = self._first.setdefault((status, failure.reason, failure.origin), name)
        if first != name:
            return f"{status} as {first}", []
        said = f"{status}: {fmt.plain(failure.reason)}"
        if failure.origin in self._origins:
            return said, []
        if failure.origin is not None:
            self._origins.add(failure.origin)
        return said, list(_details(failure))

    def ending(self, record: ParityRecord | AnatomyRecord, success: str, name: str) -> list[str]:
        """The lines at the end of a child: ``success``, or why there is none.

        Args:
            record: what the child left.
            success: what to say if nothing failed.
            name: of the child, for those that fail in the same way after it.
        """
        if record.failure is None:
            return [f"  {success}"]
        said, below = self.of(record.status, record.failure, name)
        return [f"  {said}", *below]


def _details(failure: Failure) -> Iterator[str]:
    """The line of the user's own code, or else the last lines that were printed, made harmless."""
    if failure.origin is not None:
        yield f"    | {fmt.plain(failure.origin.path)}:{failure.origin.line}"
        yield f"    |     {fmt.plain(failure.origin.text)}"
        return
    for line in failure.output_tail.splitlines()[-LAST_LINES:]:
        yield f"    | {fmt.plain(line)}"
