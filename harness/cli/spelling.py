"""What a terminal without Unicode is shown in place of a sign that it does not have."""

from __future__ import annotations

import codecs
import sys

SPELLINGS = {
    "…": "...",
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "x",
    "±": "+-",
    "÷": "/",
    "µ": "u",
    "·": ".",
    "→": "->",
    "►": ">",
    "─": "-",
    "≥": ">=",
    "≤": "<=",
    "≈": "~",
}


def spell() -> None:
    """Let standard output and error spell out what their encoding lacks, and never fail at it."""
    codecs.register_error("spell", _spelled)
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", None) in {"strict", "surrogateescape"}:
            stream.reconfigure(errors="spell")  # type: ignore[union-attr]  # a TextIOWrapper has it


def _spelled(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)  # noqa: S101 - nothing is read by this name
    signs = error.object[error.start : error.end]
    return "".join(SPELLINGS.get(sign, "?") for sign in signs), error.end
