"""Errors that a user can mend, and the exit codes of the command line."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class Code(IntEnum):
    """An exit code with what it says, in the words of ``harness --help`` and of the docs."""

    says: str

    def __new__(cls, value: int, says: str = "") -> Self:
        """Make the member of that value, which says so."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.says = says
        return code


class ExitCode(Code):
    """What ``harness`` exits with; ``docs/exit-codes.md`` tells when, for every command."""

    OK = 0, "all is well"
    TRIAL_FAILED = (
        1,
        (
            "at least one trial left no measurement; the others were kept (doctor: something "
            "disturbs measuring; parity: not the same model; anatomy: the parts do not add up; "
            "bisect: nothing to look for; check: a rule is broken)"
        ),
    )
    USAGE = 2, "something in the command is unknown or out of range"
    UNAVAILABLE = 3, "something is not there: data, an environment, a device, a folder"
    NOT_STORED = 4, "a record could not be written where it belongs and was kept elsewhere"
    FAULT = 70, "a fault of the harness itself, with a traceback; finished records stay"
    NOT_SHOWN = 74, "a part of the output could not be shown; files and records are written"
    INTERRUPTED = 130, "Ctrl-C; finished records stay"


class GateCode(Code):
    """What the gate of ``harness compare`` exits with; of several the lowest, which weighs most."""

    WORSE = 10, "worse quality: a cell learns worse than the limit allows"
    SLOWER = 11, "slower: a cell is slower than the limit allows"
    MEMORY = 12, "more memory: a cell takes more than the limit allows"
    MISSING = 13, "missing cells: measured before, and no measurement after"
    INCONCLUSIVE = 14, "inconclusive: a question of the gate has no answer for a cell"
    NOT_COMPARABLE = 15, "nothing comparable: other machines, other work, or no cell in common"


class HarnessError(Exception):
    """A mistake or a lack that the user can mend.

    The message is shown as it is, without a traceback: what was found, where, and what to do.
    """

    exit_code: ExitCode = ExitCode.USAGE


class RefusedError(HarnessError):
    """A mode that cannot train this model, or would train something else than ``fit`` does."""


class UnavailableError(HarnessError):
    """Something that the command needs is not there."""

    exit_code = ExitCode.UNAVAILABLE
