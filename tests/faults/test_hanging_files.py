"""A pipe that nobody writes to, where a file should be, is named; no command waits for it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from harness import first_version, scenario
from harness.data import CorruptTableError, cache, file
from harness.data.sources.base import SourceError, file_sha256
from harness.errors import ExitCode, HarnessError
from harness.launch import env_cache
from harness.launch.env_cache import Recipe
from tests.launch.conftest import SCENARIO

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")


@pytest.fixture(params=["a pipe", "an endless device", "a folder", "nothing readable"])
def strange(request):
    """Puts what is no file into a place."""

    def put(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if request.param == "a pipe":
            os.mkfifo(path)
        elif request.param == "an endless device":
            path.symlink_to("/dev/zero")
        elif request.param == "a folder":
            path.mkdir()
        else:
            path.write_text("-" * 200_000, encoding="utf-8")
        return path

    return put


@pytest.fixture(autouse=True)
def no_wait():
    """A test that waits for a pipe fails, and does not keep all others waiting."""

    def ended(*_):
        raise TimeoutError("it waits for what nobody writes")

    before = signal.signal(signal.SIGALRM, ended)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))


def test_the_rating_table(strange):
    with pytest.raises(CorruptTableError):
        file.load(strange(cache.find().table))


def test_a_download_of_it(strange):
    path = strange(cache.find().archive)
    if path.is_file():
        assert file_sha256(path)
        return
    with pytest.raises(SourceError, match="cannot be read"):
        file_sha256(path)


def test_the_description_of_an_environment(strange):
    folder = env_cache.root() / Recipe(backend="jax", python="3.11").key
    strange(folder / env_cache.DESCRIPTION)
    assert env_cache.everything() == []
    assert env_cache.leftovers() == [folder]


def test_a_scenario(strange, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path / "mine"))
    path = strange(tmp_path / "mine" / "strange.py")
    with pytest.raises(HarnessError, match=r"strange\.py"):
        scenario.find("strange")
    assert scenario.find("ranking").name == "ranking"
    assert path.name == "strange.py"


def test_a_module_beside_a_scenario(strange, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path / "mine"))
    strange(tmp_path / "mine" / "helper.py")
    (tmp_path / "mine" / "uses.py").write_text(f"import helper\n{SCENARIO}", encoding="utf-8")
    with pytest.raises(HarnessError, match=r"uses|helper"):
        scenario.find("uses")
    assert scenario.find("ranking").name == "ranking"


def test_a_script(strange, tmp_path):
    path = strange(tmp_path / "train.py")
    refused = pytest.raises(HarnessError, match=r"train\.py")
    with contextlib.nullcontext() if path.is_file() else refused:
        scenario.sources_sha256(str(scenario.require_file(str(path)).path))
    with pytest.raises(HarnessError, match=r"train\.py"):
        first_version.of_script("x", path)


@pytest.mark.parametrize("words", [["list"], ["run", "ranking", "--dry-run"]])
def test_a_folder_that_was_removed_below_a_command(tmp_path, words):
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        ["sh", "-c", 'rmdir ../gone; exec "$0" -m harness "$@"', sys.executable, *words],
        cwd=gone, env=os.environ | {"PYTHONSAFEPATH": "1"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == ExitCode.UNAVAILABLE, done.stderr
    assert "the current folder was removed" in done.stderr
    assert "Traceback" not in done.stderr
