"""How much memory there is, for this machine and for this process."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from harness.probe import cgroup, files
from harness.record import Struct


class MemorySize(Struct, frozen=True, kw_only=True):
    """Memory in bytes. ``available_bytes`` is what can be used without swapping."""

    total_bytes: int
    available_bytes: int


def memory(root: Path = files.ROOT) -> MemorySize:
    """The memory that this process may use: the machine's, or a container's where that is less."""
    machine = psutil.virtual_memory()
    limits = cgroup.memory_limits(root)
    return MemorySize(
        total_bytes=min([machine.total, *(limit.limit_bytes for limit in limits)]),
        available_bytes=min([machine.available, *(limit.available_bytes for limit in limits)]),
    )


def peak_rss_bytes() -> int:
    """Peak resident set of this process; ``ru_maxrss`` is in KiB on Linux, in bytes on macOS."""
    import resource  # not on Windows, where no trial runs

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
