"""Environments of the harness's own: virtual environments below the user's cache folder.

One folder for each recipe. Its description is written last, so that what a killed process left is
never taken for an environment; its time of change is when the environment was last used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from harness import regular_files
from harness.backends import BACKENDS, FACTS
from harness.data import cache
from harness.errors import UnavailableError
from harness.records.cell import Struct
from harness.records.decoding import LARGEST_BYTES, UndecodableError, decode

DESCRIPTION = "environment.json"
"""The file in an environment's folder that tells what it is."""

LOCK_TIMEOUT_S = 3600.0
"""How long to wait for another process that makes the same environment."""


class Recipe(Struct, frozen=True, kw_only=True):
    """What an environment is made of: a backend with its pins, and what a user asks for beside.

    ``python`` is a version such as ``3.11``; ``requirements`` are texts as pip takes them, which
    win over the pins.
    """

    backend: str
    python: str
    requirements: tuple[str, ...] = ()
    gpu: bool = False

    @property
    def extra(self) -> str:
        """The extra of this distribution that it installs, and its name on the command line."""
        return FACTS[self.backend].tox_name + ("-gpu" if self.gpu else "")

    @property
    def key(self) -> str:
        """The name of its folder: ``jax-py3.11``, ``jax-py3.11-1a2b3c4d`` with requirements."""
        plain = f"{self.extra}-py{self.python}"
        if not self.requirements:
            return plain
        digest = hashlib.sha256("\0".join(sorted(self.requirements)).encode()).hexdigest()[:8]
        return f"{plain}-{digest}"

    @property
    def label(self) -> str:
        """For a person: ``jax``, ``jax with keras==3.14.0``."""
        beside = f" with {' '.join(self.requirements)}" if self.requirements else ""
        return f"{self.extra}{beside}"

    @property
    def command(self) -> str:
        """The command that makes it."""
        words = ["harness env make", self.extra]
        words += [f"--with {shlex.quote(one)}" for one in self.requirements]
        words += [f"--python {self.python}"] if self.python != this_python() else []
        return " ".join(words)


class Description(Struct, frozen=True, kw_only=True):
    """What was made. ``packages`` are all that are installed; ``live`` that this very checkout is.

    ``size_bytes`` is what the folder takes on the disk.
    """

    recipe: Recipe
    harness: str
    live: bool
    installer: str
    made_at: str
    size_bytes: int
    packages: dict[str, str]


class Own(Struct, frozen=True, kw_only=True):
    """An environment that is there and whole."""

    folder: Path
    description: Description

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return python_in(self.folder)

    @property
    def used_at(self) -> datetime:
        """When a command last took it for a run."""
        return datetime.fromtimestamp((self.folder / DESCRIPTION).stat().st_mtime, tz=UTC)

    def use(self) -> None:
        """Note that it is used now."""
        with contextlib.suppress(OSError):
            os.utime(self.folder / DESCRIPTION)


def this_python() -> str:
    """The version of the Python that runs this: ``3.11``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def root() -> Path:
    """The folder of all environments, which need not be there."""
    return cache.find().folder / "environments"


def python_in(folder: Path) -> Path:
    """Where the interpreter of a virtual environment lies."""
    inside = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
    return folder.joinpath(*inside)


def of(recipe: Recipe) -> Own | None:
    """The environment of that recipe; ``None`` if it is not there, or not whole."""
    return _read(root() / recipe.key)


def everything() -> list[Own]:
    """All environments that are whole, by backend, Python and requirements."""
    with contextlib.suppress(OSError):
        found = [own for folder in root().iterdir() if (own := _read(folder)) is not None]
        return sorted(found, key=_order)
    return []


def plain(backend: str) -> list[Own]:
    """Those of a backend as the pins have it, this Python's first."""
    mine = [
        own
        for own in everything()
        if own.description.recipe.backend == backend and not own.description.recipe.requirements
    ]
    return sorted(mine, key=lambda own: own.description.recipe.python != this_python())


def remove(folder: Path) -> None:
    """Remove an environment, the description first: half of one is none.

    Raises:
        UnavailableError: if it cannot be removed.
    """
    try:
        (folder / DESCRIPTION).unlink(missing_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise UnavailableError(
            f"{error.filename or folder} cannot be removed: {error.strerror}"
        ) from None


def leftovers() -> list[Path]:
    """Folders that a killed process left, of which nobody makes an environment now."""
    return [folder for folder in _unmade() if _read(folder) is None]


def _unmade() -> Iterator[Path]:
    """Folders of environments that nobody makes now, each with its lock while it is looked at."""
    import filelock

    with contextlib.suppress(OSError):
        for folder in root().iterdir():
            if folder.is_dir():
                lock = filelock.FileLock(_lock_path(folder))
                with contextlib.suppress(filelock.Timeout), lock.acquire(timeout=0):
                    yield folder


def _sweep() -> None:
    """Remove what a killed process did not make to the end, of up to a gigabyte each."""
    for folder in _unmade():
        if not (folder / DESCRIPTION).exists():
            with contextlib.suppress(UnavailableError):
                remove(folder)


@contextlib.contextmanager
def alone(recipe: Recipe) -> Iterator[Path]:
    """The folder of ``recipe``, with the lock that one process at a time may hold.

    The system frees the lock if this process dies.

    Raises:
        UnavailableError: if the folder cannot be made, or another process holds it for an hour.
    """
    import filelock

    folder = root() / recipe.key
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(_lock_path(folder))
        lock.acquire(timeout=LOCK_TIMEOUT_S)
    except filelock.Timeout:
        raise UnavailableError(
            f"another process has been making {folder} for {LOCK_TIMEOUT_S / 60:.0f} minutes: "
            "end it, and try again"
        ) from None
    except OSError as error:
        raise UnavailableError(
            f"{folder.parent} cannot be written: {error.strerror}; "
            f"name another folder with {cache.CACHE_VARIABLE}"
        ) from None
    try:
        _sweep()
        yield folder
    finally:
        lock.release()


def size_bytes(folder: Path) -> int:
    """What the files below ``folder`` take, links not followed."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 - 30,000 files
    return total


def _read(folder: Path) -> Own | None:
    try:
        content = regular_files.content(folder / DESCRIPTION, LARGEST_BYTES)
        description = decode(content, Description, "environment")
    except (OSError, UndecodableError):
        return None
    if description.recipe.backend not in BACKENDS or not python_in(folder).exists():
        return None  # such as a Python that was removed from below it
    return Own(folder=folder, description=description)


def _lock_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _order(own: Own) -> tuple[int, str]:
    recipe = own.description.recipe
    return BACKENDS.index(recipe.backend), recipe.key
