"""Proof that the frozen split is the tutorial's: the real builder and the real shuffle, again.

The tutorial's lines run in a process of their own, as its reader would run them. In this one,
other tests may have seeded TensorFlow.
"""

from __future__ import annotations

import importlib.resources
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.data import Table, datasets, file, tutorial_split
from harness.data.frozen.generate import rebuild_archive
from harness.data.sources import archive as archive_source
from harness.data.sources.archive import url
from harness.data.verify import compare
from tests.data.tables import assert_same, zip_of

# That one skip is meant: this folder runs in every backend's environment.
pytest.importorskip("tensorflow_datasets")

pytestmark = pytest.mark.long

TUTORIAL = """
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from harness.data.frozen import generate

archive, out = sys.argv[1:]
with generate.registered(Path(archive)):
    ratings = generate.load("100k-ratings", Path(archive), Path(archive).parent / "built")


def preprocess_rating(x):
    return (
        {
            "user_id": tf.strings.to_number(x["user_id"], out_type=tf.int32),
            "movie_id": tf.strings.to_number(x["movie_id"], out_type=tf.int32),
        },
        (x["user_rating"] - 1.0) / 4.0,
    )


shuffled_ratings = ratings.map(preprocess_rating).shuffle(
    100_000, seed=42, reshuffle_each_iteration=False
)
train_ratings = shuffled_ratings.take(80_000).batch(1000).cache()
test_ratings = shuffled_ratings.skip(80_000).take(20_000).batch(1000).cache()

seen = {}
for name, dataset in (("train", train_ratings), ("test", test_ratings)):
    for epoch in (1, 2):
        batches = [(x["user_id"], x["movie_id"], y) for x, y in dataset.as_numpy_iterator()]
        columns = (np.concatenate(column) for column in zip(*batches))
        for column, values in zip(("user_id", "movie_id", "label"), columns):
            seen[f"{name}.{epoch}.{column}"] = values

# The trap: even seeding with the shuffle's own number makes another order of it.
import keras

keras.utils.set_random_seed(42)
reshuffled = ratings.map(preprocess_rating).shuffle(
    100_000, seed=42, reshuffle_each_iteration=False
)
seen["seeded.user_id"] = np.array(
    [x["user_id"] for x, _ in reshuffled.take(1_000).as_numpy_iterator()]
)
np.savez(out, **seen)
"""

EXPORT = """
import sys
from pathlib import Path
from harness.data.frozen.generate import registered
from harness.data.sources.tfds import export

with registered(Path(sys.argv[1])):
    export(*sys.argv[1:])
"""

Seen = dict[str, NDArray[np.generic]]


@pytest.fixture(scope="module")
def archive(table_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive rebuilt from the prepared table, beside which TensorFlow Datasets builds."""
    return rebuild_archive(file.load(table_path), tmp_path_factory.mktemp("tutorial"))


@pytest.fixture(scope="module")
def table(table_path: Path) -> Table:
    return file.load(table_path)


def run(code: str, *arguments: object) -> None:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def tutorial(archive: Path) -> Seen:
    """What the tutorial trains and tests on, column by column, in two epochs."""
    out = archive.parent / "seen.npz"
    run(TUTORIAL, archive, out)
    with np.load(out) as content:
        return dict(content)


@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.parametrize("part", ["train", "test"])
def test_the_frozen_split_is_what_the_tutorial_sees(
    tutorial: Seen, table: Table, part: str, epoch: int
) -> None:
    rows = dict(zip(("train", "test"), tutorial_split(), strict=True))[part]
    ratings = table.ratings
    assert np.array_equal(ratings.user_id[rows], tutorial[f"{part}.{epoch}.user_id"])
    assert np.array_equal(ratings.movie_id[rows], tutorial[f"{part}.{epoch}.movie_id"])
    labels = ((ratings.rating[rows] - 1) / 4).astype(np.float32)  # quarters: exact in float32
    assert np.array_equal(labels, tutorial[f"{part}.{epoch}.label"])


def test_seeding_keras_would_change_the_split(tutorial: Seen) -> None:
    assert not np.array_equal(tutorial["seeded.user_id"], tutorial["train.1.user_id"][:1_000])


@pytest.mark.usefixtures("tutorial")  # which has built the ratings that are read here again
def test_the_source_tfds_yields_the_same_table(archive: Path, table: Table) -> None:
    out = archive.parent / "table.npz"
    run(EXPORT, archive, archive.parent / "built", out)
    built = file.load(out)  # which proves the ratings and their order
    assert built.source == "tfds"
    compared = compare(built, table)
    assert compared.titles == ()
    assert compared.genres_equal
    assert compared.users_equal


def test_the_hashes_of_the_zips_are_those_that_tensorflow_datasets_registers() -> None:
    listed = importlib.resources.files("tensorflow_datasets") / "url_checksums" / "movielens.txt"
    registered = {
        line.split("\t")[0]: line.split("\t")[2] for line in listed.read_text().split("\n") if line
    }
    for one in datasets.DATASETS.values():
        assert one.zip_sha256 == registered[url(one)]


def test_tensorflow_datasets_builds_the_larger_data_set_as_its_zip_has_it(tmp_path: Path) -> None:
    path = zip_of(tmp_path)
    out = tmp_path / "table.npz"
    run(EXPORT, path, tmp_path / "built", out, "1m")
    assert_same(archive_source.read_zip(path, source="tfds", dataset="1m"), file.load(out))
