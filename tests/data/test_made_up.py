"""A table that somebody made up, or a zip that fills the memory, is refused."""

from __future__ import annotations

import dataclasses
import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from harness.data import CorruptTableError, file, load, prepare
from harness.data import table as tables
from harness.data.cache import Cache, silent
from harness.data.sources.base import SourceError, read_members


@pytest.fixture
def pinned(tiny, tmp_path, monkeypatch):
    """The tiny table in a file, its ratings and titles pinned as if they were the real ones."""
    monkeypatch.setattr(tables, "RATINGS_SHA256", tiny.ratings_sha256)
    titles = {tables.titles_sha256(tiny.movies): ()}
    rest = tables.rest_sha256(tiny.movies, tiny.users)
    monkeypatch.setattr(tables, "TITLES_OF", {tiny.ratings_sha256: titles})
    monkeypatch.setattr(tables, "REST_OF", {tiny.ratings_sha256: rest})
    path = tmp_path / "table.npz"
    file.write(tiny, path)
    return path


@pytest.mark.parametrize("title", ["Another (1999)", "Ünder (1999) ", "", "\x1b[2J"])
def test_a_table_with_a_changed_title_and_a_new_digest_is_refused(pinned, tiny, title):
    assert load(pinned)
    changed = np.array([title, *tiny.movies.title[1:]])
    movies = dataclasses.replace(tiny.movies, title=changed)
    file.write(dataclasses.replace(tiny, movies=movies), pinned)
    with pytest.raises(CorruptTableError, match="titles that MovieLens-100K does not have"):
        load(pinned)


CHANGES = {
    "movies.movie_id": 77, "movies.year": 1888, "movies.genres": "Western", "users.user_id": 77,
    "users.age": 99, "users.gender": "X", "users.occupation": "spy", "users.zip_code": "0",
}  # fmt: skip


@pytest.mark.parametrize("column", CHANGES)
def test_a_table_with_anything_else_changed_and_a_new_digest_is_refused(pinned, tiny, column):
    part, name = column.split(".")
    columns = getattr(tiny, part)
    changed = np.array([*getattr(columns, name).tolist()[:-1], CHANGES[column]])
    altered = {part: dataclasses.replace(columns, **{name: changed})}
    file.write(dataclasses.replace(tiny, **altered), pinned)
    with pytest.raises(CorruptTableError, match="years, genres or users that MovieLens-100K"):
        load(pinned)


@pytest.mark.usefixtures("pinned")
def test_a_source_that_has_other_users_is_refused(tiny, tmp_path, monkeypatch):
    users = dataclasses.replace(tiny.users, age=tiny.users.age + 1)

    class Strange:
        def problem(self, cache):
            return None

        def read(self, cache, report):
            return dataclasses.replace(tiny, users=users)

    monkeypatch.setitem(prepare.SOURCES, "mirror", Strange())
    with pytest.raises(SourceError, match="it has years, genres or users that"):
        prepare.read_source("mirror", Cache(tmp_path), silent)


def test_all_that_belongs_to_the_real_ratings_is_pinned():
    assert set(tables.TITLES_OF) == set(tables.REST_OF) == {tables.RATINGS_SHA256}


def bomb(path, name="ratings.user_id.npy", size=1 << 30):
    """A zip of 1 MB that unpacks to ``size`` bytes of zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w") as at:
        for _ in range(size >> 24):
            at.write(bytes(1 << 24))


def many(path):
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(file.MOST_MEMBERS + 1):
            archive.writestr(f"{number}.npy", b"")


def huge_shape(path):
    """An array that claims far more than its file holds."""
    stream = io.BytesIO()
    header = {"descr": "<i4", "fortran_order": False, "shape": (1 << 42,)}
    np.lib.format.write_array_header_1_0(stream, header)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ratings.user_id.npy", stream.getvalue())


def peak_bytes(call):
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("make", [bomb, many, huge_shape])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, make):
    path = tmp_path / "table.npz"
    make(path)

    def refuse():
        with pytest.raises(CorruptTableError):
            load(path)

    assert peak_bytes(refuse) < file.LARGEST_BYTES


def test_a_bomb_among_the_members_of_a_source_is_refused(tmp_path):
    path = tmp_path / "ml-100k.zip"
    bomb(path, "ml-100k/u.data")

    def refuse():
        with pytest.raises(SourceError, match="would unpack to"):
            read_members(path, ["ml-100k/u.data"])

    assert peak_bytes(refuse) < file.LARGEST_BYTES
