"""The floor: what a training step would take if nothing but arithmetic and memory counted.

A roofline (Williams, Waterman & Patterson, *Roofline: an insightful visual performance model for
multicore architectures*, CACM 52(4), 2009): a step takes at least as long as its matrix products at
the rate at which this machine multiplies, and at least as long as its bytes at the rate at which it
moves them. The scenario counts the work (``Record.work``), the launcher measures the rates in every
round (``Record.rates``), and each trial is held against the rates of its own round.

The floor is an estimate and no law: a step whose data stay in the processor's caches may beat the
memory's share of it, and a library with better kernels than NumPy's the other one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

from harness.analysis.rows import Figure, Group, median_and_range
from harness.analysis.speed.interval import Ratio, ratio
from harness.analysis.speed.pairs import Reasons, each_round
from harness.analysis.step_time import step_time_s
from harness.records.cell import Struct
from harness.records.trial import Record, StepWork

Bound = Literal["arithmetic", "memory"]


class Floor(Struct, frozen=True, kw_only=True):
    """The least time of one step, in seconds, by each of the two bounds."""

    arithmetic_s: float
    memory_s: float

    @property
    def step_s(self) -> float:
        """The floor itself: the longer of the two, since they may go on at the same time."""
        return max(self.arithmetic_s, self.memory_s)

    @property
    def binds(self) -> Bound:
        """Which of the two it is."""
        return "arithmetic" if self.arithmetic_s >= self.memory_s else "memory"


class CommonFloor(Struct, frozen=True, kw_only=True):
    """The floor of cells that do the same work on one machine.

    ``work`` is that of a full batch. The figures are medians over rounds with their range: times in
    seconds, rates as in :class:`harness.records.machine.Rates`. ``binds`` is what bounds the median
    round.
    """

    work: StepWork
    threads: int | None
    step_s: Figure
    arithmetic_s: Figure
    memory_s: Figure
    matmul_flops_per_s: Figure
    copy_bytes_per_s: Figure
    binds: Bound


def floor_of(record: Record) -> Floor | None:
    """The floor of a step of this trial.

    ``None`` where it would be none: the work or the rates are not known; the step ran on a GPU or
    in another precision, whose rates nobody measured; or the rates are of another number of
    threads than was asked of the trial.

    Where the last batch of an epoch is smaller, the mean step does less than a full batch. All work
    is then taken in proportion: exact for the arithmetic, and too little for the parameters' bytes,
    so that the floor stays one.
    """
    cell, work, rates = record.cell, record.work, record.rates
    if work is None or rates is None or cell.device != "cpu":
        return None
    if cell.settings.get("precision", "float32") != "float32":
        return None
    if cell.threads is not None and rates.threads != cell.threads:
        return None
    share = _share_of_a_full_batch(record)
    return Floor(
        arithmetic_s=share * work.flops / rates.matmul_flops_per_s,
        memory_s=share * work.bytes / rates.copy_bytes_per_s,
    )


def times_floor(group: Group, why: Reasons) -> Ratio | None:
    """How many times the floor a cell's step takes: over its rounds, each with its own rates.

    Args:
        group: The cell's trials.
        why: What disturbed each record; disturbed trials are left out.
    """
    logs = []
    for record in each_round(group, why):
        step_s, floor = step_time_s(record), floor_of(record)
        if step_s is not None and floor is not None:
            logs.append(math.log(step_s / floor.step_s))
    return ratio(logs)


def common_floor(groups: Iterable[Group], why: Reasons) -> CommonFloor | None:
    """The floor of ``groups``, which do the same work; ``None`` if no trial tells it."""
    records = [record for group in groups for record in each_round(group, why)]
    # All trials of a round have the same rates, so that a round with more trials says no more.
    rounds = {
        (record.run_id, record.round, record.rates): (record, floor)
        for record in records
        if (floor := floor_of(record)) is not None
    }
    if not rounds:
        return None
    one = next(iter(rounds.values()))[0]
    floors = [floor for _, floor in rounds.values()]
    rates = [record.rates for record, _ in rounds.values() if record.rates is not None]
    arithmetic_s = _figure([floor.arithmetic_s for floor in floors])
    memory_s = _figure([floor.memory_s for floor in floors])
    if one.work is None:  # never: a record without work has no floor
        return None
    return CommonFloor(
        work=one.work,
        threads=rates[0].threads,
        step_s=_figure([floor.step_s for floor in floors]),
        arithmetic_s=arithmetic_s,
        memory_s=memory_s,
        matmul_flops_per_s=_figure([each.matmul_flops_per_s for each in rates]),
        copy_bytes_per_s=_figure([each.copy_bytes_per_s for each in rates]),
        binds=Floor(arithmetic_s=arithmetic_s.value, memory_s=memory_s.value).binds,
    )


def _share_of_a_full_batch(record: Record) -> float:
    full = record.cell.settings.get("batch_size")
    steps = sum(epoch.steps for epoch in record.epochs)
    examples = sum(epoch.examples for epoch in record.epochs)
    if not isinstance(full, int) or not steps or not full:
        return 1.0
    return min(1.0, examples / (steps * full))


def _figure(values: Sequence[float]) -> Figure:
    found = median_and_range(values)
    if found is None:
        raise ValueError("no figure can be made of nothing")
    return found
