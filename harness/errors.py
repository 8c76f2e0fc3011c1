"""Errors that a user can mend, and the exit codes of the command line."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What ``harness`` exits with; documented in ``harness --help`` and the README."""

    OK = 0
    TRIAL_FAILED = 1
    """At least one trial left no measurement, or a cell was refused; the others were kept."""
    USAGE = 2
    """Something in the command is unknown or out of range."""
    UNAVAILABLE = 3
    """Something that the command needs is not there: data, an environment, a device, a folder."""
    NOT_STORED = 4
    """A record could not be written where it belongs and was kept elsewhere."""
    INTERRUPTED = 130
    """Ctrl-C; finished records stay."""


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
