"""Measures the machine between trials: its speed beside each, its rates once in a round."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from harness.records.cell import Cell
from harness.records.machine import Noise, Rates
from harness.records.trial import Record

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


class Rater:
    """Knows the rates of the machine in the round under way; see :mod:`harness.probe.rates`.

    Args:
        measure: takes the number of threads (``None`` for all) and tells the rates; ``None`` leaves
            every record without.
    """

    def __init__(self, measure: Callable[[int | None], Rates] | None) -> None:
        self._measure = measure
        self._rates: dict[int | None, Rates] = {}

    def begin_round(self, cells: Iterable[Cell]) -> None:
        """Measure, while no trial runs, with the threads of each of ``cells``.

        NumPy's rates are those of the CPU, so that a round on a GPU needs none.
        """
        if self._measure is not None:
            wanted = dict.fromkeys(cell.threads for cell in cells if cell.device == "cpu")
            self._rates = {threads: self._measure(threads) for threads in wanted}

    def of(self, cell: Cell) -> Rates | None:
        """The rates of this round with the threads of ``cell``; ``None`` if nobody measured."""
        return self._rates.get(cell.threads) if cell.device == "cpu" else None


def probed(
    record: Record, rater: Rater, *, before_s: float | None, after_s: float | None
) -> Record:
    """``record`` with what the speed probe took around its trial, and the rates of its round."""
    training = record.noise.training if record.noise else None
    noise = Noise(probe_before_s=before_s, probe_after_s=after_s, training=training)
    return msgspec.structs.replace(record, noise=noise, rates=rater.of(record.cell))
