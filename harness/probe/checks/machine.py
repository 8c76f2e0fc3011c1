"""Is the machine set up for measuring? Clock, cores, memory, swap, disk, power."""

from __future__ import annotations

from pathlib import Path

from harness.probe.checks import Finding, Status
from harness.probe.cpu import TurboSwitch
from harness.probe.memory import MemorySize
from harness.records.machine import Cpu

TRIAL_MEMORY_BYTES = 2 * 10**9
"""What one trial of the ranking scenario needs at most, compiling included."""

FREE_DISK_BYTES = 10**9
SWAP_IN_USE_BYTES = 100 * 10**6


def governor(cpu: Cpu, virtualised: str | None) -> Finding:
    """Whether the clock stays at its height, or follows the load."""
    if cpu.governor is None:
        return _finding(
            "CPU governor", "unknown", _unreadable("no governor to be seen", virtualised)
        )
    if cpu.governor == "performance":
        return _finding("CPU governor", "good", "performance")
    return _finding(
        "CPU governor",
        "warning",
        cpu.governor,
        why="the clock follows the load, so the first steps of a trial, and short ones, run slower "
        "than they could",
        remedy="`echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor`"
        " (until the next restart)",
    )


def turbo(switch: TurboSwitch | None, virtualised: str | None) -> Finding:
    """Whether the clock may rise above its base for as long as the chip stays cool."""
    if switch is None:
        return _finding("turbo", "unknown", _unreadable("no switch to be seen", virtualised))
    if not switch.on:
        return _finding("turbo", "good", "off")
    return _finding(
        "turbo",
        "warning",
        "on",
        why="the clock depends on how hot the chip is and on how many cores work: whoever runs "
        "later runs slower",
        remedy=f"`echo {switch.off} | sudo tee /{switch.path}` (until the next restart)",
    )


def cores(cpu: Cpu, quota: float | None) -> Finding:
    """Which cores a trial gets; ``quota`` is a container's limit in CPUs' worth of time."""
    usable = cpu.logical_cores if cpu.affinity is None else len(cpu.affinity)
    physical = f" on {cpu.physical_cores} physical" if cpu.physical_cores else ""
    seen = f"{usable} of {cpu.logical_cores} logical cores{physical}, {cpu.model}"
    if quota is not None and quota < usable:
        return _finding(
            "cores",
            "warning",
            f"{seen}; limited to {quota:g} CPUs' worth of time",
            why="such a limit halts all threads for up to 0.1 s whenever it is used up, in the "
            "middle of a step",
            remedy="give whole cores instead of a share: `docker run --cpuset-cpus 0,1`, not "
            "`--cpus 2` (Kubernetes: CPU manager policy `static`)",
        )
    if usable < 2:
        return _finding(
            "cores",
            "warning",
            seen,
            why="whatever the system itself does takes time from the only core",
            remedy="use at least two: `docker run --cpuset-cpus 0,1`, `taskset -c 0,1`, or a "
            "larger machine",
        )
    return _finding("cores", "good", seen)


def memory(size: MemorySize) -> Finding:
    """Whether a trial fits into the memory that is free."""
    seen = f"{_size(size.available_bytes)} free of {_size(size.total_bytes)}"
    if size.available_bytes >= TRIAL_MEMORY_BYTES:
        return _finding("memory", "good", seen)
    return _finding(
        "memory",
        "warning",
        seen,
        why=f"a trial needs about {_size(TRIAL_MEMORY_BYTES)}: with less it swaps, or the system "
        "kills it",
        remedy="close what uses it (`top`, then Shift-M, sorts by memory), or raise the "
        "container's limit: `docker run --memory 4g`",
    )


def swap(used_bytes: int | None) -> Finding:
    """Whether memory was moved to the disk; ``None`` where that cannot be read."""
    if used_bytes is None:
        return _finding("swap", "unknown", "cannot be read on this system")
    if used_bytes <= SWAP_IN_USE_BYTES:
        return _finding("swap", "good", "none in use" if not used_bytes else _size(used_bytes))
    return _finding(
        "swap",
        "warning",
        f"{_size(used_bytes)} in use",
        why="a step that waits for memory to come back from the disk is slower by far",
        remedy="free some memory, then `sudo swapoff -a && sudo swapon -a`",
    )


def power(on_mains: bool | None) -> Finding:
    """Whether the machine runs on its battery; ``None`` where there is none."""
    if on_mains is None:
        return _finding("power", "good", "no battery")
    if on_mains:
        return _finding("power", "good", "plugged in")
    return _finding(
        "power",
        "warning",
        "on battery",
        why="on battery the processor's clock is lowered, the more so the emptier it is",
        remedy="plug in the power supply",
    )


def disk(folder: Path, free_bytes: int | None, writable: bool) -> Finding:
    """Whether records can be written to ``folder``."""
    if not writable:
        return _finding(
            "disk",
            "warning",
            f"{folder} cannot be written to",
            why="a trial whose record cannot be stored is lost time",
            remedy=f'`sudo chown -R "$USER" {folder}`, or name another folder with `--results`',
        )
    if free_bytes is None:
        return _finding("disk", "unknown", f"free space for {folder} cannot be read")
    seen = f"{_size(free_bytes)} free for {folder}"
    if free_bytes >= FREE_DISK_BYTES:
        return _finding("disk", "good", seen)
    return _finding(
        "disk",
        "warning",
        seen,
        why="records, compiled programs and logs have to go somewhere, and a full disk ends a run",
        remedy=f"free at least {_size(FREE_DISK_BYTES)} (`du -xh --max-depth 2 ~ | sort -h` shows "
        "what is large), or name another folder with `--results`",
    )


def _unreadable(what: str, virtualised: str | None) -> str:
    if virtualised:
        return f"{what} inside of {virtualised}: its host decides"
    return f"{what} on this system"


def _size(count: int) -> str:
    return f"{count / 10**9:.1f} GB" if count >= 10**9 else f"{count / 10**6:.0f} MB"


def _finding(check: str, status: Status, seen: str, why: str = "", remedy: str = "") -> Finding:
    return Finding(check=check, group="machine", status=status, seen=seen, why=why, remedy=remedy)
