"""A weakness of an answer, as a person and as a script are shown it."""

from __future__ import annotations

from harness.analysis.rows import Row, named
from harness.records.trial import Struct


class Note(Struct, frozen=True, kw_only=True):
    """One weakness: ``code`` for a script, ``text`` for a person.

    Where a command mends it, ``text`` ends with that ``command``.
    """

    code: str
    text: str
    command: str | None = None


def note(code: str, text: str, command: str | None = None) -> Note:
    """A note whose text ends with the command, if there is one."""
    return Note(code=code, text=f"{text} {command}" if command else text, command=command)


def rung_name(row: Row) -> str:
    """The backend, the mode where it is not the tutorial's, and what tells the row from others."""
    return named(row.cell, row.apart, mode=row.cell.mode != "fit")
