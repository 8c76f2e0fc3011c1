"""Remakes the pins: the newest versions that every environment's extras allow today.

    tox -e pins                 all files
    tox -e pins -- jax torch    some of them

pip resolves and installs nothing (``--dry-run``), so that this takes a minute a file and no room.
Read the difference before you commit it, and run the tests with the new pins.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

ENVIRONMENTS = {
    "data": "data",
    "jax": "test-jax",
    "tf": "test-tf",
    "torch": "test-torch",
    "report": "test-report",
    "docs": "docs",
    "test": "test",
    "lint": "lint",
}
"""Each file, and the tox environment that has most in it; tox.ini knows its extras."""

HEADER = "# Exact pins of the `{name}` environment; `tox -e pins -- {name}` remakes them.\n"


def main(names: list[str]) -> None:
    """Write ``constraints/<name>.txt`` for each of ``names``.

    Raises:
        SystemExit: for a name that has no file.
    """
    if strangers := [name for name in names if name not in ENVIRONMENTS]:
        sys.exit(f"no such file: {', '.join(strangers)}. Valid: {', '.join(ENVIRONMENTS)}")
    for name in names or ENVIRONMENTS:
        extras = _run("tox", "config", "-e", ENVIRONMENTS[name], "-k", "extras").partition("=")[2]
        pins = resolved(extras.split())
        lines = [f"{package}=={pins[package]}\n" for package in sorted(pins, key=_canonical)]
        target = ROOT / "constraints" / f"{name}.txt"
        target.write_text(HEADER.format(name=name) + "".join(lines), encoding="utf-8")
        print(f"{target.relative_to(ROOT)}: {len(lines)} pins")


def resolved(extras: list[str]) -> dict[str, str]:
    """The version of every package that this project with ``extras`` needs, by name."""
    report = json.loads(
        _run(
            "pip",
            "install",
            "--quiet",
            "--dry-run",
            "--ignore-installed",
            "--report=-",
            "numpy",
            f"{ROOT}[{','.join(extras)}]",
        )
    )
    found = {
        part["metadata"]["name"]: part["metadata"]["version"]
        for part in report["install"]
        if "dir_info" not in part["download_info"]  # this project itself
    }
    # A local version such as +cpu names the build of one machine's index.
    pins = {name: version.partition("+")[0] for name, version in found.items()}
    for name in [name for name in pins if _canonical(name) == "tensorflow-cpu"]:
        # Which of the two is installed depends on the system; see pyproject.toml.
        pins["tensorflow"] = pins[name]
    return pins


def _canonical(name: str) -> str:
    return name.lower().replace("_", "-")


def _run(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(sys.argv[1:])
