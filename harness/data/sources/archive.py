"""The source ``archive``: GroupLens' own zip, downloaded with pooch or put in place by hand."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import ClassVar

from harness.data import parse
from harness.data.cache import Cache, Report
from harness.data.datasets import DEFAULT, Dataset
from harness.data.sources.base import Source, SourceError, fetch, file_sha256, read_members
from harness.data.table import Table

HOST = "files.grouplens.org"

# Seconds to connect to one address and to wait for the next bytes. A host has two or three
# addresses, so an unreachable one is given up after at most some 20 seconds.
TIMEOUT_S = (6, 15)


def url(dataset: Dataset) -> str:
    """Where GroupLens has the zip of a data set."""
    return f"https://{HOST}/datasets/movielens/{dataset.stem}.zip"


class ArchiveSource(Source):
    """``ml-100k.zip`` or ``ml-1m.zip`` from GroupLens."""

    name: ClassVar[str] = "archive"
    how: ClassVar[str] = "GroupLens' zip, downloaded or put in place by hand"
    needs: ClassVar[str] = f"{HOST}, or the zip in the cache folder"

    def problem(self, cache: Cache) -> str | None:
        """Nothing speaks against trying."""
        return None

    def online(self, cache: Cache) -> str | None:
        """Whether the zip is in place, and else whether GroupLens answers."""
        if cache.archive.exists() and file_sha256(cache.archive) == cache.dataset.zip_sha256:
            return None
        return unreachable(url(cache.dataset))

    def read(self, cache: Cache, report: Report) -> Table:
        """Download the zip unless it is there, and parse three of its files."""
        return read_zip(fetch_zip(cache, report), source=self.name, dataset=cache.dataset.name)


def fetch_zip(cache: Cache, report: Report) -> Path:
    """The zip with the registered hash, in the cache.

    Raises:
        SourceError: if it is not there and cannot be had.
    """
    return fetch(
        cache.archive,
        sha256=cache.dataset.zip_sha256,
        origin=HOST,
        download=functools.partial(download, url(cache.dataset)),
        report=report,
    )


def read_zip(path: Path, *, source: str, dataset: str = DEFAULT) -> Table:
    """The table from a zip of GroupLens'.

    MovieLens-100K keeps the order of its file. MovieLens-1M is put in order by user, time and
    movie, since TensorFlow Datasets yields it in another one than the file's.

    Raises:
        SourceError: if a file is missing from it.
        harness.data.parse.MalformedError: if a line does not read as it should.
    """
    if dataset == "1m":
        parts = (f"ml-1m/{part}.dat" for part in ("ratings", "movies", "users"))
        data, item, user = read_members(path, parts)
        return Table(
            ratings=parse.by_time(parse.ratings_1m(data)),
            movies=parse.movies_1m(item),
            users=parse.users_1m(user),
            source=source,
            dataset=dataset,
        )
    data, item, user = read_members(
        path, (f"ml-100k/u.{part}" for part in ("data", "item", "user"))
    )
    return Table(
        ratings=parse.archive_ratings(data),
        movies=parse.archive_movies(item),
        users=parse.archive_users(user),
        source=source,
    )


def download(address: str, target: Path) -> None:
    """Download the zip to ``target``, without looking at what came.

    Raises:
        SourceError: if GroupLens cannot be reached or does not have it.
    """
    import pooch

    try:
        pooch.HTTPDownloader(timeout=TIMEOUT_S, chunk_size=1 << 16)(address, str(target), None)
    except OSError as error:  # every error of requests is one
        raise SourceError(_because(error)) from None


def unreachable(address: str) -> str | None:
    """Why GroupLens does not answer; ``None`` if it does and has the zip."""
    import pooch

    try:
        there = pooch.HTTPDownloader(timeout=TIMEOUT_S)(address, "", None, check_only=True)
    except OSError as error:
        return _because(error)
    return None if there else f"{HOST} answers, but does not offer the zip"


def _because(error: OSError) -> str:
    """The reason inside an error of requests, which wraps urllib3's, which wraps the cause."""
    cause = error.args[0] if error.args else error
    reason = str(getattr(cause, "reason", cause)).rpartition("): ")[2]
    return f"no download from {HOST}: {reason}"
