"""How much memory there is, for this machine and for this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil

from harness.probe import cgroup, files
from harness.records.cell import Struct


class MemorySize(Struct, frozen=True, kw_only=True):
    """Memory in bytes. ``available_bytes`` is what can be used without swapping."""

    total_bytes: int
    available_bytes: int


def memory(root: Path = files.ROOT) -> MemorySize:
    """The memory that this process may use: the machine's, or a container's where that is less."""
    total_bytes, available_bytes = of_machine()
    limits = cgroup.memory_limits(root)
    return MemorySize(
        total_bytes=min([total_bytes, *(limit.limit_bytes for limit in limits)]),
        available_bytes=min([available_bytes, *(limit.available_bytes for limit in limits)]),
    )


def of_machine() -> tuple[int, int]:
    """The machine's memory in bytes, and what of it is available."""
    if (told := files.asked(psutil.virtual_memory)) is not None:
        return told.total, told.available
    page = os.sysconf("SC_PAGE_SIZE")  # the kernel itself, where /proc is hidden
    return page * os.sysconf("SC_PHYS_PAGES"), page * os.sysconf("SC_AVPHYS_PAGES")


def oom_kills(root: Path = files.ROOT) -> int | None:
    """How many processes the kernel has killed since it started because memory ran out.

    Those that a control group's limit ended count as well. ``None`` where nobody counts, which is
    anywhere but on Linux from 4.13 on.
    """
    for line in (files.text(root / "proc/vmstat") or "").splitlines():
        name, _, count = line.partition(" ")
        if name == "oom_kill":
            return files.to_integer(count)
    return None


def peak_rss_bytes() -> int:
    """Peak resident set of this process; ``ru_maxrss`` is in KiB on Linux, in bytes on macOS."""
    import resource  # not on Windows, where no trial runs

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
