"""What `prepare` promises: one proven table, whatever happens to the files it is made from."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.data import cache, load
from harness.data.cache import CacheError
from harness.data.prepare import UnknownSourceError, prepare
from harness.data.sources import SourceError
from harness.errors import ExitCode


def test_auto_takes_the_first_source_that_works_and_says_which(world: Any) -> None:
    prepared = world.prepare()
    assert prepared.source == "mirror"
    assert prepared.made
    assert [a.source for a in prepared.attempts] == ["tfds", "archive"]
    assert load(prepared.path).source == "mirror"


def test_a_prepared_table_is_taken_as_it_is(world: Any) -> None:
    made = world.prepare()
    again = world.prepare()
    assert (again.path, again.source, again.ratings_sha256) == (
        made.path,
        made.source,
        made.ratings_sha256,
    )
    assert not again.made
    assert world.pip.calls == 1


def test_a_zip_placed_by_hand_is_used_without_a_network(
    world: Any, place_zip: Callable[[Path], Path]
) -> None:
    place_zip(world.cache)
    prepared = world.prepare()
    assert prepared.source == "archive"
    assert world.pip.calls == 0


def test_naming_a_source_replaces_a_table_that_came_from_another(
    world: Any, place_zip: Callable[[Path], Path]
) -> None:
    world.prepare()
    place_zip(world.cache)
    assert world.prepare("archive").source == "archive"
    assert any("came from mirror; making it again from archive" in x for x in world.lines)


def test_without_any_network_one_error_names_every_source_and_where_to_put_the_zip(
    make_world: Callable[..., Any],
) -> None:
    world = make_world(wheels=[])
    with pytest.raises(SourceError) as caught:
        world.prepare()
    assert caught.value.exit_code == ExitCode.UNAVAILABLE
    address = "https://files.grouplens.org/datasets/movielens/ml-100k.zip"
    assert str(caught.value) == (
        "MovieLens-100K could not be had; tried without success:\n"
        "  tfds: TensorFlow Datasets is not here\n"
        f"  archive: no download from files.grouplens.org: no network: {address}\n"
        "  mirror: pip did not get recbole==1.2.1: No matching distribution found for "
        "recbole==1.2.1; no package index could be reached\n"
        f"Download {address} on another machine, put it at {world.cache}/ml-100k.zip, and run "
        "`harness data prepare` again; its hash will be checked."
    )
    assert not world.table.exists()


@pytest.mark.parametrize("damage", ["truncated", "altered", "empty", "not a zip"])
def test_a_corrupt_table_is_named_refused_and_made_afresh(world: Any, damage: str) -> None:
    good = world.prepare().path.read_bytes()
    world.table.write_bytes(
        {
            "truncated": good[: len(good) // 2],
            "altered": good.replace(b"\x1e\0\0\0\0\0\0\0", b"\x1f\0\0\0\0\0\0\0"),
            "empty": b"",
            "not a zip": b"user,movie\n1,2\n",
        }[damage]
    )
    again = world.prepare()
    assert again.made
    assert sum(f"not used: {world.table} is truncated or altered" in x for x in world.lines) == 1
    assert world.table.read_bytes() == good


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_corrupt_wheel_in_the_cache_is_named_refused_and_fetched_afresh(
    world: Any, damage: str
) -> None:
    world.cache.mkdir()
    wheel = world.cache / "recbole-1.2.1-py3-none-any.whl"
    wheel.write_bytes(world.wheel[:-9] if damage == "truncated" else world.wheel + b"!")
    assert world.prepare().source == "mirror"
    assert any(f"{wheel} was refused: its sha256 is" in line for line in world.lines)
    assert wheel.read_bytes() == world.wheel
    assert world.pip.calls == 1


def test_a_wheel_that_arrives_truncated_is_fetched_once_more(
    make_world: Callable[..., Any],
) -> None:
    good = make_world().wheel
    world = make_world(wheels=[good[:-9], good])
    assert world.prepare().source == "mirror"
    assert world.pip.calls == 2


def test_a_wheel_that_keeps_arriving_altered_is_never_used(make_world: Callable[..., Any]) -> None:
    world = make_world(wheels=[b"other"] * 9)
    with pytest.raises(SourceError, match=r"\.whl was refused.*fetched again.*no better"):
        world.prepare("mirror")
    assert world.pip.calls == 2
    assert [p.name for p in world.cache.iterdir()] == ["prepare.lock"]


def test_a_wrong_zip_placed_by_hand_is_named_and_not_used(
    make_world: Callable[..., Any], place_zip: Callable[[Path], Path]
) -> None:
    world = make_world(wheels=[])
    path = place_zip(world.cache)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(SourceError, match=f"{path} was refused.*no download from"):
        world.prepare("archive")
    assert path.exists()  # it is the user's; only a right one replaces it


def test_other_ratings_than_movielens_are_refused(
    world: Any, place_zip: Callable[[Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    place_zip(world.cache)
    monkeypatch.setattr("harness.data.table.RATINGS_SHA256", "0" * 64)
    with pytest.raises(SourceError, match="its ratings are not MovieLens-100K: their sha256 is"):
        world.prepare("archive")
    assert not world.table.exists()


def test_a_python_without_pip_says_so(
    make_world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(SourceError, match=r"has no pip; .* -m ensurepip` installs it"):
        world.prepare("mirror")


def test_an_unknown_source_gets_the_valid_ones_and_the_nearest() -> None:
    with pytest.raises(UnknownSourceError) as caught:
        prepare("mirrr")
    assert str(caught.value) == (
        "unknown source 'mirrr'; did you mean mirror? Valid: auto, tfds, archive, mirror"
    )
    assert caught.value.exit_code == ExitCode.USAGE


def test_the_synthetic_table_is_not_prepared() -> None:
    with pytest.raises(UnknownSourceError, match="generated where it is used"):
        prepare("synthetic")


def test_a_cache_that_cannot_be_made_names_the_other_ways(world: Any) -> None:
    world.cache.write_text("a file where the folder should be")
    with pytest.raises(CacheError, match="--cache-dir or HARNESS_CACHE_DIR"):
        world.prepare()


def test_a_disk_that_is_full_leaves_the_old_file_and_no_other(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    world.cache.mkdir()
    world.table.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CacheError, match=r"cannot be written: No space left on device"):
        world.prepare()
    assert world.table.read_bytes() == b"old"
    assert not list(world.cache.glob(".ml-100k*"))


def test_the_cache_is_moved_by_argument_then_by_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "variable"))
    assert cache.find().table == tmp_path / "variable" / "ml-100k.npz"
    assert cache.find(tmp_path / "argument").folder == tmp_path / "argument"
    monkeypatch.delenv("HARNESS_CACHE_DIR")
    assert "keras-backend-harness" in str(cache.find().folder)
