"""What ``harness check`` asks of a scenario in a backend's environment, and what comes back."""

from __future__ import annotations

from typing import ClassVar, Literal

from harness.records.cell import Struct
from harness.records.trial import SourceLine, Task

Status = Literal["ok", "not ok", "note"]
"""``note`` is what a reader should know and what breaks no rule, such as a refused mode."""


class Line(Struct, frozen=True, kw_only=True):
    """One rule of the contract: whether it is kept, and what was seen.

    ``place`` is the backend, or the backend in a named environment; ``None`` where it needs none.
    ``origin`` is the line of the scenario's own file that an error came from.
    """

    rule: str
    status: Status
    seen: str
    place: str | None = None
    origin: SourceLine | None = None


class CheckTask(Task, frozen=True, kw_only=True):
    """The task that tries the scenario of ``cell`` for a few steps."""

    kind: ClassVar[str] = "check"


class Answer(Struct, frozen=True, kw_only=True):
    """The lines of one backend, and what has to be the same on all of them.

    ``data`` and ``initial_weights`` are SHA-256 digests, ``None`` where it did not come to that.
    """

    lines: list[Line]
    data: str | None = None
    initial_weights: str | None = None
