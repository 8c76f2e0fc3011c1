"""Making the prepared table: one file that every trial reads, from whichever source there is.

sources ──► checked against the pinned hash ──► written whole ──► read back ──► Prepared
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from harness.data import cache as caches
from harness.data import datasets, file
from harness.data import table as tables
from harness.data.cache import Cache, Report, silent
from harness.data.sources import SOURCES, SourceError
from harness.data.sources.archive import url
from harness.data.table import Table
from harness.errors import HarnessError, UnavailableError
from harness.words import unknown

AUTO = "auto"


class UnknownSourceError(HarnessError):
    """There is no source of that name."""


@dataclasses.dataclass(frozen=True)
class Attempt:
    """A source that was tried in vain, and why it failed."""

    source: str
    problem: str


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A table that is ready to be loaded from ``path``.

    ``source`` is where its content once came from, ``pinned`` whether the hash of its ratings is
    known beforehand, ``made`` whether it was made just now, and
    ``attempts`` the sources that were tried before.
    """

    path: Path
    source: str
    ratings_sha256: str
    pinned: bool
    attempts: tuple[Attempt, ...] = ()
    made: bool = False


def prepare(
    source: str = AUTO,
    *,
    dataset: str = datasets.DEFAULT,
    cache_dir: str | os.PathLike[str] | None = None,
    report: Report = silent,
) -> Prepared:
    """Have the prepared table, making it if it is not there or not what it should be.

    Several processes may do this at once: one makes the table, the others wait and use it.

    Args:
        source: ``auto`` takes the prepared table whatever its source, else the first that works
            of tfds, archive and mirror. A source's own name takes the prepared table only if it
            came from there, and else makes it again from there.
        dataset: the name of the data set.
        cache_dir: where the table and the downloads are kept, instead of ``HARNESS_CACHE_DIR`` or
            the user's cache folder.
        report: takes lines of progress, for a person.

    Raises:
        UnknownSourceError: if there is no such source; the message lists those there are.
        harness.data.datasets.UnknownDatasetError: if there is no such data set.
        SourceError: if no source works; the message lists why, and how to place the zip by hand.
        harness.data.cache.CacheError: if the cache cannot be written to.
    """
    names = source_names(source)
    cache = caches.find(cache_dir, dataset)
    # Without the lock first: a prepared table is read from a cache that need not be writable.
    if ready := _prepared(cache, source, silent):
        return ready
    cache.make()
    with caches.alone(cache, report):
        if ready := _prepared(cache, source, report):
            return ready
        table, attempts = _first_that_works(names, cache, report)
        try:
            file.write(table, cache.table)
        except OSError as error:
            raise caches.CacheError(
                f"{cache.table} cannot be written: {error.strerror or error}; name another "
                f"folder with --cache-dir or {caches.CACHE_VARIABLE}"
            ) from None
        table = file.load(cache.table)
    return _as_prepared(cache, table, attempts, made=True)


def source_names(source: str) -> list[str]:
    """The sources that ``source`` stands for, in the order in which they are tried.

    Raises:
        UnknownSourceError: if it stands for none.
    """
    if source == AUTO:
        return list(SOURCES)
    if source == "synthetic":
        raise UnknownSourceError(
            "source 'synthetic' is generated where it is used and never prepared; "
            f"valid: {', '.join([AUTO, *SOURCES])}"
        )
    if source not in SOURCES:
        raise UnknownSourceError(unknown("source", source, [AUTO, *SOURCES]))
    return [source]


def read_source(name: str, cache: Cache, report: Report) -> Table:
    """The table from one source, its ratings proven to be the data set's.

    Raises:
        UnavailableError: if the source cannot deliver, or delivers other ratings.
    """
    source = SOURCES[name]
    if problem := source.problem(cache):
        raise SourceError(problem)
    try:
        table = source.read(cache, report)
    except OSError as error:
        raise SourceError(f"{error.filename or cache.folder}: {error.strerror or error}") from None
    if (other := tables.other_ratings(table)) is not None:
        raise SourceError(f"its ratings are not {other}")
    if (strange := tables.made_up(table)) is not None:
        raise SourceError(f"it has {strange}")
    return table


def _prepared(cache: Cache, source: str, report: Report) -> Prepared | None:
    """The table that is already there, if it is right and came from where it should."""
    try:
        table = file.load(cache.table)
    except file.MissingTableError:
        return None
    except file.CorruptTableError as error:
        # Without its advice, which is being followed.
        report(f"not used: {str(error).rpartition(';')[0]}; making it again")
        return None
    if source not in {AUTO, table.source}:
        report(f"{cache.table} came from {table.source}; making it again from {source}")
        return None
    return _as_prepared(cache, table)


def _as_prepared(
    cache: Cache, table: Table, attempts: tuple[Attempt, ...] = (), *, made: bool = False
) -> Prepared:
    return Prepared(
        path=cache.table,
        source=table.source,
        ratings_sha256=table.ratings_sha256,
        pinned=tables.pinned(table.dataset) is not None,
        attempts=attempts,
        made=made,
    )


def _first_that_works(
    names: list[str], cache: Cache, report: Report
) -> tuple[Table, tuple[Attempt, ...]]:
    attempts: list[Attempt] = []
    for name in names:
        try:
            table = read_source(name, cache, lambda line, name=name: report(f"{name}: {line}"))  # type: ignore[misc]
        except UnavailableError as error:
            attempts.append(Attempt(name, str(error)))
            report(f"{name}: {error}")
        else:
            return table, tuple(attempts)
    tried = "\n".join(f"  {attempt.source}: {attempt.problem}" for attempt in attempts)
    raise SourceError(
        f"{cache.dataset.title} could not be had; tried without success:\n{tried}\n"
        f"Download {url(cache.dataset)} on another machine, put it at {cache.archive}, and run "
        f"`{datasets.remake(cache.dataset.name)}` again; its hash will be checked."
    )
