"""Whether other work on this machine is what makes a child take so long.

The parent looks, and only once a child has taken many times its usual time: an undisturbed trial is
never looked at. A look from here can end a trial in the middle of an epoch, or of a compilation,
and adds no hook to the training, which is what is measured.
"""

from __future__ import annotations

import os

from harness.analysis.speed.disturbed import taken_by_others
from harness.probe import noise
from harness.records.machine import Disturbance


class OtherWork:
    """Watches what others take of the processors from now on.

    The rules are those by which a trial counts as disturbed. ``seen`` is what happened up to the
    last look.
    """

    def __init__(self) -> None:
        self._before = noise.snapshot()
        self.seen: Disturbance | None = None

    def look(self) -> str | None:
        """What others took, in words, if it is too much; ``None`` if they are not the reason."""
        # Of this process and all that it has started: the child is one of them.
        self.seen = noise.difference(self._before, noise.snapshot())
        return "; ".join(taken_by_others(self.seen, os.cpu_count())) or None
