"""Looking closely: what `verify` finds in the prepared table, and in a source beside it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data import CorruptTableError, MissingTableError, Movies, Table
from harness.data.prepare import UnknownSourceError
from harness.data.sources import SourceError
from harness.data.verify import compare, verify


def test_it_counts_what_the_table_holds(world: Any) -> None:
    world.prepare()
    found = verify(cache_dir=world.cache)
    assert (found.ratings, found.movies, found.users, found.source) == (3, 3, 2, "mirror")
    assert found.comparison is None


def test_titles_of_no_known_kind_are_told_and_not_refused(world: Any) -> None:
    world.prepare()
    assert verify(cache_dir=world.cache).titles_differ is None


def test_a_source_is_compared_beyond_its_ratings(
    world: Any, place_zip: Callable[[Path], Path]
) -> None:
    world.prepare()
    place_zip(world.cache)
    comparison = verify("archive", cache_dir=world.cache).comparison
    assert comparison
    assert comparison.source == "archive"
    assert comparison.titles == ()
    assert comparison.genres_equal
    assert comparison.users_equal


def test_movies_with_another_title_are_named(tiny: Table) -> None:
    movies = tiny.movies
    other = Movies(
        movies.movie_id, np.array(["Ünder (1999) ", "unknown", "x"]), movies.year, movies.genres
    )
    assert compare(tiny, dataclasses.replace(tiny, movies=other)).titles == (1, 3)


def test_without_a_prepared_table_it_tells_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(MissingTableError, match="`harness data prepare` makes it"):
        verify(cache_dir=tmp_path)


def test_a_corrupt_table_is_refused(world: Any) -> None:
    world.prepare()
    world.table.write_bytes(world.table.read_bytes()[:100])
    with pytest.raises(CorruptTableError, match=f"{world.table} is truncated or altered"):
        verify(cache_dir=world.cache)


def test_a_source_that_cannot_deliver_is_told(world: Any) -> None:
    world.prepare()
    with pytest.raises(SourceError, match=r"no download from files\.grouplens\.org"):
        verify("archive", cache_dir=world.cache)


@pytest.mark.parametrize("source", ["auto", "archiv"])
def test_only_a_single_known_source_can_be_compared(world: Any, source: str) -> None:
    with pytest.raises(UnknownSourceError):
        verify(source, cache_dir=world.cache)
