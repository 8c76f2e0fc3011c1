"""Which rows are trained on and tested on. That it is the tutorial's: tests/backend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data import TUTORIAL_SPLIT_SHA256, random_split, split, split_sha256, tutorial_split
from harness.data.split import FROZEN, DamagedPackageError, rows_sha256, tfds_order


def test_the_tutorial_split_is_every_row_once() -> None:
    train_rows, test_rows = tutorial_split()
    assert train_rows.shape == (80_000,)
    assert test_rows.shape == (20_000,)
    assert train_rows.dtype == test_rows.dtype == np.int32
    assert np.array_equal(np.sort(np.concatenate([train_rows, test_rows])), np.arange(100_000))


def test_the_tutorial_split_has_the_pinned_hash() -> None:
    assert split_sha256(*tutorial_split()) == TUTORIAL_SPLIT_SHA256


def test_the_order_of_tensorflow_datasets_is_every_row_once() -> None:
    assert np.array_equal(np.sort(tfds_order()), np.arange(100_000))
    assert rows_sha256(tfds_order()) == split.TFDS_ORDER_SHA256


def test_the_hash_of_a_split_tells_order_and_border() -> None:
    one, two, three = (np.array(rows, np.int32) for rows in ([0, 1], [1, 0], [2]))
    hashes = {
        split_sha256(one, three),
        split_sha256(two, three),
        split_sha256(three, one),
        split_sha256(np.concatenate([one, three]), three[:0]),
    }
    assert len(hashes) == 4


def test_what_is_published_holds_row_indices_only_and_is_small() -> None:
    published = sorted(FROZEN.glob("*.npz"))
    assert [path.name for path in published] == ["tfds_order.npz", "tutorial_split.npz"]
    for path in published:
        assert path.stat().st_size < 300_000
        with np.load(path, allow_pickle=False) as content:
            assert content.files == ["rows"]


def test_an_altered_split_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.concatenate(tutorial_split())
    np.savez_compressed(tmp_path / "tutorial_split.npz", rows=rows[::-1])
    monkeypatch.setattr(split, "FROZEN", tmp_path)
    with pytest.raises(DamagedPackageError, match=r"was altered .* reinstall the harness"):
        tutorial_split()


@given(count=st.integers(2, 500), seed=st.integers(0, 2**32), test_fraction=st.floats(0.3, 0.7))
def test_a_random_split_is_every_row_once(count: int, seed: int, test_fraction: float) -> None:
    train_rows, test_rows = random_split(count, seed=seed, test_fraction=test_fraction)
    assert sorted([*train_rows, *test_rows]) == list(range(count))
    assert len(test_rows) == round(count * test_fraction)


def test_a_random_split_follows_from_its_seed() -> None:
    assert split_sha256(*random_split(99, seed=1)) == split_sha256(*random_split(99, seed=1))
    assert split_sha256(*random_split(99, seed=1)) != split_sha256(*random_split(99, seed=2))


def test_a_split_that_leaves_a_set_empty_is_refused() -> None:
    with pytest.raises(ValueError, match="1 for training, 0 for testing"):
        random_split(1, seed=1)
