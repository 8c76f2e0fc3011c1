"""The canonical table: ratings, movies and users, as immutable NumPy columns.

Every source has to yield the same ratings in the same order; that is what
:data:`RATINGS_SHA256` proves.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.data import datasets

RATINGS_SHA256 = "f87fc0c7375bd73968688c631177b12bbdfd2fad858ac6f56dc32d9ce3f278c8"
"""What :func:`ratings_sha256` answers for MovieLens-100K.

Computed from the mirror, and confirmed by an independent package that carries the same 100,000
rows in the same order (``tests/backend/test_witness.py``).
"""

ARCHIVE_TITLES_SHA256 = "d540860798f5c8486e1be27aed38e6d8dfb79399fa538677e06a2528fd3695a3"
"""What :func:`titles_sha256` answers for GroupLens' own titles (as ``tfds`` and ``archive``)."""

KNOWN_TITLES = {
    ARCHIVE_TITLES_SHA256: (),
    # The mirror drops a space at the end of three titles.
    "3e48115c857061dc798ba346c725fa500e58d15c0514dc1de9ebe91a3e49cc65": (1128, 1201, 1635),
}
"""The ids of the movies whose title differs from GroupLens', by the hash of all titles."""

TITLES_OF = {RATINGS_SHA256: KNOWN_TITLES}
"""The titles that belong to ratings whose hash is pinned; whoever has others made them up."""

REST_OF = {
    RATINGS_SHA256: "59abffd6044a76a8118b0dd8d72beab53679557fb8683e865fadb10f5f23e0b7",
}
"""What :func:`rest_sha256` answers for the table that belongs to pinned ratings, from any source.

Computed from the mirror, and confirmed by the same package as the ratings.
"""

_DTYPES: dict[str, type[np.generic]] = {
    "timestamp": np.int64,
    **dict.fromkeys(("title", "genres", "gender", "occupation", "zip_code"), np.str_),
}  # all other columns are np.int32


class _Columns:
    """Base of the three tables: equally long columns of fixed types that cannot be written to."""

    def __post_init__(self) -> None:
        lengths = set()
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            given = np.asarray(getattr(self, field.name))
            column = np.ascontiguousarray(given, _DTYPES.get(field.name, np.int32))
            # NumPy wraps a number that is too large for its column, without a word.
            if given.ndim != 1 or (given.dtype != column.dtype and np.any(given != column)):
                raise ValueError(
                    f"{type(self).__name__}.{field.name} cannot hold "
                    f"{given.dtype} values of shape {given.shape}"
                )
            # A view, so that the caller's own array stays as writable as it was.
            column = column.view()
            column.flags.writeable = False
            object.__setattr__(self, field.name, column)
            lengths.add(len(column))
        if len(lengths) > 1:
            raise ValueError(f"columns of {type(self).__name__} differ in length: {lengths}")

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns by name, in the order in which they are declared."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(next(iter(self.columns().values())))


@dataclasses.dataclass(frozen=True, eq=False)
class Ratings(_Columns):
    """Who rated what, when: columns of shape ``[ratings]``, in the archive's own row order.

    ``rating`` is in stars, 1 to 5; ``timestamp`` in seconds since 1970 (UTC).
    """

    user_id: NDArray[np.int32]
    movie_id: NDArray[np.int32]
    rating: NDArray[np.int32]
    timestamp: NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class Movies(_Columns):
    """The movies by ascending id: columns of shape ``[movies]``.

    ``title`` reads as the tutorial shows it, name and year as in ``Made Up (1970)``; ``year`` is
    that year, 0 where the title names none; ``genres`` are joined by ``|``, in the archive's order.
    """

    movie_id: NDArray[np.int32]
    title: NDArray[np.str_]
    year: NDArray[np.int32]
    genres: NDArray[np.str_]


@dataclasses.dataclass(frozen=True, eq=False)
class Users(_Columns):
    """The users by ascending id: columns of shape ``[users]``. ``age`` is in years."""

    user_id: NDArray[np.int32]
    age: NDArray[np.int32]
    gender: NDArray[np.str_]
    occupation: NDArray[np.str_]
    zip_code: NDArray[np.str_]


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """Ratings with their movies and users, and the ``source`` that they came from.

    ``source`` is ``tfds``, ``archive``, ``mirror`` or ``synthetic``; ``dataset`` is one of
    :data:`harness.data.datasets.DATASETS`.
    """

    ratings: Ratings
    movies: Movies
    users: Users
    source: str
    dataset: str = datasets.DEFAULT

    @functools.cached_property
    def ratings_sha256(self) -> str:
        """The content hash of the ratings, computed when first asked for."""
        return ratings_sha256(self.ratings)


def ratings_sha256(ratings: Ratings) -> str:
    """The hash by which ratings are told apart, independent of how they are stored.

    It runs over ``user_id``, ``movie_id``, ``rating`` and ``timestamp``, one column after the
    other, each as little-endian 64-bit integers.
    """
    digest = hashlib.sha256()
    for column in ratings.columns().values():
        # In pieces, so that a large synthetic table is not held twice in memory.
        for start in range(0, len(column), 1 << 20):
            digest.update(column[start : start + (1 << 20)].astype("<i8").data)
    return digest.hexdigest()


def titles_sha256(movies: Movies) -> str:
    """The hash of all titles by ascending id: UTF-8, each ended by a line feed."""
    text = "".join(f"{title}\n" for title in movies.title.tolist())
    return hashlib.sha256(text.encode()).hexdigest()


def rest_sha256(movies: Movies, users: Users) -> str:
    """The hash of all that is in neither the ratings' nor the titles'.

    Column after column: numbers as little-endian 64-bit integers, text as UTF-8, each ended by a
    line feed.
    """
    digest = hashlib.sha256()
    for name, column in (*movies.columns().items(), *users.columns().items()):
        if name == "title":
            continue
        if column.dtype.kind == "U":
            digest.update("".join(f"{text}\n" for text in column.tolist()).encode())
        else:
            digest.update(column.astype("<i8").data)
    return digest.hexdigest()


def pinned(dataset: str) -> str | None:
    """The hash that the ratings of a data set must have.

    ``None`` for those that this project never had in hand: GroupLens' zip, whose hash TensorFlow
    Datasets registers, is all that proves them.
    """
    return RATINGS_SHA256 if dataset == datasets.DEFAULT else None


def other_ratings(table: Table) -> str | None:
    """The data set whose ratings ``table`` should hold and does not, and both hashes.

    ``None`` where it does, or nothing is pinned.
    """
    expected, found = pinned(table.dataset), table.ratings_sha256
    if expected in {None, found}:
        return None
    title = datasets.DATASETS[table.dataset].title
    return f"{title}: their sha256 is {found}, expected {expected}"


def made_up(table: Table) -> str | None:
    """What does not belong to the pinned ratings of ``table``; ``None`` where all of it does.

    Also ``None`` for other ratings, of which nothing is known.
    """
    titles = TITLES_OF.get(table.ratings_sha256)
    if titles is not None and (found := titles_sha256(table.movies)) not in titles:
        return f"titles that MovieLens-100K does not have: their sha256 is {found}"
    rest = REST_OF.get(table.ratings_sha256)
    if rest is not None and (found := rest_sha256(table.movies, table.users)) != rest:
        return (
            "years, genres or users that MovieLens-100K does not have: their sha256 is "
            f"{found}, expected {rest}"
        )
    return None
