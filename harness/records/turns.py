"""What a launcher and the processes that take turns say to one another, each a line of JSON.

A process trains its first epoch unasked and then waits after every epoch, or after as many as it
was granted. It sends a :class:`Report` and is answered with a :class:`Grant`.
"""

from __future__ import annotations

from harness.records.cell import Struct


class Report(Struct, frozen=True, kw_only=True):
    """Sent by a process that begins to wait.

    ``epoch_s`` is the wall time of its last epoch, ``timed_s`` that of the counted epochs of its
    timing phase. ``enough`` tells whether those are as many samples as a trial needs at least.
    """

    epoch_s: float
    timed_s: float = 0.0
    enough: bool = False


class Grant(Struct, frozen=True, kw_only=True):
    """The answer: ``epochs`` more, as number ``turn``; none more are wanted where they are 0."""

    turn: int
    epochs: int
