"""Whether a process fits into memory beside others that are alive and take turns with it.

It is asked before each is started, when those before it have trained an epoch and hold what they
need. What the next one will need is known from earlier records of its cell. Without one, a process
on the CPU is guessed to need what the largest of the same settings holds now, and half as much
again; nothing is guessed of other settings, which may name a table of any size, nor of a GPU.
What does not fit runs in the next group of the round; where nothing fits beside anything, the round
runs in blocks, one process after the other.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

import psutil

from harness import probe
from harness.probe.memory import memory
from harness.records.plan import PlannedTrial
from harness.records.trial import Cell, Memory, Record, Struct, Trial
from harness.words import count

RESERVE = 0.1
"""Share of all memory that is left to the machine."""

GUESS_FACTOR = 1.5
"""Backends differ: on the tutorial's model the largest process took 1.5 times what the smallest
did, in the reference records."""

GPU_CONTEXT_BYTES = 600_000_000
"""Beside what a framework reports, a process holds CUDA's own context: some 300 to 600 MB."""


class Free(Struct, frozen=True, kw_only=True):
    """Memory in bytes, now: of the machine, its GPU (0 without one), and of the largest child."""

    total_bytes: int
    available_bytes: int
    gpu_bytes: int
    largest_bytes: int


class Room:
    """Knows what processes need, by their cells; ``full`` is whether one did not fit so far.

    Args:
        records: of earlier trials.
        look: tells what memory is free now.
    """

    def __init__(
        self, records: Iterable[Record] = (), look: Callable[[], Free] | None = None
    ) -> None:
        self._look = look or free
        self._needed: dict[str, Memory] = {}
        self.full = False
        for record in records:
            self.learn(record)

    def learn(self, record: Record) -> None:
        """Take the peaks of a trial into account."""
        if record.memory is not None:
            before = self._needed.get(record.cell.digest, record.memory)
            self._needed[record.cell.digest] = Memory(
                peak_rss_bytes=max(before.peak_rss_bytes, record.memory.peak_rss_bytes),
                peak_device_bytes=max(
                    before.peak_device_bytes or 0, record.memory.peak_device_bytes or 0
                ),
            )

    def fits(self, trial: Trial, beside: Sequence[Trial]) -> bool:
        """Whether ``trial`` may be started while those ``beside`` it are alive and wait."""
        if not beside:
            return True
        now = self._look()
        needed_bytes = self._needed_bytes(trial.cell, [one.cell for one in beside], now)
        there_is_room = (
            needed_bytes is not None
            and needed_bytes <= now.available_bytes - RESERVE * now.total_bytes
            and (trial.cell.device == "cpu" or self._fits_on_gpu([trial, *beside], now.gpu_bytes))
        )
        self.full = self.full or not there_is_room
        return there_is_room

    def why_in_groups(self, groups: Sequence[Sequence[PlannedTrial]]) -> str:
        """Why the trials of a round could not all take turns with one another, in a sentence."""
        sizes = [len(group) for group in groups]
        how = "one after the other" if max(sizes) == 1 else f"in groups of {max(sizes)} at most"
        return (
            f"the {count(sum(sizes), 'trial')} of a round may not fit into memory together "
            f"({self._look().available_bytes / 1e9:.3g} GB are free), so they ran {how}: trials of "
            "different groups are compared less closely"
        )

    def _needed_bytes(self, cell: Cell, beside: Sequence[Cell], now: Free) -> float | None:
        known = self._needed.get(cell.digest)
        if known is not None:
            return known.peak_rss_bytes
        alike = all((one.settings, one.threads) == (cell.settings, cell.threads) for one in beside)
        return GUESS_FACTOR * now.largest_bytes if alike and cell.device == "cpu" else None

    def _fits_on_gpu(self, trials: Sequence[Trial], gpu_bytes: int) -> bool:
        known = [self._needed.get(trial.cell.digest) for trial in trials]
        peaks = [one.peak_device_bytes for one in known if one is not None]
        if len(peaks) < len(trials) or not all(peaks):
            return False
        needed = sum((peak or 0) * GUESS_FACTOR + GPU_CONTEXT_BYTES for peak in peaks)
        return needed <= (1 - RESERVE) * gpu_bytes


def free() -> Free:
    """What memory there is now. Children of this process are those that take turns."""
    there = memory()
    resident = [0]
    for child in psutil.Process(os.getpid()).children():
        try:
            resident.append(int(child.memory_info().rss))
        except psutil.Error:  # gone meanwhile
            continue
    return Free(
        total_bytes=there.total_bytes,
        available_bytes=there.available_bytes,
        gpu_bytes=min((gpu.memory_bytes for gpu in probe.gpus()), default=0),
        largest_bytes=max(resident),
    )
