"""MovieLens-1M, from a made-up zip of its form; nothing is known of the real one but its hash."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pytest

from harness.data import CorruptTableError, Table, datasets, file
from harness.data.cache import Cache
from harness.data.datasets import UnknownDatasetError
from harness.data.prepare import prepare
from harness.data.sources import SOURCES, SourceError
from harness.data.sources.tfds import TfdsSource
from harness.data.verify import verify

from .conftest import FakePoochWithoutNetwork
from .tables import zip_of


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put the zip into the cache by hand and pin its hash; there is no network."""
    monkeypatch.setattr(pooch, "HTTPDownloader", FakePoochWithoutNetwork)
    monkeypatch.setattr(TfdsSource, "problem", lambda *_: "TensorFlow Datasets is not here")

    def put(**changes: str) -> Path:
        path = zip_of(tmp_path, **changes)
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        expected = dataclasses.replace(datasets.DATASETS["1m"], zip_sha256=found)
        monkeypatch.setitem(datasets.DATASETS, "1m", expected)
        return tmp_path

    return put


def made(folder: Path) -> Table:
    return file.load(prepare(dataset="1m", cache_dir=folder).path)


def test_the_zip_becomes_a_table_by_user_time_and_movie(place: Any) -> None:
    table = made(place())
    assert table.dataset == "1m"
    assert table.source == "archive"
    assert table.ratings.user_id.tolist() == [1, 1, 2, 2]
    assert table.ratings.timestamp.tolist() == [10, 30, 20, 20]
    assert table.ratings.movie_id.tolist() == [2, 3, 1, 3]
    assert table.ratings.rating.tolist() == [3, 4, 1, 5]
    assert table.movies.title.tolist() == ["Ünder (1999)", "X (2000)", "Made: Up, The (1950)"]
    assert table.movies.year.tolist() == [1999, 2000, 1950]
    assert table.movies.genres.tolist() == ["Drama|War", "War", "Children's"]
    assert table.users.age.tolist() == [1, 25]
    assert table.users.gender.tolist() == ["F", "M"]
    assert table.users.occupation.tolist() == ["other/not specified", "K-12 student"]
    assert table.users.zip_code.tolist() == ["T1", "00000-1234"]


def test_it_lies_beside_the_other_table_and_is_found_again(place: Any) -> None:
    folder = place()
    first = prepare(dataset="1m", cache_dir=folder)
    assert first.made
    assert not first.pinned
    assert first.path == folder / "ml-1m.npz"
    assert not prepare(dataset="1m", cache_dir=folder).made
    found = verify("archive", dataset="1m", cache_dir=folder)
    assert found.comparison is not None
    assert found.comparison.titles == ()
    assert (found.ratings, found.movies, found.users, found.pinned) == (4, 3, 2, False)


def test_a_rating_altered_in_the_file_is_noticed_without_a_pinned_hash(place: Any) -> None:
    path = prepare(dataset="1m", cache_dir=place()).path
    with np.load(path) as content:
        arrays = dict(content)
    arrays["ratings.rating"] = arrays["ratings.rating"][::-1].copy()
    np.savez(path, **arrays)
    with pytest.raises(CorruptTableError, match=r"digest stored in it.*--dataset 1m` makes it"):
        file.load(path)


def test_a_file_of_before_there_were_two_data_sets_is_read(tmp_path: Path, world: Any) -> None:
    path = world.prepare().path
    with np.load(path) as content:
        arrays = dict(content)
    del arrays["dataset"], arrays["sha256"]
    arrays["sha256"] = np.array(file._content_sha256(arrays))
    np.savez(tmp_path / "old.npz", **arrays)
    assert file.load(tmp_path / "old.npz").dataset == "100k"


def test_the_other_data_sets_table_in_its_place_is_made_again(place: Any, world: Any) -> None:
    folder = place()
    (folder / "ml-1m.npz").write_bytes(world.prepare().path.read_bytes())
    with pytest.raises(CorruptTableError, match=r"holds MovieLens-100K; .*--dataset 1m` makes it"):
        file.load(folder / "ml-1m.npz")
    assert made(folder).dataset == "1m"


def test_a_table_that_says_another_data_set_is_refused(place: Any, tmp_path: Path) -> None:
    table = made(place())
    file.write(dataclasses.replace(table, dataset="100k"), tmp_path / "false.npz")
    with pytest.raises(CorruptTableError, match="does not hold the ratings of MovieLens-100K"):
        file.load(tmp_path / "false.npz")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("ratings", "1::2::3\n", "ratings.dat, line 1: expected four integers separated by ::"),
        ("ratings", "1\t2\t3\t4\n", "ratings.dat, line 1"),
        ("movies", "1::A::War\n2::B::Nothing\n", "movies.dat, line 2: expected an id, a title"),
        ("users", "1::F::1::21::0\n", "users.dat, line 1"),
        ("users", "1::F::1::0\n", "users.dat, line 1"),
        ("movies", "", "movies.dat"),
    ],
)
def test_a_line_that_does_not_read_as_it_should_is_named(
    place: Any, name: str, text: str, expected: str
) -> None:
    with pytest.raises(SourceError) as caught:
        prepare("archive", dataset="1m", cache_dir=place(**{name: text}))
    assert expected in str(caught.value)


def test_where_it_cannot_be_had_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooch, "HTTPDownloader", FakePoochWithoutNetwork)
    monkeypatch.setattr(TfdsSource, "problem", lambda *_: "TensorFlow Datasets is not here")
    with pytest.raises(SourceError) as caught:
        prepare(dataset="1m", cache_dir=tmp_path)
    address = "https://files.grouplens.org/datasets/movielens/ml-1m.zip"
    assert str(caught.value).splitlines() == [
        "MovieLens-1M could not be had; tried without success:",
        "  tfds: TensorFlow Datasets is not here",
        f"  archive: no download from files.grouplens.org: no network: {address}",
        "  mirror: it has no MovieLens-1M, only MovieLens-100K",
        (
            f"Download {address} on another machine, put it at {tmp_path / 'ml-1m.zip'}, and run "
            "`harness data prepare --dataset 1m` again; its hash will be checked."
        ),
    ]


def test_the_other_data_sets_zip_in_its_place_is_refused(
    place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place()
    monkeypatch.undo()  # GroupLens' own hash again
    monkeypatch.setattr(pooch, "HTTPDownloader", FakePoochWithoutNetwork)
    with pytest.raises(SourceError, match=r"ml-1m\.zip was refused"):
        prepare("archive", dataset="1m", cache_dir=tmp_path)


def test_the_mirror_is_not_usable_for_it_and_asks_nobody(tmp_path: Path) -> None:
    problem = SOURCES["mirror"].online(Cache(tmp_path, datasets.dataset("1m")))
    assert problem == "it has no MovieLens-1M, only MovieLens-100K"


def test_an_unknown_data_set_gets_the_valid_ones() -> None:
    with pytest.raises(UnknownDatasetError, match=r"unknown data set '2m'.* Valid: 100k, 1m"):
        prepare(dataset="2m")
