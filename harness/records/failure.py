"""How much of a failure a record keeps: an error may quote a whole tensor, or a file."""

from __future__ import annotations

import msgspec

from harness.records.trial import Failure
from harness.words import cut

TAIL_LINES = 40
"""How many of the last lines are kept, each cut at :data:`LINE_CHARACTERS`."""

LINE_CHARACTERS = 500

REASON_CHARACTERS = 2_000


def bounded(failure: Failure) -> Failure:
    """``failure`` with its texts cut."""
    lines = failure.output_tail.splitlines()[-TAIL_LINES:]
    origin = failure.origin
    return msgspec.structs.replace(
        failure,
        reason=cut(failure.reason, REASON_CHARACTERS),
        output_tail="\n".join(cut(line, LINE_CHARACTERS) for line in lines),
        origin=origin
        and msgspec.structs.replace(
            origin,
            path=cut(origin.path, REASON_CHARACTERS),
            text=cut(origin.text, LINE_CHARACTERS),
        ),
    )
