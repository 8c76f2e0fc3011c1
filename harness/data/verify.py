"""Looking closely at the prepared table, and at a source beside it."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np

from harness.data import cache as caches
from harness.data import datasets, file
from harness.data import table as tables
from harness.data.cache import Report, silent
from harness.data.prepare import AUTO, UnknownSourceError, read_source, source_names
from harness.data.sources import SOURCES, SourceError
from harness.data.table import KNOWN_TITLES, Table, titles_sha256


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A source beside the prepared table: what differs, where the ratings are the same.

    ``titles`` holds the ids of movies with another title; ``genres`` and ``users`` tell whether
    those columns are the same.
    """

    source: str
    ratings_sha256: str
    titles: tuple[int, ...]
    genres_equal: bool
    users_equal: bool


@dataclasses.dataclass(frozen=True)
class Verified:
    """What the prepared table holds.

    ``pinned`` tells whether the hash of its ratings is known beforehand.

    ``titles_differ`` holds the ids of movies whose title is not GroupLens' own, ``None`` if the
    titles are of no known kind (they take no part in the ratings' hash).
    """

    path: Path
    source: str
    ratings_sha256: str
    pinned: bool
    ratings: int
    movies: int
    users: int
    titles_sha256: str
    titles_differ: tuple[int, ...] | None
    comparison: Comparison | None = None


def verify(
    source: str | None = None,
    *,
    dataset: str = datasets.DEFAULT,
    cache_dir: str | os.PathLike[str] | None = None,
    report: Report = silent,
) -> Verified:
    """Check the prepared table against the pinned hash, and a source too if one is named.

    Args:
        source: ``tfds``, ``archive`` or ``mirror``, read anew (a download that is in the cache is
            used) and compared with the prepared table.
        dataset: the name of the data set.
        cache_dir: as in :func:`harness.data.prepare.prepare`.
        report: takes lines of progress, for a person.

    Raises:
        harness.data.MissingTableError: if there is no prepared table.
        harness.data.CorruptTableError: if it is not what it should be.
        UnavailableError: if the source cannot deliver, or delivers other ratings.
        harness.data.prepare.UnknownSourceError: if there is no such source.
    """
    if source == AUTO:
        raise UnknownSourceError(
            f"source '{AUTO}' names no single source to compare with; valid: {', '.join(SOURCES)}"
        )
    names = source_names(source) if source else []
    cache = caches.find(cache_dir, dataset)
    table = file.load(cache.table)
    comparison = None
    if names:
        cache.make()
        with caches.alone(cache, report):
            other = read_source(names[0], cache, report)
            if other.ratings_sha256 != table.ratings_sha256:  # where none is pinned
                raise SourceError(
                    f"{names[0]} has other ratings: their sha256 is {other.ratings_sha256}, "
                    f"that of {cache.table} is {table.ratings_sha256}"
                )
            comparison = compare(table, other)
    titles = titles_sha256(table.movies)
    return Verified(
        path=cache.table,
        source=table.source,
        ratings_sha256=table.ratings_sha256,
        pinned=tables.pinned(table.dataset) is not None,
        ratings=len(table.ratings),
        movies=len(table.movies),
        users=len(table.users),
        titles_sha256=titles,
        titles_differ=KNOWN_TITLES.get(titles),
        comparison=comparison,
    )


def compare(table: Table, other: Table) -> Comparison:
    """What differs beside the ratings, which are known to be the same."""
    differ = table.movies.title != other.movies.title
    users = zip(table.users.columns().values(), other.users.columns().values(), strict=True)
    return Comparison(
        source=other.source,
        ratings_sha256=other.ratings_sha256,
        titles=tuple(int(i) for i in table.movies.movie_id[differ]),
        genres_equal=bool(np.array_equal(table.movies.genres, other.movies.genres)),
        users_equal=all(np.array_equal(mine, theirs) for mine, theirs in users),
    )
