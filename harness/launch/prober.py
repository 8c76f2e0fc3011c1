"""Runs the speed probe before and after each trial, while none is running."""

from __future__ import annotations

from collections.abc import Callable

FRESH_S = 1.0
"""The probe after one trial serves as that before the next, if it starts this soon: a probe takes
0.2 s, which is a tenth of what some trials take."""


class Prober:
    """Tells the seconds that the probe's work takes, or ``None`` if there is no probe.

    Args:
        speed_probe: does a fixed piece of work and tells the seconds it took.
        clock: tells the time in seconds.
    """

    def __init__(self, speed_probe: Callable[[], float] | None, clock: Callable[[], float]) -> None:
        self._speed_probe = speed_probe
        self._clock = clock
        self._last_s: float | None = None
        self._ended_at_s = float("-inf")

    def before_s(self) -> float | None:
        """Before a trial: the last answer where it is fresh, else a new one."""
        if self._clock() - self._ended_at_s <= FRESH_S:
            return self._last_s
        return self.after_s()

    def after_s(self) -> float | None:
        """After a trial: always a new one."""
        if self._speed_probe is not None:
            if self._last_s is None:
                # The first one in a process takes 40% longer: libraries, threads and memory are
                # new. It would make a disturbed trial of the first in every campaign.
                self._speed_probe()
            self._last_s = self._speed_probe()
            self._ended_at_s = self._clock()
        return self._last_s
