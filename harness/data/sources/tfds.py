"""The source ``tfds``: TensorFlow Datasets, the tutorial's own way.

TensorFlow Datasets runs in a process of its own. It prints progress of many kinds and TensorFlow
logs from C++, none of which a user asked for; and a process can be given a time limit.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from harness import temporary
from harness.data import file, parse
from harness.data.cache import Cache, Report
from harness.data.datasets import DEFAULT
from harness.data.sources import archive
from harness.data.sources.base import Source, SourceError
from harness.data.split import tfds_order
from harness.data.table import Ratings, Table, Users

TIMEOUT_S = 900
"""Building both data sets takes about a minute; a slow machine gets fifteen times that."""

# TensorFlow Datasets renames two genres for consistency with the larger MovieLens sets.
_GENRES = {"Children": "Children's", "Unknown": "unknown"}


class TfdsSource(Source):
    """``tfds.load("movielens/100k-ratings")`` and ``"movielens/100k-movies"``; so for 1M."""

    name: ClassVar[str] = "tfds"
    how: ClassVar[str] = "tfds.load, the tutorial's own way"
    needs: ClassVar[str] = f"tensorflow-datasets, TensorFlow, and {archive.HOST} or the zip"

    def problem(self, cache: Cache) -> str | None:
        """Whether TensorFlow Datasets and TensorFlow are installed."""
        for module, package in (
            ("tensorflow_datasets", "tensorflow-datasets"),
            ("tensorflow", "TensorFlow"),
        ):
            if importlib.util.find_spec(module) is None:
                return (
                    f"{package} is not installed in {sys.executable} (the harness's extra `data` "
                    "has it, and in a checkout `tox -e data`)"
                )
        return None

    def online(self, cache: Cache) -> str | None:
        """As :meth:`problem`, and whether there is an archive to build from."""
        return self.problem(cache) or archive.ArchiveSource().online(cache)

    def read(self, cache: Cache, report: Report) -> Table:
        """Have TensorFlow Datasets build, and put its rows back into the archive's order."""
        if problem := self.problem(cache):
            raise SourceError(problem)
        # TensorFlow Datasets downloads with ten retries and no timeout, so that a host which
        # does not answer keeps it for a quarter of an hour. It takes a file from `manual_dir`
        # instead (and checks its hash), which also lets a zip put there by hand serve it.
        path = archive.fetch_zip(cache, report)
        built_before = cache.tfds.exists()
        report("building with TensorFlow Datasets, which takes about a minute")
        try:
            return _in_own_process(path, cache)
        except (SourceError, file.CorruptTableError) as error:
            if not built_before:
                raise SourceError(str(error)) from None
            report(f"{cache.tfds} is of no use ({error}); building it again")
        shutil.rmtree(cache.tfds, ignore_errors=True)
        return _in_own_process(path, cache)


def export(archive_path: str, data_dir: str, out: str, dataset: str = DEFAULT) -> None:
    """Build with TensorFlow Datasets and write the table; runs in the process made for it.

    Args:
        archive_path: GroupLens' zip, or for a test one that was rebuilt and registered.
        data_dir: where TensorFlow Datasets keeps what it builds.
        out: the ``.npz`` file to write.
        dataset: the name of the data set.
    """
    import tensorflow_datasets as tfds

    def load(name: str) -> tuple[Any, Any]:
        config = tfds.download.DownloadConfig(
            manual_dir=str(Path(archive_path).parent), try_download_gcs=False
        )
        examples, info = tfds.load(
            f"movielens/{name}",
            split="train",
            data_dir=data_dir,
            with_info=True,
            download_and_prepare_kwargs={"download_config": config},
        )
        return examples, info

    ratings_of = {
        "user_id": "user_id",
        "movie_id": "movie_id",
        "rating": "user_rating",
        "timestamp": "timestamp",
    }
    users_of = {
        "age": "raw_user_age" if dataset == DEFAULT else "bucketized_user_age",
        "gender": "user_gender",
        "occupation": "user_occupation_text",
        "zip_code": "user_zip_code",
    }
    names = {**ratings_of, **users_of}
    examples, _ = load(f"{dataset}-ratings")
    # The genres, which have no fixed length, would make batches ragged; they come with the movies.
    batches = tfds.as_numpy(
        examples.map(lambda x: {ours: x[theirs] for ours, theirs in names.items()}).batch(10_000)
    )
    parts = list(batches)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in names}
    movies, info = load(f"{dataset}-movies")
    genre = info.features["movie_genres"].feature.int2str
    rows = [
        (
            int(movie["movie_id"]),
            movie["movie_title"].decode(),
            "|".join(_GENRES.get(genre(g), genre(g)) for g in movie["movie_genres"]),
        )
        for movie in tfds.as_numpy(movies)
    ]
    ratings = {name: columns[name] for name in ratings_of}
    table = Table(
        ratings=_in_archive_order(ratings) if dataset == DEFAULT else _by_time(ratings),
        movies=parse.movies(rows),
        users=_users(columns),
        source=TfdsSource.name,
        dataset=dataset,
    )
    file.write(table, Path(out))


def _by_time(columns: dict[str, Any]) -> Ratings:
    # Ids come as bytes; NumPy reads bytes of digits as integers.
    return parse.by_time(Ratings(**{name: c.astype(np.int64) for name, c in columns.items()}))


def _in_archive_order(columns: dict[str, Any]) -> Ratings:
    """Ratings in the archive's order, from columns in that of TensorFlow Datasets."""
    order = tfds_order()
    if len(order) != len(columns["user_id"]):
        raise SystemExit(f"expected {len(order)} ratings, found {len(columns['user_id'])}")
    restored: dict[str, Any] = {name: np.empty(len(order), np.int64) for name in columns}
    for name, column in columns.items():
        restored[name][order] = column.astype(np.int64)
    return Ratings(**restored)


def _users(columns: dict[str, Any]) -> Users:
    """The users, each from the first of their ratings, since every rating repeats its user."""
    user_id, first = np.unique(columns["user_id"].astype(np.int64), return_index=True)
    return Users(
        user_id=user_id,
        age=columns["age"][first].astype(np.int32),
        gender=np.where(columns["gender"][first], "M", "F"),
        occupation=np.char.decode(columns["occupation"][first].astype(np.bytes_), "utf-8"),
        zip_code=np.char.decode(columns["zip_code"][first].astype(np.bytes_), "utf-8"),
    )


def _in_own_process(path: Path, cache: Cache) -> Table:
    code = "import sys; from harness.data.sources.tfds import export; export(*sys.argv[1:])"
    # No GPU: preparing data must not take memory on a device where something is being measured.
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    with temporary.folder() as folder:
        out = folder / "table.npz"
        command = [sys.executable, "-c", code, str(path), str(cache.tfds), str(out)]
        command.append(cache.dataset.name)
        try:
            done = subprocess.run(
                command,
                env=os.environ | quiet,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SourceError(f"TensorFlow Datasets did not finish within {TIMEOUT_S} s") from None
        if done.returncode:
            last = ([line for line in done.stderr.splitlines() if line.strip()] or ["no output"])[
                -1
            ]
            raise SourceError(f"TensorFlow Datasets failed: {last.strip()}")
        return file.load(out)
