"""Freezes the tutorial's order and split as row indices. Run once; the outcome is committed.

    tox -e data            # makes the environment with the extra `data`
    .tox/data/bin/python -m harness.data.frozen.generate

It writes ``tfds_order.npz`` and ``tutorial_split.npz`` beside this file and prints the hashes
that ``harness/data/split.py`` pins. What decides the order is the real thing: the builder of
TensorFlow Datasets and the shuffle of ``tf.data``. Only the download is replaced, so that it runs
where GroupLens is out of reach: the builder gets an archive rebuilt from the prepared table.

The shuffle takes part of its seed from TensorFlow's global one. It has to run as in the
tutorial, where nobody set it: ``keras.utils.set_random_seed`` seeds TensorFlow too and would
freeze another split. Hence a process of its own, in which nothing seeds anything.
"""

from __future__ import annotations

import contextlib
import tempfile
import unittest.mock
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from harness.data import datasets, file
from harness.data.parse import GENRES
from harness.data.prepare import prepare
from harness.data.sources.archive import url
from harness.data.split import FROZEN, TRAIN_ROWS, Rows, rows_sha256, split_sha256
from harness.data.table import Table


def main() -> None:
    """Freeze both orders and print their hashes."""
    table = file.load(prepare(report=print).path)
    with tempfile.TemporaryDirectory() as folder:
        archive = rebuild_archive(table, Path(folder))
        with registered(archive):
            ratings = load("100k-ratings", archive, Path(folder, "built"))
        # The shuffle moves elements about without looking at them, so the tutorial's
        # `map(preprocess_rating)` before it changes nothing; two columns are enough here.
        pairs = ratings.map(lambda x: (x["user_id"], x["movie_id"]))
        order = rows_of(table, pairs)
        # As the tutorial shuffles. 100,000 is the whole data set: a uniform permutation.
        shuffled = pairs.shuffle(100_000, seed=42, reshuffle_each_iteration=False)
        train_rows = rows_of(table, shuffled.take(TRAIN_ROWS))
        test_rows = rows_of(table, shuffled.skip(TRAIN_ROWS).take(20_000))
    np.savez_compressed(FROZEN / "tfds_order.npz", rows=order)
    np.savez_compressed(FROZEN / "tutorial_split.npz", rows=np.concatenate([train_rows, test_rows]))
    print("TFDS_ORDER_SHA256 =", rows_sha256(order))  # noqa: T201 - a script speaks by printing
    print("TUTORIAL_SPLIT_SHA256 =", split_sha256(train_rows, test_rows))  # noqa: T201


def rebuild_archive(table: Table, folder: Path) -> Path:
    """A zip with the three files that TensorFlow Datasets reads, in ``folder``.

    Dates and addresses of movies are left empty, since the table has none and the builder reads
    none.
    """
    columns = table.ratings.columns().values()
    data = "".join("\t".join(map(str, row)) + "\n" for row in zip(*columns, strict=True))
    item = "".join(
        "|".join([str(m), title, "", "", "", *("01"[g in genres.split("|")] for g in GENRES)])
        + "\n"
        for m, title, _, genres in zip(*table.movies.columns().values(), strict=True)
    )
    columns = table.users.columns().values()
    user = "".join("|".join(map(str, row)) + "\n" for row in zip(*columns, strict=True))
    path = folder / "ml-100k.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("u.data", data), ("u.item", item), ("u.user", user)):
            archive.writestr(f"ml-100k/{name}", text.encode("latin-1"))
    return path


@contextlib.contextmanager
def registered(archive: Path) -> Iterator[None]:
    """Have TensorFlow Datasets expect ``archive`` instead of GroupLens' own zip.

    It checks what it is given against the size and hash registered for the address, and a
    rebuilt zip has others, as it holds three files of twenty-three. Of the ways round that,
    ``DownloadConfig(register_checksums=True)`` would write into the installed package, and a file
    with an ``.INFO`` in the download cache is checked all the same. So the registry's entry for
    the one address is replaced, in this process and until the end of the block; the check itself
    stays on.
    """
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download import checksums

    builder = tfds.builder_cls("movielens")
    # The download manager merges a builder's entries into this registry, which outlives it.
    registry = checksums.get_all_url_infos()
    (dataset,) = (one for one in datasets.DATASETS.values() if one.stem == archive.stem)
    expected = {url(dataset): checksums.compute_url_info(archive)}
    with (
        unittest.mock.patch.dict(registry),
        unittest.mock.patch.object(builder, "url_infos", expected),
    ):
        yield


def load(name: str, archive: Path, data_dir: Path) -> Any:
    """The ``tf.data.Dataset`` of ``movielens/<name>``, built from ``archive``."""
    import tensorflow_datasets as tfds

    config = tfds.download.DownloadConfig(
        # Found there under its registered name, hashed, and not downloaded.
        manual_dir=str(archive.parent),
        try_download_gcs=False,
    )
    return tfds.load(
        f"movielens/{name}",
        split="train",
        data_dir=str(data_dir),
        download_and_prepare_kwargs={"download_config": config},
    )


def rows_of(table: Table, pairs: Any) -> Rows:
    """The rows of ``table`` that a dataset of user and movie ids (as texts) names, in its order.

    A user rates a movie once, so a pair identifies its row.
    """
    keys = table.ratings.user_id.astype(np.int64) << 32 | table.ratings.movie_id
    row_of = {int(key): row for row, key in enumerate(keys)}
    if len(row_of) != len(keys):
        raise ValueError("the table has two ratings of one movie by one user")
    found = [row_of[int(user) << 32 | int(movie)] for user, movie in pairs.as_numpy_iterator()]
    return np.array(found, np.int32)


if __name__ == "__main__":
    main()
