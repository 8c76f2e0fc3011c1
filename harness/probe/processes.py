"""What else runs on this machine: who uses the processors now, and is a trial among them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise

import psutil

from harness.probe import files
from harness.records.cell import Struct

SAMPLE_S = 0.3
"""Long enough to see 3% of a core: the kernel counts CPU time in ticks of 10 ms."""


MEASURING = ("run", "sweep")
"""Subcommands that measure."""


class CpuUse(Struct, frozen=True, kw_only=True):
    """What one process used of the processors; ``cores`` of 1.0 is one core, all of the time."""

    pid: int
    name: str
    cores: float


def cpu_use(
    wait: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.perf_counter
) -> list[CpuUse] | None:
    """Every process but this one that uses the processors, the busiest first.

    Processes that may not be looked into, or that start or end meanwhile, are missing. ``None``
    where this system shows no processes.
    """
    before, start = files.asked(_cpu_seconds), clock()
    wait(SAMPLE_S)
    after, elapsed_s = files.asked(_cpu_seconds), clock() - start
    if before is None or after is None:
        return None
    uses = [
        CpuUse(pid=pid, name=name, cores=max(0.0, seconds - before[pid, name]) / elapsed_s)
        for (pid, name), seconds in after.items()
        if (pid, name) in before and elapsed_s > 0
    ]
    return sorted((use for use in uses if use.cores > 0), key=lambda use: -use.cores)


def harness_runs() -> list[str]:
    """Trials and campaigns of this harness that are running now: ``pid 4711: harness run …``.

    This process and those that started it are left out.
    """
    return files.asked(_harness_runs) or []


def _harness_runs() -> list[str]:
    own = psutil.Process()
    ours = {own.pid, *(parent.pid for parent in own.parents())}
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        command = process.info["cmdline"] or []
        if process.info["pid"] not in ours and is_harness_run(command):
            found.append(f"pid {process.info['pid']}: {_shortened(command)}")
    return found


def is_harness_run(command: Sequence[str]) -> bool:
    """Whether ``command``, the words of a process, is a campaign or a trial of this harness.

    It must be the program itself: an editor that has "harness run" open is none.
    """
    words = [_program(word) for word in command]
    if ("-m", "harness.trial") in pairwise(words):
        return True
    if words[:1] == ["harness"]:
        return _subcommand(words[1:]) in MEASURING
    # `python -m harness run`, and the script that pip installs: `python /path/bin/harness run`
    if words[:1] and words[0].lower().startswith(("python", "pypy")) and "harness" in words:
        return _subcommand(words[words.index("harness") + 1 :]) in MEASURING
    return False


def _program(word: str) -> str:
    return word.replace("\\", "/").rpartition("/")[2].removesuffix(".exe")


def _subcommand(words: Sequence[str]) -> str | None:
    return next((word for word in words if not word.startswith("-")), None)


def _cpu_seconds() -> dict[tuple[int, str], float]:
    """CPU time of every process but this one, in seconds, by process id and name."""
    own = psutil.Process().pid
    seconds = {}
    for process in psutil.process_iter(["pid", "name", "cpu_times"]):
        times = process.info["cpu_times"]
        if times is not None and process.info["pid"] != own:
            name = process.info["name"] or "unnamed"
            seconds[process.info["pid"], name] = float(times.user + times.system)
    return seconds


def _shortened(command: Sequence[str], width: int = 60) -> str:
    line = " ".join(command)
    return line if len(line) <= width else f"{line[: width - 1]}…"
