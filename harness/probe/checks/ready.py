"""Is everything in place for a run? Environments, rating table, and what a shell's settings do."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from harness.probe.checks import Finding, Status
from harness.probe.threads import thread_settings

ENVIRONMENTS = {"jax": "JAX", "tf": "TensorFlow", "torch": "PyTorch"}
"""tox environments, each with the name of the backend whose trials run in it."""


def environment(name: str, here: Path) -> Finding:
    """Whether the tox environment ``name`` was built below the folder ``here``."""
    python = environment_python(name, here)
    if python.exists():
        return _finding(f"environment {name}", "good", str(_below(here, python)))
    return _finding(
        f"environment {name}",
        "warning",
        f"there is no {_below(here, python)} in {here}",
        why=f"trials of {ENVIRONMENTS[name]} run in it",
        remedy=f"`tox -e {name} --notest` in the folder of tox.ini, or name an environment of your "
        f"own with `harness run --env {name}=PATH`",
    )


def environment_python(name: str, here: Path) -> Path:
    """Where the interpreter of the tox environment ``name`` belongs."""
    folder = here / ".tox" / name
    windows = sys.platform == "win32"
    return folder / "Scripts" / "python.exe" if windows else folder / "bin" / "python"


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


def _below(folder: Path, path: Path) -> Path:
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _finding(check: str, status: Status, seen: str, why: str = "", remedy: str = "") -> Finding:
    return Finding(check=check, group="ready", status=status, seen=seen, why=why, remedy=remedy)
