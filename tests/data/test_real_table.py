"""MovieLens-100K itself, prepared as a user would have it. No rating is written down here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from harness.data import RATINGS_SHA256, Table, file, parse
from harness.data.frozen.generate import rebuild_archive
from harness.data.sources import archive
from harness.data.table import KNOWN_TITLES, titles_sha256
from harness.data.verify import verify

pytestmark = pytest.mark.network


def test_it_has_the_pinned_ratings(real_table: Table) -> None:
    columns = [
        getattr(real_table.ratings, n) for n in ("user_id", "movie_id", "rating", "timestamp")
    ]
    content = b"".join(column.astype("<i8").tobytes() for column in columns)
    assert hashlib.sha256(content).hexdigest() == RATINGS_SHA256 == real_table.ratings_sha256


def test_it_has_the_size_that_grouplens_tells(real_table: Table) -> None:
    assert (len(real_table.ratings), len(real_table.movies), len(real_table.users)) == (
        100_000,
        1_682,
        943,
    )


def test_every_rating_belongs_to_a_movie_and_a_user(real_table: Table) -> None:
    ratings = real_table.ratings
    assert np.array_equal(np.unique(ratings.movie_id), real_table.movies.movie_id)
    assert np.array_equal(np.unique(ratings.user_id), real_table.users.user_id)
    assert np.unique(ratings.rating).tolist() == [1, 2, 3, 4, 5]


def test_its_titles_are_of_a_known_kind(real_table: Table) -> None:
    assert titles_sha256(real_table.movies) in KNOWN_TITLES


def test_titles_end_with_their_year_but_for_one_movie(real_table: Table) -> None:
    titles = real_table.movies.title.tolist()
    assert [t for t in titles if parse.year(t) == 0] == ["unknown"]


def test_rebuilt_as_an_archive_it_reads_the_same(real_table: Table, tmp_path: Path) -> None:
    rebuilt = archive.read_zip(rebuild_archive(real_table, tmp_path), source="archive")
    assert rebuilt.ratings_sha256 == RATINGS_SHA256
    for part in ("movies", "users"):
        for name, column in getattr(real_table, part).columns().items():
            assert np.array_equal(column, getattr(getattr(rebuilt, part), name)), name


def test_the_mirror_agrees_with_the_prepared_table(real_table: Table, tmp_path: Path) -> None:
    file.write(real_table, tmp_path / "ml-100k.npz")
    verified = verify("mirror", cache_dir=tmp_path)
    assert verified.ratings_sha256 == RATINGS_SHA256
    assert verified.comparison
    assert verified.comparison.ratings_sha256 == RATINGS_SHA256
    assert set(verified.comparison.titles) <= {1128, 1201, 1635}
    assert verified.comparison.genres_equal
    assert verified.comparison.users_equal
