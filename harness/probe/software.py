"""Which software measures: operating system, Python, packages, and the harness itself."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import harness
from harness.probe import files
from harness.records.trial import Provenance

PACKAGE_FOLDER = Path(harness.__file__).resolve().parent

GIT_TIMEOUT_S = 20.0
"""A checkout on a sleeping network drive must not hold up the command line for ever."""


def operating_system(root: Path = files.ROOT) -> str:
    """The system in one line: ``Debian GNU/Linux 12 (bookworm), Linux 6.1.0-18-amd64``."""
    kernel = f"{platform.system()} {platform.release()}".strip() or "unknown"
    if platform.system() == "Darwin":
        return f"macOS {platform.mac_ver()[0]}, {kernel}"
    # The second place is where the standard (os-release(5)) has it when /etc holds no link.
    for place in ("etc/os-release", "usr/lib/os-release"):
        distribution = _distribution(files.text(root / place) or "")
        if distribution:
            return f"{distribution}, {kernel}"
    return kernel


def python() -> str:
    """The interpreter and its version: ``CPython 3.11.7``."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def packages() -> dict[str, str]:
    """Every installed package that this interpreter finds, with its version, sorted.

    Names are normalised as in PEP 503: ``Keras_RS`` is ``keras-rs``.
    """
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        # Not `distribution.name`: it parses the whole file as an e-mail, which for the packages of
        # a backend's environment takes six times as long as this.
        header = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
        name, version = _header_field(header, "Name"), _header_field(header, "Version")
        if name and version:
            # The first one found is the one that an import takes.
            found.setdefault(normalised(name), version)
    return dict(sorted(found.items()))


def normalised(name: str) -> str:
    """A package's name in the form in which names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def provenance(folder: Path = PACKAGE_FOLDER) -> Provenance:
    """Which harness this is: its version, and the commit of the checkout that ``folder`` is in.

    ``dirty`` tells whether any file of the checkout was changed, added or removed since that
    commit; ``results/`` does not count, since running the harness changes it. Both are ``None``
    without git and outside of a checkout: a copy installed into ``.tox/`` lies *below* a checkout
    but is no part of it.
    """
    tracked = _git(folder, "ls-files", "--error-unmatch", "--", "__init__.py")
    status = None
    if tracked is not None:
        status = _git(
            folder, "status", "--porcelain=v2", "--branch", "--", ":/", ":(top,exclude)results"
        )
    if status is None:
        return Provenance(version=harness.__version__)
    lines = status.splitlines()
    heads = [line.removeprefix("# branch.oid ") for line in lines if "# branch.oid " in line]
    return Provenance(
        version=harness.__version__,
        commit=heads[0] if heads and heads[0] != "(initial)" else None,
        dirty=any(not line.startswith("#") for line in lines),
    )


def _distribution(os_release: str) -> str | None:
    for line in os_release.splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "PRETTY_NAME":
            return value.strip().strip("\"'") or None
    return None


def _header_field(header: str, field: str) -> str | None:
    for line in header.splitlines():
        if not line:
            break  # what follows is the description
        if line.startswith(f"{field}:"):
            return line.partition(":")[2].strip() or None
    return None


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints, or ``None`` if it is missing, fails or hangs."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [
        git,
        # git refuses a checkout of another user (a container's mount, CI), because its settings can
        # run commands. Here nothing is risked: the code of this very checkout is already running.
        "-c", "safe.directory=*",
        # No daemon may stay behind to watch the files while trials are timed.
        "-c", "core.fsmonitor=false",
        # Do not rewrite the index: somebody may be committing.
        "--no-optional-locks",
        *arguments,
    ]  # fmt: skip
    # Inside a git hook GIT_DIR and its kin point to whatever repository is being worked on.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=variables,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=GIT_TIMEOUT_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
