"""A tiny world to prepare from, with fakes for what reaches the network, and the real table."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import subprocess
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pytest
import requests

from harness.data import Movies, Ratings, Table, Users, datasets, file
from harness.data import table as tables
from harness.data.prepare import prepare
from harness.data.sources import mirror
from harness.data.sources.tfds import TfdsSource

PIP_WITHOUT_NETWORK = """\
WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)'
ERROR: Could not find a version that satisfies the requirement recbole==1.2.1 (from versions: none)
ERROR: No matching distribution found for recbole==1.2.1
"""


@pytest.fixture(scope="session")
def real_table(as_started: Callable[[], AbstractContextManager[None]]) -> Table:
    """MovieLens-100K from whichever source there is, in the cache of whoever runs the tests."""
    with as_started():
        return file.load(prepare().path)


@pytest.fixture(scope="session")
def tiny() -> Table:
    """Three made-up ratings, as if from the mirror."""
    return Table(
        ratings=Ratings(
            np.array([2, 1, 2]), np.array([1, 2, 3]), np.array([5, 1, 3]), np.array([30, 10, 20])
        ),
        movies=Movies(
            np.array([1, 2, 3]),
            np.array(["Ünder (1999)", "unknown", "Made, Up (1950) (V)"]),
            np.array([1999, 0, 1950]),
            np.array(["Drama|War", "unknown", "Children's"]),
        ),
        users=Users(
            np.array([1, 2]),
            np.array([30, 40]),
            np.array(["F", "M"]),
            np.array(["other", "none"]),
            np.array(["00000", "T1"]),
        ),
        source="mirror",
    )


@pytest.fixture(scope="session")
def wheel_of() -> Callable[[Table], bytes]:
    """Makes the mirror's wheel as it would be if it carried a given table."""
    return _wheel_of


def _wheel_of(table: Table) -> bytes:
    item = []
    for movie_id, title, _, genres in zip(*table.movies.columns().values(), strict=True):
        name, _, year = title.removesuffix(")").rpartition(" (")
        name, year = (name, year) if name else ("unkonwn", "unkonwn")
        item.append((movie_id, name, year, genres.replace("|", " ")))
    parts = {
        "inter": zip(*table.ratings.columns().values(), strict=True),
        "item": item,
        "user": zip(*table.users.columns().values(), strict=True),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as wheel:
        for part, rows in parts.items():
            header = mirror.parse.MIRROR_HEADERS[f"ml-100k.{part}"]
            lines = [header, *("\t".join(map(str, row)) for row in rows)]
            wheel.writestr(f"{mirror.FOLDER}/ml-100k.{part}", "".join(f"{x}\n" for x in lines))
    return stream.getvalue()


@dataclasses.dataclass
class FakePip:
    """Stands in for `python -m pip`. Hands out ``wheels`` one by one; then there is no network."""

    wheels: list[bytes]
    calls: int = 0

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert command[1:3] == ["-m", "pip"]
        self.calls += 1
        if not self.wheels:
            return subprocess.CompletedProcess(command, 1, "", PIP_WITHOUT_NETWORK)
        folder = Path(command[command.index("--dest") + 1])
        (folder / "recbole-1.2.1-py3-none-any.whl").write_bytes(self.wheels.pop(0))
        return subprocess.CompletedProcess(command, 0, "", "")


class FakePoochWithoutNetwork:
    """Stands in for ``pooch.HTTPDownloader`` on a machine that cannot resolve any name."""

    def __init__(self, **_: Any) -> None:
        pass

    def __call__(self, url: str, *_: Any, **__: Any) -> None:
        raise requests.ConnectionError(f"no network: {url}")


@dataclasses.dataclass
class World:
    """A cache folder, a pip that delivers, and the lines that were reported."""

    cache: Path
    pip: FakePip
    wheel: bytes
    lines: list[str]

    def prepare(self, source: str = "auto") -> Any:
        return prepare(source, cache_dir=self.cache, report=self.lines.append)

    @property
    def table(self) -> Path:
        return self.cache / "ml-100k.npz"


@pytest.fixture
def make_world(
    tiny: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., World]:
    """A world where only the mirror works, and delivers ``wheels`` (by default one good one)."""

    def make(wheels: list[bytes] | None = None) -> World:
        wheel = _wheel_of(tiny)
        pip = FakePip([wheel] if wheels is None else wheels)
        monkeypatch.setattr(tables, "RATINGS_SHA256", tiny.ratings_sha256)
        monkeypatch.setattr(mirror, "SHA256", hashlib.sha256(wheel).hexdigest())
        monkeypatch.setattr(subprocess, "run", pip)
        monkeypatch.setattr(pooch, "HTTPDownloader", FakePoochWithoutNetwork)
        monkeypatch.setattr(TfdsSource, "problem", lambda *_: "TensorFlow Datasets is not here")
        return World(tmp_path / "cache", pip, wheel, [])

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture
def place_zip(tiny: Table, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Path]:
    """Put a zip with the tiny table into a cache by hand, and pin its hash."""
    from harness.data.frozen.generate import rebuild_archive

    def place(folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = rebuild_archive(tiny, folder)
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        expected = dataclasses.replace(datasets.DATASETS["100k"], zip_sha256=found)
        monkeypatch.setitem(datasets.DATASETS, "100k", expected)
        return path

    return place
