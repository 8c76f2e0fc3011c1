"""From the files of the archive and of the mirror to columns.

Both carry the same rows in the same order. A line that does not read as it should is an error
that names the file and the line: half a table is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from harness.data.table import Movies, Ratings, Users
from harness.errors import UnavailableError

GENRES = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
"""The genres in the order of the flags in ``u.item`` (the archive's ``u.genre``)."""

OCCUPATIONS_1M = (
    "other/not specified",
    "academic/educator",
    "artist",
    "clerical/admin",
    "college/grad student",
    "customer service",
    "doctor/health care",
    "executive/managerial",
    "farmer",
    "homemaker",
    "K-12 student",
    "lawyer",
    "programmer",
    "retired",
    "sales/marketing",
    "scientist",
    "self-employed",
    "technician/engineer",
    "tradesman/craftsman",
    "unemployed",
    "writer",
)
"""What the numbers in ``users.dat`` of MovieLens-1M stand for (its README)."""

MIRROR_HEADERS = {
    "ml-100k.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float",
    "ml-100k.item": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq",
    "ml-100k.user": "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token",
}
_MIRROR_UNKNOWN = "unkonwn"  # the mirror's own spelling, for movie 267, which has no title

Row = TypeVar("Row")


class MalformedError(UnavailableError):
    """A line of a source that does not read as it should."""


def archive_ratings(content: bytes) -> Ratings:
    """``u.data``: user, movie, stars, timestamp, separated by tabs.

    Raises:
        MalformedError: naming the line.
    """
    return _ratings("u.data", _lines(content.decode("latin-1")), 1, "\t")


def archive_movies(content: bytes) -> Movies:
    """``u.item`` (Latin-1): id, title, dates, address and a flag per genre, separated by ``|``.

    Raises:
        MalformedError: naming the line.
    """

    def parse(line: str) -> tuple[int, str, str]:
        # The title comes with its year. Three titles end with a space, which the tutorial shows
        # too, so it is kept.
        movie_id, title, _released, _video, _address, *flags = line.split("|")
        if len(flags) != len(GENRES) or not set(flags) <= {"0", "1"}:
            raise ValueError
        genres = [g for g, flag in zip(GENRES, flags, strict=True) if flag == "1"]
        return _whole(movie_id), title, "|".join(genres)

    lines = _lines(content.decode("latin-1"))
    return movies(_rows("u.item", lines, 1, "an id, a title and 19 genre flags", parse))


def archive_users(content: bytes) -> Users:
    """``u.user``: id, age, gender, occupation, zip code, separated by ``|``.

    Raises:
        MalformedError: naming the line.
    """
    return _users("u.user", _lines(content.decode("latin-1")), 1, "|")


def ratings_1m(content: bytes) -> Ratings:
    """``ratings.dat`` of MovieLens-1M, in its own order: as ``u.data``, separated by ``::``.

    Raises:
        MalformedError: naming the line.
    """
    return _ratings("ratings.dat", _lines(content.decode("latin-1")), 1, "::")


def movies_1m(content: bytes) -> Movies:
    """``movies.dat`` of MovieLens-1M (Latin-1): id, title with its year, genres.

    Raises:
        MalformedError: naming the line.
    """

    def parse(line: str) -> tuple[int, str, str]:
        movie_id, title, genres = line.split("::")
        if not set(genres.split("|")) <= set(GENRES):
            raise ValueError
        return _whole(movie_id), title, genres

    lines = _lines(content.decode("latin-1"))
    return movies(_rows("movies.dat", lines, 1, "an id, a title and genres", parse))


def users_1m(content: bytes) -> Users:
    """``users.dat`` of MovieLens-1M: id, gender, youngest age of a group, occupation, zip code.

    Raises:
        MalformedError: naming the line.
    """

    def parse(line: str) -> tuple[int, int, str, str, str]:
        user_id, gender, age, occupation, zip_code = line.split("::")
        if _whole(occupation) >= len(OCCUPATIONS_1M):
            raise ValueError
        return _whole(user_id), _whole(age), gender, OCCUPATIONS_1M[int(occupation)], zip_code

    lines = _lines(content.decode("latin-1"))
    rows = _rows("users.dat", lines, 1, "id, gender, age, occupation and zip code", parse)
    return users(rows)


def by_time(ratings: Ratings) -> Ratings:
    """The ratings by user, time and movie: an order that needs no file to go by."""
    order = np.lexsort((ratings.movie_id, ratings.timestamp, ratings.user_id))
    return Ratings(**{name: column[order] for name, column in ratings.columns().items()})


def mirror_ratings(content: bytes) -> Ratings:
    """``ml-100k.inter`` of the mirror: as ``u.data``, with a header.

    Raises:
        MalformedError: naming the line.
    """
    return _ratings("ml-100k.inter", _mirror_lines("ml-100k.inter", content), 2, "\t")


def mirror_movies(content: bytes) -> Movies:
    """``ml-100k.item`` of the mirror (UTF-8): id, title, year and genres, separated by tabs.

    Raises:
        MalformedError: naming the line.
    """

    def parse(line: str) -> tuple[int, str, str]:
        movie_id, name, year, genres = line.split("\t")
        # The archive has title and year in one, as the tutorial shows them.
        title = "unknown" if name == _MIRROR_UNKNOWN else f"{name} ({year})"
        if not set(genres.split()) <= set(GENRES):
            raise ValueError
        return _whole(movie_id), title, "|".join(genres.split())

    lines = _mirror_lines("ml-100k.item", content)
    return movies(_rows("ml-100k.item", lines, 2, "an id, a title, a year and genres", parse))


def mirror_users(content: bytes) -> Users:
    """``ml-100k.user`` of the mirror: as ``u.user``, with tabs and a header.

    Raises:
        MalformedError: naming the line.
    """
    return _users("ml-100k.user", _mirror_lines("ml-100k.user", content), 2, "\t")


def movies(rows: Sequence[tuple[int, str, str]]) -> Movies:
    """Movies by ascending id from rows of id, canonical title, and genres joined by ``|``."""
    ordered = sorted(rows)
    return Movies(
        movie_id=np.array([row[0] for row in ordered]),
        title=np.array([row[1] for row in ordered]),
        year=np.array([year(row[1]) for row in ordered]),
        genres=np.array([row[2] for row in ordered]),
    )


def users(rows: Sequence[tuple[int, int, str, str, str]]) -> Users:
    """Users by ascending id from rows of id, age, gender, occupation and zip code."""
    return Users(*(np.array(column) for column in zip(*sorted(rows), strict=True)))


def year(title: str) -> int:
    """The last year in parentheses in a title, or 0: one title has `` (V)`` behind its year."""
    years = re.findall(r"\(([12][0-9]{3})\)", title)
    return int(years[-1]) if years else 0


def _ratings(name: str, lines: Sequence[str], first: int, separator: str) -> Ratings:
    def parse(line: str) -> tuple[int, int, int, int]:
        user_id, movie_id, rating, timestamp = line.split(separator)
        return _whole(user_id), _whole(movie_id), _whole(rating), _whole(timestamp)

    between = "tabs" if separator == "\t" else separator
    rows = _rows(name, lines, first, f"four integers separated by {between}", parse)
    return Ratings(*np.array(rows).T)


def _users(name: str, lines: Sequence[str], first: int, separator: str) -> Users:
    def parse(line: str) -> tuple[int, int, str, str, str]:
        user_id, age, gender, occupation, zip_code = line.split(separator)
        return _whole(user_id), _whole(age), gender, occupation, zip_code

    return users(_rows(name, lines, first, "id, age, gender, occupation and zip code", parse))


def _whole(text: str) -> int:
    """A number below 2^31 in plain digits; ``int`` would also read ``1_0``, `` 1`` and ``١``."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 1 << 31):
        raise ValueError
    return int(text)


def _rows(
    name: str, lines: Sequence[str], first: int, expected: str, parse: Callable[[str], Row]
) -> list[Row]:
    rows = []
    for number, line in enumerate(lines, first):
        try:
            rows.append(parse(line))
        except ValueError:
            raise MalformedError(
                f"{name}, line {number}: expected {expected}, found {line[:80]!r}"
            ) from None
    if not rows:
        raise MalformedError(f"{name} holds no rows")
    return rows


def _lines(text: str) -> list[str]:
    # Not str.splitlines, which also splits at characters that Latin-1 text may hold (U+0085).
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def _mirror_lines(name: str, content: bytes) -> list[str]:
    try:
        header, *lines = _lines(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedError(f"{name} is not UTF-8 ({error})") from None
    if header != MIRROR_HEADERS[name]:
        raise MalformedError(
            f"{name}, line 1: expected the header {MIRROR_HEADERS[name]!r}, found {header[:80]!r}"
        )
    return lines
