"""What a pre-flight child is asked and what it answers: which cells their mode cannot train.

It runs before the first trial, once for each backend, makes the models, and trains nothing.
"""

from __future__ import annotations

from harness.records.trial import Cell, Struct


class Task(Struct, frozen=True, kw_only=True):
    """What one child is asked.

    ``cell`` tells backend and device, which are those of all ``cells``. ``table`` is the path of
    the prepared rating table. ``launched_at_ns`` is ``time.time_ns()`` just before the start.
    """

    cell: Cell
    cells: list[Cell]
    seed: int
    table: str | None
    launched_at_ns: int


class Refusal(Struct, frozen=True, kw_only=True):
    """A cell whose mode cannot train its model as ``fit`` does, and why, in one line."""

    cell: Cell
    reason: str


class Answer(Struct, frozen=True, kw_only=True):
    """The refusals; a cell that is in none may run, as far as anybody knows."""

    refusals: list[Refusal]
