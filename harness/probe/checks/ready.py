"""Is everything in place for a run? Environments, rating table, and what a shell's settings do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.backends import FACTS
from harness.probe.checks import Finding, Status
from harness.probe.threads import thread_settings


def environment(backend: str, serving: Sequence[str], problem: str = "") -> Finding:
    """Whether an interpreter serves ``backend``: the first one found is taken by a run.

    Args:
        backend: ``jax``, ``tensorflow`` or ``torch``.
        serving: the interpreters that serve it, the preferred one first.
        problem: why there is none, where there is none.
    """
    facts = FACTS[backend]
    check = f"environment {facts.tox_name}"
    if serving:
        return _finding(check, "good", serving[0])
    return _finding(
        check,
        "warning",
        problem,
        why=f"trials of {facts.label} run in it",
        remedy=f"`harness env make {facts.tox_name}`, or name an environment of your own with "
        f"`harness run --env {facts.tox_name}=PATH`",
    )


def table(path: Path | None) -> Finding:
    """Whether the rating table was prepared; ``path`` is where it belongs."""
    if path is None:
        return _finding("rating table", "unknown", "its place is not known")
    if path.exists():
        return _finding("rating table", "good", str(path))
    return _finding(
        "rating table",
        "warning",
        f"there is no {path}",
        why="trials train on it; without a network it cannot be prepared later",
        remedy="`harness data prepare`",
    )


def threads(variables: Mapping[str, str]) -> Finding:
    """What thread settings in a shell's ``variables`` would do, and do not do, to a trial."""
    found = thread_settings(variables)
    if not found:
        return _finding("thread settings", "good", "none in this shell")
    return _finding(
        "thread settings",
        "warning",
        ", ".join(f"{name}={value}" for name, value in found.items()),
        why="trials do not inherit this, so that a figure never depends on the shell it was "
        "started from; only the speed check above obeyed it",
        remedy=f"`unset {' '.join(found)}`; to measure with N threads, `harness run --threads N`",
    )


def _finding(check: str, status: Status, seen: str, why: str = "", remedy: str = "") -> Finding:
    return Finding(check=check, group="ready", status=status, seen=seen, why=why, remedy=remedy)
