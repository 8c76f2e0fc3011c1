"""How quiet the machine is: a fixed piece of work, and what disturbed this process meanwhile."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.probe import cgroup, files
from harness.probe.cpu import affinity, frequency_mhz
from harness.records.cell import Struct
from harness.records.machine import Disturbance

# The work of the speed probe, sized to take about 0.2 s on two cores with AVX-512. Figures of two
# records can be compared only if these are the same: changing one is changing SCHEMA_VERSION.
SPEED_MATRIX = 512
SPEED_PRODUCTS = 120
SPEED_VECTOR = 4_000_000
SPEED_PASSES = 150


class Snapshot(Struct, frozen=True, kw_only=True):
    """Counters at one moment; only the difference of two says anything.

    Ticks are those of /proc/stat, summed over all CPUs of the machine. Where this process may use
    a part of them alone, they are those of that part, and ``cpus`` is how many it has. ``None``
    stands for what this system does not tell. ``own_cpu_s`` is the CPU time of this process and of
    its descendants: PyTorch compiles in processes of its own.
    """

    at_s: float
    involuntary_switches: int | None
    total_ticks: int | None
    idle_ticks: int | None
    steal_ticks: int | None
    load_average: float | None
    frequency_mhz: float | None
    own_cpu_s: float | None = None
    quota_periods: int | None = None
    throttled_periods: int | None = None
    cpus: int | None = None


class CpuTicks(Struct, frozen=True, kw_only=True):
    """Time of some CPUs since the machine started, in clock ticks; ``cpus`` is ``None`` for all."""

    total: int
    idle: int
    steal: int
    cpus: int | None = None


def speed_probe(clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds that a fixed piece of NumPy work takes now, about 0.2 on two cores.

    The amount of work never changes, so a longer time means a slower machine at that moment. One
    part multiplies matrices of shape ``[512, 512]`` on all cores (a busy neighbour on any of them
    shows), one part runs through 16 MB on a single core (a neighbour that fills the caches shows).
    Buffers are allocated and threads started before the clock.
    """
    import numpy as np  # the command line starts without it

    # Halves stay halves in every product's terms: no overflow and no slow denormal numbers.
    matrix = np.full((SPEED_MATRIX, SPEED_MATRIX), 0.5, dtype=np.float32)
    product = np.empty_like(matrix)
    vector = np.ones(SPEED_VECTOR, dtype=np.float32)
    np.matmul(matrix, matrix, out=product)
    np.negative(vector, out=vector)
    start = clock()
    for _ in range(SPEED_PRODUCTS):
        np.matmul(matrix, matrix, out=product)
    for _ in range(SPEED_PASSES):
        np.negative(vector, out=vector)
    return clock() - start


def snapshot(root: Path = files.ROOT, clock: Callable[[], float] = time.perf_counter) -> Snapshot:
    """The counters now."""
    mine = affinity()
    ticks = parse_stat(files.text(root / "proc/stat") or "", mine)
    quota = cgroup.throttling(root)
    return Snapshot(
        at_s=clock(),
        involuntary_switches=_involuntary_switches(),
        total_ticks=None if ticks is None else ticks.total,
        idle_ticks=None if ticks is None else ticks.idle,
        steal_ticks=None if ticks is None else ticks.steal,
        load_average=load_average(),
        frequency_mhz=frequency_mhz(root, mine),
        own_cpu_s=_own_cpu_s(),
        quota_periods=None if quota is None else quota.periods,
        throttled_periods=None if quota is None else quota.throttled,
        cpus=None if ticks is None else ticks.cpus,
    )


def _own_cpu_s() -> float | None:
    """Of this process, of its descendants, and of those among them that have ended."""
    import psutil

    ended = os.times()
    total = time.process_time() + ended.children_user + ended.children_system
    family = files.asked(lambda: psutil.Process().children(recursive=True))
    if family is None:
        return None
    for child in family:
        try:
            spent = child.cpu_times()
        except psutil.Error:  # gone meanwhile
            continue
        total += spent.user + spent.system + spent.children_user + spent.children_system
    return total


