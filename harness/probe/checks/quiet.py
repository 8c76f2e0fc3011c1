"""Is it quiet now? Load, other processes, other runs, stolen time, and how evenly work runs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from harness.probe.checks import Finding, Status
from harness.probe.processes import CpuUse

# While other programs used the same two cores, PyTorch's fit was measured 10 to 30 times too slow,
# without any error (docs/method.md). So these bounds are tight.
LOAD_PER_CORE = 0.1
LOAD_ALWAYS_GOOD = 0.5
BUSY_PROCESS_CORES = 0.1
UNSEEN_CORES = 0.25
STEAL_SHARE = 0.01
SPEED_SPREAD = 0.05


def load(load_average: float | None, cores: int) -> Finding:
    """The load average of the last minute against the number of logical ``cores``."""
    if load_average is None:
        return _finding("load", "unknown", "this system reports no load average")
    seen = f"{load_average:.2f} over the last minute, on {_cores(cores)}"
    if load_average <= max(LOAD_ALWAYS_GOOD, LOAD_PER_CORE * cores):
        return _finding("load", "good", seen)
    return _finding(
        "load",
        "warning",
        seen,
        why="programs were running that may still run, or come back, beside a trial",
        remedy="close what `top` shows, wait a minute, then run `harness doctor` again",
    )


def other_processes(
    uses: Sequence[CpuUse] | None, busy_share: float | None, own_cores: float, cores: int
) -> Finding:
    """Who uses the processors now; ``uses`` is ``None`` where no process can be seen.

    ``busy_share`` is what all programs together use of all ``cores`` (0 to 1), ``own_cores`` what
    this process used itself. What ``uses`` does not explain belongs to processes that cannot be
    seen from here, in another container perhaps.
    """
    if uses is None and busy_share is None:
        return _finding("other processes", "unknown", "this system shows no processes")
    uses = uses or []
    busy = [use for use in uses if use.cores >= BUSY_PROCESS_CORES]
    if busy:
        named = ", ".join(f"{use.name} (pid {use.pid}) {use.cores:.0%}" for use in busy[:3])
        more = f" and {len(busy) - 3} more" if len(busy) > 3 else ""
        return _finding(
            "other processes",
            "warning",
            f"{named}{more} of one core",
            why="a trial that shares its cores can be many times too slow, and the figure shows "
            "no sign of it",
            remedy=f"wait until it is done, or pause it: `kill -STOP {busy[0].pid}` (it goes on "
            f"with `kill -CONT {busy[0].pid}`)",
        )
    explained = sum(use.cores for use in uses) + own_cores
    unseen = 0.0 if busy_share is None else busy_share * cores - explained
    if unseen >= UNSEEN_CORES:
        return _finding(
            "other processes",
            "warning",
            f"none seen, yet the machine is busy with {unseen:.1f} of its {_cores(cores)}",
            why="programs that cannot be seen from here use the same cores: those of another "
            "container or user, or very short ones",
            remedy="look with `sudo top` on the host, outside of any container",
        )
    return _finding("other processes", "good", f"none uses {BUSY_PROCESS_CORES:.0%} of a core")


def other_runs(claims: Sequence[str]) -> Finding:
    """Whether another campaign or trial measures on this machine.

    ``claims`` are one line each, for a person: the processes found; the holder of the machine's
    lock belongs here too.
    """
    if not claims:
        return _finding("other runs", "good", "no other harness run on this machine")
    return _finding(
        "other runs",
        "warning",
        "; ".join(claims[:3]) + (f"; and {len(claims) - 3} more" if len(claims) > 3 else ""),
        why="two runs at once measure each other",
        remedy="wait until it has finished, or end it with Ctrl-C where it was started: what it "
        "has measured so far is kept",
    )


def steal(share: float | None, virtualised: str | None) -> Finding:
    """How much CPU time the host gave to other virtual machines while the speed probe worked."""
    if share is None:
        return _finding("steal time", "unknown", "this system does not count stolen time")
    place = f" ({virtualised})" if virtualised else ""
    seen = f"{share:.1%} of all CPU time was taken by the host{place}"
    if share <= STEAL_SHARE:
        return _finding("steal time", "good", seen)
    return _finding(
        "steal time",
        "warning",
        seen,
        why="other virtual machines on the same host are using its processors, and nothing done "
        "in here can stop them",
        remedy="try again at another time, or rent a dedicated (not burstable, not shared) machine",
    )


def speed(samples_s: Sequence[float]) -> Finding:
    """How evenly one fixed piece of work runs; ``samples_s`` are its times in seconds."""
    median = statistics.median(samples_s)
    spread = (max(samples_s) - min(samples_s)) / median
    seen = (
        f"{len(samples_s)} times the same work: {median:.3f} s, spread {spread:.1%} "
        f"({min(samples_s):.3f} to {max(samples_s):.3f} s)"
    )
    if spread <= SPEED_SPREAD:
        return _finding("speed", "good", seen)
    return _finding(
        "speed",
        "warning",
        seen,
        why=f"the same work should take the same time: differences between backends below "
        f"{spread:.0%} may be lost in this",
        remedy="fix the other warnings first and run `harness doctor` again; if none is left, "
        "the machine is shared or hot: measure more rounds, or elsewhere",
    )


def _cores(count: int) -> str:
    return "1 core" if count == 1 else f"{count} cores"


def _finding(check: str, status: Status, seen: str, why: str = "", remedy: str = "") -> Finding:
    return Finding(check=check, group="quiet", status=status, seen=seen, why=why, remedy=remedy)
