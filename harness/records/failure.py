"""How much of a failure a record keeps: an error may quote a whole tensor, or a file."""

from __future__ import annotations

import os
import re

import msgspec

from harness.records.trial import Failure
from harness.words import cut

TAIL_LINES = 40
"""How many of the last lines are kept, each cut at :data:`LINE_CHARACTERS`."""

LINE_CHARACTERS = 500

REASON_CHARACTERS = 2_000


def bounded(failure: Failure) -> Failure:
    """``failure`` with its texts cut, and without the names of persons in paths."""
    lines = failure.output_tail.splitlines()[-TAIL_LINES:]
    origin = failure.origin
    return msgspec.structs.replace(
        failure,
        reason=homeless(cut(failure.reason, REASON_CHARACTERS)),
        output_tail="\n".join(homeless(cut(line, LINE_CHARACTERS)) for line in lines),
        origin=origin
        and msgspec.structs.replace(
            origin,
            path=homeless(cut(origin.path, REASON_CHARACTERS)),
            text=cut(origin.text, LINE_CHARACTERS),
        ),
    )


_HOMES = re.compile(r"(?<![\w.-])(/home/|/Users/|[A-Za-z]:\\Users\\)[^/\\\s:;,'\"<>]+")
"""Where systems keep the folders of their users."""


def homeless(text: str) -> str:
    """``text`` with ``~`` for the home folder of whoever measures, and no other user's name."""
    # Not `Path.home`: a user may have none.
    for own in {os.environ.get("HOME", ""), os.environ.get("USERPROFILE", "")}:
        if len(own.rstrip("/\\")) > 1:
            text = re.sub(rf"{re.escape(own.rstrip(chr(92) + '/'))}(?![\w.-])", "~", text)
    return _HOMES.sub(r"\1<withheld>", text)
