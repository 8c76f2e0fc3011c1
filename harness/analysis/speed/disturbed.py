"""Which trials were disturbed, and by what: judged from the noise beside a trial, never its times.

**A disturbed trial is kept, shown, and left out of pairs, and the campaign may repeat it. None of
that may depend on the step time**: whoever repeats what came out slow measures the fast half of
the truth. So the rules look only at what is measured beside the training: the speed probe, run
while no trial does, what *other* programs and machines took of the processors, and how often the
trial had to make way. Both cells of a pair are judged by the same rules.

The clock frequency is recorded and has no rule: read at one moment, it tells more about the idle
cores than about the training, and a slow clock shows in the speed probe.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence

from harness.records.machine import Disturbance
from harness.records.trial import Record, ended_as

PROBE_FLOOR = 0.10
"""A probe up to 10% off is not called so, however even the others were: on quiet machines of two
cores the probes before and after the same trial differ by 2 to 5%."""

SCALES = 5.0
"""Robust standard deviations beyond which a probe is off: one in a million under normal noise."""

MINIMUM_TYPICAL = 3
"""Fewer probes than this say nothing typical about a machine."""

FOREIGN_SHARE = 0.10
"""Share of all cores that other programs may use beside a training: 0.2 of two. While others used
both of two cores, PyTorch's step time was 10 to 30 times too long (``docs/method.md``)."""

STEAL_SHARE = 0.02
"""Share of CPU time that a host may take; twice what ``harness doctor`` calls quiet, since a trial
is longer than its look."""

THROTTLED_SHARE = 0.02
"""Share of the periods of a CPU quota in which the trial stood still: what a host may take."""

SWITCH_FACTOR = 5.0
SWITCH_FLOOR_PER_S = 200.0
"""A framework's own threads push each other aside, each backend's at a rate of its own. So a trial
is held against its own cell, and only a rate both this many times and this far above counts."""


def reasons(records: Sequence[Record]) -> list[str | None]:
    """Why each of ``records`` counts as disturbed, in words; ``None`` for one that does not.

    What is typical is learned from the trials of the same machine and run. The answer has the order
    of ``records``, and a trial may be judged otherwise once more of its run are known.
    """
    by_run: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, record in enumerate(records):
        by_run[_machine(record), record.run_id or f"campaign {record.campaign}"].append(i)
    found: list[str | None] = [None] * len(records)
    for members in by_run.values():
        for i, reason in zip(members, _of_one_run([records[i] for i in members]), strict=True):
            found[i] = reason
    for i, record in enumerate(records):
        # Its launcher has judged it, by the same rules, while it ran.
        if record.failure is not None and ended_as(record) == "slowed":
            found[i] = record.failure.reason
    return found


def _of_one_run(records: Sequence[Record]) -> list[str | None]:
    told = [taken_by_others(_training(record), _cores(record)) for record in records]
    # Where a neighbour is busy most of the time, the probes of all are those of a busy machine.
    quiet = [p for r, why in zip(records, told, strict=True) if not why for p in _probes(r)]
    every = [probe_s for record in records for probe_s in _probes(record)]
    typical_s, limit_s = _typical(quiet if len(quiet) >= MINIMUM_TYPICAL else every)
    rates = _typical_switch_rates(records)
    return [
        "; ".join(
            [
                *words,
                *_slow_probes(record, typical_s, limit_s),
                *_preempted(record, rates.get(record.cell.digest)),
            ]
        )
        or None
        for record, words in zip(records, told, strict=True)
    ]


def taken_by_others(training: Disturbance | None, cores: int | None) -> list[str]:
    """What other programs and other virtual machines took of the processors, if too much.

    Args:
        training: what happened while a process measured, if it is known.
        cores: logical cores of its machine, if they are known. Where it might use a part of them
            alone, that part counts.
    """
    if training is None or training.elapsed_s <= 0:
        return []
    cores = training.cpus or cores
    words = []
    if training.busy_share is not None and training.own_cpu_s is not None and cores:
        foreign = training.busy_share * cores - training.own_cpu_s / training.elapsed_s
        if foreign > FOREIGN_SHARE * cores:
            words.append(f"other programs used {foreign:.1f} of {cores} cores beside it")
    if training.throttled_share is not None and training.throttled_share > THROTTLED_SHARE:
        words.append(f"its CPU quota was used up in {training.throttled_share:.0%} of the periods")
    if training.steal_share is not None and training.steal_share > STEAL_SHARE:
        words.append(f"the host took {training.steal_share:.0%} of the CPU time away")
    return words


def _slow_probes(record: Record, typical_s: float, limit_s: float) -> list[str]:
    """Slow ones only: a faster probe means that the typical ones were disturbed, not this one.

    None of a process that took turns: its probes are those around the whole round, and a machine
    that is slow for a while is slow for all that are compared. In a round on a quiet machine whose
    first probe took 2.5 times as long, the turns were as even as in the others.
    """
    noise = record.noise
    if noise is None or record.took_turns:
        return []
    return [
        f"the speed probe {when} it took {probe_s / typical_s - 1:.0%} longer than is typical"
        for when, probe_s in (("before", noise.probe_before_s), ("after", noise.probe_after_s))
        if probe_s is not None and probe_s > limit_s
    ]


def _preempted(record: Record, typical_per_s: float | None) -> list[str]:
    rate_per_s = _switch_rate(record)
    if rate_per_s is None or typical_per_s is None:
        return []
    if rate_per_s <= max(SWITCH_FACTOR * typical_per_s, typical_per_s + SWITCH_FLOOR_PER_S):
        return []
    return [
        f"it made way for others {rate_per_s:.0f} times a second, typical is {typical_per_s:.0f}"
    ]


def _typical(probes_s: Sequence[float]) -> tuple[float, float]:
    """The typical probe in seconds, and the longest that is still typical."""
    if len(probes_s) < MINIMUM_TYPICAL:
        return math.inf, math.inf
    middle = statistics.median(probes_s)
    # The median absolute deviation is 0.6745 standard deviations of normal noise.
    scale = statistics.median(abs(probe_s - middle) for probe_s in probes_s) / 0.6745
    return middle, middle + max(SCALES * scale, PROBE_FLOOR * middle)


def _typical_switch_rates(records: Iterable[Record]) -> dict[str, float]:
    """Involuntary context switches per second that are typical of each cell, by its digest."""
    rates: dict[str, list[float]] = defaultdict(list)
    for record in records:
        if (rate := _switch_rate(record)) is not None:
            rates[record.cell.digest].append(rate)
    return {
        cell: statistics.median(seen)
        for cell, seen in rates.items()
        if len(seen) >= MINIMUM_TYPICAL
    }


def _switch_rate(record: Record) -> float | None:
    training = _training(record)
    if training is None or training.involuntary_switches is None:
        return None
    return training.involuntary_switches / training.elapsed_s


def _training(record: Record) -> Disturbance | None:
    training = None if record.noise is None else record.noise.training
    return training if training is not None and training.elapsed_s > 0 else None


def _probes(record: Record) -> list[float]:
    if record.noise is None:
        return []
    return [p for p in (record.noise.probe_before_s, record.noise.probe_after_s) if p is not None]


def _cores(record: Record) -> int | None:
    return record.environment.cpu.logical_cores if record.environment else None


def _machine(record: Record) -> str:
    return record.environment.machine_id if record.environment else ""
