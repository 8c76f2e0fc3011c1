"""What a container allows this process: memory and CPU time, from cgroup version 1 or 2.

Source: the kernel's ``Documentation/admin-guide/cgroup-v2.rst`` and ``cgroup-v1/memory.rst``.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from harness.probe import files
from harness.records.cell import Struct


class Throttling(Struct, frozen=True, kw_only=True):
    """Periods of the CPU quota since its group was made, and those in which it was used up."""

    periods: int
    throttled: int


class MemoryLimit(Struct, frozen=True, kw_only=True):
    """The most memory this process may use, and how much of that is still free, in bytes."""

    limit_bytes: int
    available_bytes: int


def memory_limits(root: Path = files.ROOT) -> list[MemoryLimit]:
    """Every memory limit that holds for this process, its own group's and those of groups above."""
    limits = []
    for folder in _folders("memory", root):
        version_2 = _memory(folder, "memory.max", "memory.current", "inactive_file")
        version_1 = _memory(
            folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
        )
        limits += [limit for limit in (version_2, version_1) if limit is not None]
    return limits


def cpu_quota(root: Path = files.ROOT) -> float | None:
    """How many CPUs' worth of time this process may use, or ``None`` where nothing limits it."""
    return min((quota for _, quota in _quotas(root)), default=None)


def throttling(root: Path = files.ROOT) -> Throttling | None:
    """How often the tightest quota was used up, or ``None`` where nothing limits this process."""
    for folder, _ in sorted(_quotas(root), key=lambda one: one[1]):
        counters = dict(
            line.split()
            for line in (files.text(folder / "cpu.stat") or "").splitlines()
            if len(line.split()) == 2
        )
        periods, throttled = (
            files.to_integer(counters.get(name, "")) for name in ("nr_periods", "nr_throttled")
        )
        if periods is not None and throttled is not None:
            return Throttling(periods=periods, throttled=throttled)
    return None


def _quotas(root: Path) -> list[tuple[Path, float]]:
    """Each group that limits this process, with the CPUs that it grants."""
    quotas: list[tuple[Path, float | None]] = []
    for folder in _folders("cpu", root):
        if (content := files.text(folder / "cpu.max")) is not None:
            quotas.append((folder, parse_cpu_max(content)))
        quota = files.text(folder / "cpu.cfs_quota_us")
        period = files.text(folder / "cpu.cfs_period_us")
        if quota is not None and period is not None:
            quotas.append((folder, parse_cpu_max(f"{quota} {period}")))
    return [(folder, quota) for folder, quota in quotas if quota is not None]


def parse_cpu_max(content: str) -> float | None:
    """CPUs that ``content`` grants, which is ``QUOTA PERIOD`` in microseconds.

    ``None`` for ``max`` (version 2) and for a negative quota (version 1), which both mean no limit,
    and for anything that is not of that form.
    """
    words = content.split()
    if len(words) != 2:
        return None
    quota, period = (files.to_integer(word) for word in words)
    if quota is None or period is None or quota <= 0 or period <= 0:
        return None
    return quota / period


def _folders(controller: str, root: Path) -> list[Path]:
    """The folders that may hold limits for this process: its own group's first, then those above.

    Inside a container the path in /proc/self/cgroup is often the host's, while /sys/fs/cgroup
    shows the container's own group at its top. Walking up to the top finds both.
    """
    found: list[Path] = []
    for line in (files.text(root / "proc/self/cgroup") or "").splitlines():
        _, _, names_and_path = line.partition(":")
        names, _, path = names_and_path.partition(":")
        base = root / "sys/fs/cgroup"
        if controller in names.split(","):
            base /= controller  # version 1: one tree for each controller
        elif names:
            continue
        below = [part for part in PurePosixPath(path).parts if part != "/"]
        if ".." in below:  # the group lies outside this cgroup namespace
            below = []
        found += [base.joinpath(*below[:depth]) for depth in range(len(below), -1, -1)]
    return found


def _memory(folder: Path, limit: str, used: str, reclaimable: str) -> MemoryLimit | None:
    limit_bytes = files.integer(folder / limit)
    if limit_bytes is None or limit_bytes <= 0:
        return None
    # Cached file pages count as used, yet make way at once. Kubernetes subtracts the same figure.
    cached = 0
    for line in (files.text(folder / "memory.stat") or "").splitlines():
        name, _, value = line.partition(" ")
        if name == reclaimable:
            cached = files.to_integer(value) or 0
    used_bytes = max(0, (files.integer(folder / used) or 0) - cached)
    return MemoryLimit(limit_bytes=limit_bytes, available_bytes=max(0, limit_bytes - used_bytes))
