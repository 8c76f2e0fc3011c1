"""The source `tfds` around TensorFlow Datasets. The real one runs in tests/backend."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.data import Table, file
from harness.data import table as tables
from harness.data.cache import Cache
from harness.data.sources import SourceError
from harness.data.sources.tfds import TfdsSource

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cache(
    tmp_path: Path,
    tiny: Table,
    place_zip: Callable[[Path], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Cache:
    """A cache with a zip in it, where TensorFlow Datasets seems to be installed."""
    monkeypatch.setattr(tables, "RATINGS_SHA256", tiny.ratings_sha256)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    place_zip(tmp_path)
    return Cache(tmp_path)


def failing(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
    noise = "Downloading...\nTraceback (most recent call last):\nDataLossError: bad record\n\n"
    return subprocess.CompletedProcess(command, 1, "", noise)


def test_what_is_missing_is_named_with_the_environment_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    problem = TfdsSource().problem(Cache(tmp_path))
    assert problem
    assert problem.startswith("tensorflow-datasets is not installed in ")
    assert problem.endswith("(the harness's extra `data` has it, and in a checkout `tox -e data`)")


def test_it_builds_from_the_zip_out_of_sight_and_off_the_gpu(
    cache: Cache, tiny: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert command[3:5] == [str(cache.archive), str(cache.tfds)]
        assert options["capture_output"]
        assert options["env"]["CUDA_VISIBLE_DEVICES"] == "-1"
        file.write(tiny, Path(command[5]))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    assert TfdsSource().read(cache, print).ratings_sha256 == tiny.ratings_sha256


def test_of_its_failure_only_the_last_line_is_told(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", failing)
    with pytest.raises(SourceError) as caught:
        TfdsSource().read(cache, print)
    assert str(caught.value) == "TensorFlow Datasets failed: DataLossError: bad record"


def test_an_earlier_build_that_is_of_no_use_is_made_afresh_once(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[bool] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        runs.append(cache.tfds.exists())
        return failing(command)

    monkeypatch.setattr(subprocess, "run", run)
    cache.tfds.mkdir()
    lines: list[str] = []
    with pytest.raises(SourceError):
        TfdsSource().read(cache, lines.append)
    assert runs == [True, False]
    assert any(f"{cache.tfds} is of no use" in line for line in lines)


def test_a_build_that_hangs_is_ended(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], *, timeout: float, **_: Any) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(SourceError, match="did not finish within 900 s"):
        TfdsSource().read(cache, print)
