"""A machine of the tests' own: what they see of variables, folders and environments, and no more.

Whoever runs the tests has a cache, a shell's profile, environments that tox built, campaigns that
run. None of that may decide what a test says. What a test wants to be there, it puts there.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

STARTED: Mapping[str, str] = dict(os.environ)
"""The variables with which the tests were started, for the few that ask for the real machine."""

KEPT = frozenset(
    {
        "PATH",
        "TMPDIR",
        "KERAS_BACKEND",  # tells tests/backend which one is here; the others never see it
        # Where an interpreter finds its libraries, and which GPU a batch system gave to this job.
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "CUDA_VISIBLE_DEVICES",
        # Windows starts no Python without these.
        "SYSTEMROOT",
        "SYSTEMDRIVE",
        "WINDIR",
        "COMSPEC",
        "PATHEXT",
        "TEMP",
        "TMP",
    }
)
"""The variables that reach a test, with those of pytest itself."""

FRAMEWORKS = frozenset({"keras", "jax", "tensorflow", "torch"})

_find_spec = importlib.util.find_spec


def clean(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Give this process, and those that it starts, variables and folders of their own.

    ``folder`` is an empty one, which becomes the home with cache, settings and lock in it.
    Variables that were set since :data:`STARTED`, by a test's module, stay.
    """
    for name, value in STARTED.items():
        kept = name.upper() in KEPT or name.startswith("PYTEST_")
        if not kept and os.environ.get(name) == value:
            patch.delenv(name)
    home = folder / "home"
    home.mkdir()
    patch.setenv("HOME", str(home))
    patch.setenv("USERPROFILE", str(home))
    # By default this one is the same for everybody on the machine, on purpose.
    patch.setenv("HARNESS_LOCK_FOLDER", str(folder / "lock"))
    # Pages and records are UTF-8, and a child may be asked for what it prints.
    patch.setenv("PYTHONUTF8", "1")
    patch.setenv("TZ", "UTC")
    if hasattr(time, "tzset"):
        time.tzset()
    os.umask(0o022)
    # A shell has its background jobs ignore Ctrl-C and Ctrl-\, and their children too. Tests of
    # these would wait for the end of what they interrupt: `tox -m test &`.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGQUIT") and signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)


def without_frameworks(patch: pytest.MonkeyPatch) -> None:
    """Neither this interpreter nor a variable has a backend to offer."""

    def find_spec(name: str, package: str | None = None) -> Any:
        return None if name.partition(".")[0] in FRAMEWORKS else _find_spec(name, package)

    patch.setattr(importlib.util, "find_spec", find_spec)
    patch.delenv("KERAS_BACKEND", raising=False)


def in_its_own_folder(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """A test begins in ``folder``, and tox has built what stands in its ``.tox``."""
    from harness.launch import environments

    patch.chdir(folder)
    patch.setattr(environments, "tox_folders", lambda: [folder / ".tox"])


@contextmanager
def as_started() -> Iterator[None]:
    """Inside, the variables are those with which the tests were started."""
    now = dict(os.environ)
    os.environ.clear()
    os.environ.update(STARTED)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(now)