def difference(before: Snapshot, after: Snapshot) -> Disturbance:
    """What happened from ``before`` to ``after``."""
    total = _change(before.total_ticks, after.total_ticks)
    steal = _change(before.steal_ticks, after.steal_ticks)
    idle = _change(before.idle_ticks, after.idle_ticks)
    periods = _change(before.quota_periods, after.quota_periods)
    throttled = _change(before.throttled_periods, after.throttled_periods)
    return Disturbance(
        elapsed_s=after.at_s - before.at_s,
        involuntary_switches=_change(before.involuntary_switches, after.involuntary_switches),
        steal_share=None if steal is None or not total else min(1.0, max(0.0, steal / total)),
        busy_share=None if idle is None or not total else min(1.0, max(0.0, 1 - idle / total)),
        throttled_share=(
            None if throttled is None or not periods else min(1.0, throttled / periods)
        ),
        load_average=after.load_average,
        frequency_mhz=after.frequency_mhz,
        own_cpu_s=(
            None
            if before.own_cpu_s is None or after.own_cpu_s is None
            # A descendant that went to another parent takes its CPU time along.
            else max(0.0, after.own_cpu_s - before.own_cpu_s)
        ),
        cpus=after.cpus,
    )


def summed(parts: Sequence[Disturbance]) -> Disturbance | None:
    """What happened in all of ``parts`` together; ``None`` if there are none.

    Shares are means over their time; load and frequency are the last.
    """
    if not parts:
        return None
    elapsed_s = sum(part.elapsed_s for part in parts)

    def total(field: str) -> Any:
        values = [getattr(part, field) for part in parts]
        return None if None in values else sum(values)

    def mean(field: str) -> float | None:
        known = [(p.elapsed_s, s) for p in parts if (s := getattr(p, field)) is not None]
        weights = sum(weight for weight, _ in known)
        return sum(weight * share for weight, share in known) / weights if weights else None

    return Disturbance(
        elapsed_s=elapsed_s,
        involuntary_switches=total("involuntary_switches"),
        steal_share=mean("steal_share"),
        busy_share=mean("busy_share"),
        load_average=parts[-1].load_average,
        frequency_mhz=parts[-1].frequency_mhz,
        own_cpu_s=total("own_cpu_s"),
        cpus=parts[-1].cpus,
    )


def parse_stat(content: str, cpus: Sequence[int] | None = None) -> CpuTicks | None:
    """The ticks in /proc/stat, or ``None`` if it is not of the known form.

    Its fields are user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice
    (proc_stat(5)). The last two are already counted in the first two.

    Args:
        content: of the file; its first line has the sum of the others, one for each CPU.
        cpus: whose lines to sum up, by number; ``None`` for all. Where they are all there are, or
            one has no line, the sum of all is taken.
    """
    lines: dict[str, list[int]] = {}
    for line in itertools.takewhile(lambda line: line.startswith("cpu"), content.splitlines()):
        name, *words = line.split()
        ticks = [files.to_integer(word) for word in words[:8]]
        counted = [tick for tick in ticks if tick is not None and tick >= 0]
        if len(counted) == 8:
            lines[name] = counted
    everything = lines.pop("cpu", None)
    if everything is None:
        return None
    mine = [lines[name] for cpu in cpus or () if (name := f"cpu{cpu}") in lines]
    if cpus is None or len(mine) < len(cpus) or len(mine) >= len(lines):
        return _ticks(everything)
    summed_up = [sum(column) for column in zip(*mine, strict=True)]
    return msgspec.structs.replace(_ticks(summed_up), cpus=len(mine))


def _ticks(counted: Sequence[int]) -> CpuTicks:
    return CpuTicks(total=sum(counted), idle=counted[3] + counted[4], steal=counted[7])


def load_average() -> float | None:
    """Mean number of runnable processes over the last minute; ``None`` on Windows."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None


def _involuntary_switches() -> int | None:
    # Not psutil: its num_ctx_switches() counts the main thread only (1 where four busy threads had
    # 278 between them, measured), and on Windows it tells the voluntary ones as well.
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def _change(before: int | None, after: int | None) -> int | None:
    # Some kernels let a counter step back by a few ticks when a CPU was asleep (proc_stat(5)).
    return None if before is None or after is None else max(0, after - before)
