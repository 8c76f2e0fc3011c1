"""What a pre-flight child is asked and what it answers: which cells their mode cannot train.

It runs before the first trial, once for each backend, makes the models, and trains nothing.
"""

from __future__ import annotations

from typing import ClassVar

from harness.records.cell import Cell, Struct
from harness.records.trial import Task


class PreflightTask(Task, frozen=True, kw_only=True):
    """The task that looks at ``cells``; ``cell`` tells their backend and device."""

    kind: ClassVar[str] = "preflight"

    cells: list[Cell]


class Refusal(Struct, frozen=True, kw_only=True):
    """A cell whose mode cannot train its model as ``fit`` does, and why, in one line."""

    cell: Cell
    reason: str


class Answer(Struct, frozen=True, kw_only=True):
    """The refusals; a cell that is in none may run, as far as anybody knows."""

    refusals: list[Refusal]
