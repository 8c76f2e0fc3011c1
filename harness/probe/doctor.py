"""Is this machine fit to measure on? Gathers the facts and lets ``checks/`` judge them."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.backends import BACKENDS
from harness.errors import UnavailableError
from harness.probe import cgroup, files, noise, power, processes
from harness.probe.checks import Finding, machine, quiet, ready
from harness.probe.cpu import cpu, turbo_switch
from harness.probe.machine import virtualisation
from harness.probe.memory import memory

SPEED_SAMPLES = 5


KEPT = {
    "load": "Environment.load_average",
    "other processes": "Disturbance.busy_share",
    "other runs": "not: the machine's lock keeps other campaigns out while one measures",
    "steal time": "Disturbance.steal_share",
    "speed": "Noise.probe_before_s",
    "CPU governor": "Cpu.governor",
    "turbo": "Cpu.turbo",
    "cores": "Environment.cpu_quota",
    "memory": "Environment.memory_available_bytes",
    "swap": "Environment.swap_used_bytes",
    "power": "Environment.on_mains",
    "disk": "not: what trains lies in memory, and a full disk fails a campaign by name",
    "environment": "Environment.packages",
    "rating table": "Record.hashes",
    "thread settings": "Environment.variables",
}
"""Where each check's fact is in a record, as the trial itself found it; or why it is not there."""


def examine(
    *,
    results: Path,
    serving: Callable[[str], Sequence[str]] | None = None,
    table: Callable[[], Path | None],
    variables: Mapping[str, str],
    claims: Callable[[], list[str]] = list,
    speed_probe: Callable[[], float] = noise.speed_probe,
    wait: Callable[[float], None] = time.sleep,
    root: Path = files.ROOT,
) -> list[Finding]:
    """Everything that ``harness doctor`` looks at, in the order in which it is shown.

    It takes about two seconds, most of them for the speed probe.

    Args:
        results: the folder that records will be written to; it need not exist.
        serving: tells which interpreters `harness run` finds for a backend, and raises an
            :class:`UnavailableError` if there is none; ``None`` leaves these checks out.
        table: tells where the prepared rating table belongs, ``None`` if that is unknown.
        variables: the environment variables of the shell.
        claims: tells who else says to measure on this machine, one line each.
        speed_probe: does a fixed piece of work and tells the seconds it took.
        wait: lets that many seconds pass while other processes are watched.
        root: the folder that stands for ``/``.
    """
    processor = cpu(root)
    virtualised = virtualisation(root)
    # The load first: the speed probe raises it.
    load = quiet.load(noise.load_average(), processor.logical_cores)
    others = _other_processes(processor.logical_cores, wait, root)
    before = noise.snapshot(root)
    samples_s = [speed_probe() for _ in range(SPEED_SAMPLES)]
    steal_share = noise.difference(before, noise.snapshot(root)).steal_share
    return [
        load,
        others,
        quiet.other_runs(_distinct(processes.harness_runs(), claims())),
        quiet.steal(steal_share, virtualised),
        quiet.speed(samples_s),
        machine.governor(processor, virtualised),
        machine.turbo(turbo_switch(root), virtualised),
        machine.cores(processor, cgroup.cpu_quota(root)),
        machine.memory(memory(root)),
        machine.swap(power.swap_used_bytes()),
        machine.power(power.on_mains()),
        _disk(results),
        *(_environment(backend, serving) for backend in BACKENDS if serving is not None),
        ready.table(table()),
        ready.threads(variables),
    ]


def _environment(backend: str, serving: Callable[[str], Sequence[str]]) -> Finding:
    try:
        return ready.environment(backend, serving(backend))
    except UnavailableError as error:
        return ready.environment(backend, [], str(error))


def _other_processes(cores: int, wait: Callable[[float], None], root: Path) -> Finding:
    before, own_before_s = noise.snapshot(root), time.process_time()
    uses = processes.cpu_use(wait)
    seen = noise.difference(before, noise.snapshot(root))
    own_cores = (time.process_time() - own_before_s) / seen.elapsed_s
    return quiet.other_processes(uses, seen.busy_share, own_cores, cores)


def _distinct(seen: Sequence[str], claims: Sequence[str]) -> list[str]:
    """Both, without those claims whose process was seen."""
    pids = {line.partition(":")[0] for line in seen}
    return [*seen, *(line for line in claims if line.partition(",")[0] not in pids)]


def _disk(folder: Path) -> Finding:
    # The folder may not exist yet: what counts is the nearest one above it that does.
    existing = next(
        place for place in (folder.absolute(), *folder.absolute().parents) if place.exists()
    )
    try:
        free_bytes = shutil.disk_usage(existing).free
    except OSError:
        free_bytes = None
    return machine.disk(folder, free_bytes, writable=os.access(existing, os.W_OK))
