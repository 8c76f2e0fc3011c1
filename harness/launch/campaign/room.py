"""Whether a process fits into memory beside others that are alive and take turns with it.

It is asked before each is started, when those before it have trained an epoch and hold what they
need. What the next one will need is known from earlier records of its cell. Without one, a process
on the CPU is guessed to need what the largest of the same settings holds now, and half as much
again; nothing is guessed of other settings, which may name a table of any size, nor of a GPU.
What does not fit runs in the next group of the round; where nothing fits beside anything, the round
runs in blocks, one process after the other.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Callable, Iterable, Mapping, Sequence

import psutil

from harness import probe
from harness.probe import files
from harness.probe.memory import memory
from harness.records.cell import Cell
from harness.records.machine import Free
from harness.records.plan import PlannedTrial
from harness.records.trial import Memory, Record, Trial
from harness.words import count

RESERVE = 0.1
"""Share of all memory that is left to the machine."""

GUESS_FACTOR = 1.5
"""Backends differ: on the tutorial's model the largest process took 1.5 times what the smallest
did, in the reference records."""

GPU_CONTEXT_BYTES = 600_000_000
"""Beside what a framework reports, a process holds CUDA's own context: some 300 to 600 MB."""


class Lack(enum.Enum):
    """Why a process was not started beside others."""

    KNOWLEDGE = enum.auto()
    """Nothing tells how much memory it needs."""
    MEMORY = enum.auto()
    GPU_MEMORY = enum.auto()


class Room:
    """Knows what processes need, by their cells.

    Args:
        records: of earlier trials.
        look: tells what memory is free now.
        needed: the peaks of cells that are known without a record, by the digest of the cell.
    """

    def __init__(
        self,
        records: Iterable[Record] = (),
        look: Callable[[], Free] | None = None,
        needed: Mapping[str, Memory] | None = None,
    ) -> None:
        self._look = look or free
        self._needed: dict[str, Memory] = dict(needed or {})
        self._lacks: set[Lack] = set()
        self._told: set[Lack] = set()
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

    @property
    def needed(self) -> Mapping[str, Memory]:
        """The peaks of each cell that is known, by its digest."""
        return self._needed

    @property
    def lacks(self) -> set[Lack]:
        """Why processes were not started beside others, since the last remark."""
        return self._lacks

    def look(self) -> Free:
        """What memory is free now."""
        return self._look()

    def found_elsewhere(self, lacks: Iterable[Lack], free: Free) -> None:
        """Take over what was lacking on another machine, with the memory that is free there."""
        self._lacks |= set(lacks)
        self._look = lambda: free

    def fits(self, trial: Trial, beside: Sequence[Trial]) -> bool:
        """Whether ``trial`` may be started while those ``beside`` it are alive and wait."""
        if not beside:
            return True
        lack = self._lack(trial, beside)
        if lack is not None:
            self._lacks.add(lack)
        return lack is None

    def remark(self, groups: Sequence[Sequence[PlannedTrial]]) -> str:
        """Why the trials of a round did not all take turns with one another, in a sentence.

        Each reason is told once; the text is empty where there is no new one.
        """
        new, self._lacks = self._lacks - self._told, set()
        if len(groups) < 2 or not new:
            return ""
        self._told |= new
        sizes = [len(group) for group in groups]
        trials = count(sum(sizes), "trial")
        how = "one after the other" if max(sizes) == 1 else f"in groups of {max(sizes)} at most"
        so = f"so they ran {how}: trials of different groups are compared less closely"
        now = self._look()
        if Lack.GPU_MEMORY in new:
            free_gb = f"{now.gpu_bytes / 1e9:.3g} GB"
            return f"the {trials} of a round may not fit into the GPU's memory ({free_gb}), {so}"
        if Lack.MEMORY in new:
            free_gb = f"{now.available_bytes / 1e9:.3g} GB are free"
            return f"the {trials} of a round may not fit into memory together ({free_gb}), {so}"
        cells = [trial.cell for group in groups for trial in group]
        whose = "of the GPU's memory" if any(cell.device == "gpu" for cell in cells) else "memory"
        if all(self._is_known(cell, now) for cell in cells):
            return (
                f"it was not known how much {whose} each of the {trials} of a round takes, {so}. "
                "Now it is known: further rounds take turns, as far as they fit"
            )
        return f"it is not known how much {whose} each of the {trials} of a round takes, {so}"

    def _lack(self, trial: Trial, beside: Sequence[Trial]) -> Lack | None:
        now = self._look()
        needed_bytes = self._needed_bytes(trial.cell, [one.cell for one in beside], now)
        if needed_bytes is None:
            return Lack.KNOWLEDGE
        if needed_bytes > now.available_bytes - RESERVE * now.total_bytes:
            return Lack.MEMORY
        return None if trial.cell.device == "cpu" else self._lack_on_gpu([trial, *beside], now)

    def _needed_bytes(self, cell: Cell, beside: Sequence[Cell], now: Free) -> float | None:
        known = self._needed.get(cell.digest)
        if known is not None:
            return known.peak_rss_bytes
        alike = all((one.settings, one.threads) == (cell.settings, cell.threads) for one in beside)
        return GUESS_FACTOR * now.largest_bytes if alike and cell.device == "cpu" else None

    def _lack_on_gpu(self, trials: Sequence[Trial], now: Free) -> Lack | None:
        if not all(self._is_known(trial.cell, now) for trial in trials):
            return Lack.KNOWLEDGE
        peaks = [self._needed[trial.cell.digest].peak_device_bytes or 0 for trial in trials]
        needed = sum(peak * GUESS_FACTOR + GPU_CONTEXT_BYTES for peak in peaks)
        return Lack.GPU_MEMORY if needed > (1 - RESERVE) * now.gpu_bytes else None

    def _is_known(self, cell: Cell, now: Free) -> bool:
        """Whether records tell what a process of ``cell`` takes, and of a GPU how much it has."""
        known = self._needed.get(cell.digest)
        if known is None or cell.device == "cpu":
            return known is not None
        return bool(known.peak_device_bytes and now.gpu_bytes)


def free() -> Free:
    """What memory there is now. Children of this process are those that take turns."""
    there = memory()
    resident = [0]
    for child in files.asked(lambda: psutil.Process(os.getpid()).children()) or ():
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
