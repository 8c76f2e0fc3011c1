"""A weakness of an answer, as a person and as a script are shown it."""

from __future__ import annotations

from harness.analysis.rows import Row, named
from harness.records.cell import Struct


class Note(Struct, frozen=True, kw_only=True):
    """One weakness: ``code`` for a script, ``text`` for a person, ``brief`` in a few words.

    Where a command mends it, ``text`` ends with that ``command``.
    """

    code: str
    text: str
    command: str | None = None
    brief: str = ""


def note(code: str, brief: str, text: str, command: str | None = None) -> Note:
    """A note whose text ends with the command, if there is one."""
    whole = f"{text} {command}" if command else text
    return Note(code=code, text=whole, command=command, brief=brief)


def rung_name(row: Row) -> str:
    """The backend, the mode where it is not the tutorial's, and what tells the row from others."""
    return named(row.cell, row.apart, mode=row.cell.mode != "fit")
