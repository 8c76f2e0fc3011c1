"""Which ratings are trained on, which are tested on, and in which order they are seen.

The tutorial's split depends on TensorFlow Datasets' own order of the ratings and on the shuffle
of ``tf.data``. Both are frozen here as row indices, so that every backend gets them with NumPy
alone; ``frozen/generate.py`` made them and ``tests/backend/test_tutorial_split.py`` proves them.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UnavailableError

TUTORIAL_SPLIT_SHA256 = "0d0ada0bf7372408ec79669da12287b4b50472ace2ed2d33a4dc1cdbff9c3d7c"
"""What :func:`split_sha256` answers for :func:`tutorial_split`."""

TFDS_ORDER_SHA256 = "f23797e639a004e2c3f33c012cf0475dddbc7818aca2203dbb8d725f53416788"
"""The hash of :func:`tfds_order`, as little-endian 32-bit integers."""

TRAIN_ROWS = 80_000
"""How many ratings the tutorial takes for training; it tests on the other 20,000."""

FROZEN = Path(__file__).parent / "frozen"

Rows = NDArray[np.int32]


class DamagedPackageError(UnavailableError):
    """A file that is installed with the harness is not as it was published."""


def tutorial_split() -> tuple[Rows, Rows]:
    """The split of the KerasRS ranking tutorial, in the order in which it trains.

    TensorFlow Datasets' order, then ``shuffle(100_000, seed=42,
    reshuffle_each_iteration=False)``, then ``take(80_000)`` and ``skip(80_000).take(20_000)``.

    Returns:
        Row indices into the canonical table, of shapes ``[80000]`` (training) and ``[20000]``
        (test). Batches are cut from them in order, alike in every epoch.

    Raises:
        DamagedPackageError: if the file with the frozen indices was altered.
    """
    rows = _frozen("tutorial_split.npz")
    train_rows, test_rows = rows[:TRAIN_ROWS], rows[TRAIN_ROWS:]
    _check("tutorial_split.npz", split_sha256(train_rows, test_rows), TUTORIAL_SPLIT_SHA256)
    return train_rows, test_rows


def tfds_order() -> Rows:
    """The order in which TensorFlow Datasets yields ``movielens/100k-ratings``.

    It sorts examples by a salted hash of their row number, so the order is the same everywhere
    and the k-th example is row ``tfds_order()[k]`` of the archive.

    Returns:
        Row indices of shape ``[100000]``.

    Raises:
        DamagedPackageError: if the file with the frozen indices was altered.
    """
    rows = _frozen("tfds_order.npz")
    _check("tfds_order.npz", rows_sha256(rows), TFDS_ORDER_SHA256)
    return rows


def random_split(count: int, *, seed: int, test_fraction: float = 0.2) -> tuple[Rows, Rows]:
    """A shuffled split of any table, for data that has no split of its own.

    Args:
        count: the number of ratings.
        seed: equal seeds give equal splits.
        test_fraction: the share of ratings in the test set, rounded to whole ratings.

    Returns:
        Row indices of the training set and of the test set, both in shuffled order; together
        they are every row once.

    Raises:
        ValueError: if either set would be empty.
    """
    tests = round(count * test_fraction)
    if not 0 < tests < count:
        raise ValueError(
            f"{count} ratings with test_fraction={test_fraction} leave a set empty: "
            f"{count - tests} for training, {tests} for testing"
        )
    rows = np.random.default_rng(seed).permutation(np.arange(count, dtype=np.int32))
    return rows[tests:], rows[:tests]


def split_sha256(train_rows: Rows, test_rows: Rows) -> str:
    """The hash that identifies a split: which ratings are where, and in which order."""
    digest = hashlib.sha256(f"{len(train_rows)} {len(test_rows)}\n".encode())
    for rows in (train_rows, test_rows):
        digest.update(rows.astype("<i4").tobytes())
    return digest.hexdigest()


def rows_sha256(rows: Rows) -> str:
    """The hash of one array of row indices, as little-endian 32-bit integers."""
    return hashlib.sha256(rows.astype("<i4").tobytes()).hexdigest()


def _frozen(name: str) -> Rows:
    path = FROZEN / name
    try:
        with np.load(path, allow_pickle=False) as archive:
            rows: Rows = archive["rows"].astype(np.int32)
    except Exception as error:  # noqa: BLE001
        # As in harness.data.file: a damaged file may raise nearly anything.
        raise DamagedPackageError(
            f"{path} cannot be read ({error}); reinstall the harness"
        ) from None
    return rows


def _check(name: str, found: str, expected: str) -> None:
    if found != expected:
        raise DamagedPackageError(
            f"{FROZEN / name} was altered (sha256 {found}, expected {expected}); "
            "reinstall the harness"
        )
