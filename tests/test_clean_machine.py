"""Tests know nothing of the machine and the shell that they run on."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.backends import BACKENDS, FACTS
from harness.data import cache
from harness.errors import UnavailableError
from harness.launch import environments, lock
from tests.launch.fake_python import write_fake_python

pytestmark = pytest.mark.once

TESTS = Path(__file__).parent

TOUCHY = [
    "test_clean_machine.py",
    "records/test_schema.py",
    "cli/test_parse.py",
    "cli/test_data.py",
    "cli/test_doctor.py",
    "cli/test_list.py",
    "cli/test_report.py",
    "cli/test_run.py::test_a_backend_without_an_environment_says_which_command_builds_one",
    "cli/test_run.py::test_without_any_word_all_backends_with_an_environment_run",
    "launch/test_environments.py",
    "launch/test_lock.py",
    "launch/test_variables.py",
    "report/outputs/test_terminal.py",
    "store/test_not_writable.py",
]
"""Tests of what reads variables, homes, caches, environments, locks and widths."""


def test_a_test_begins_in_an_empty_folder_of_its_own(tmp_path):
    assert Path.cwd() == tmp_path.resolve()
    assert not list(tmp_path.iterdir())


def test_the_home_the_cache_and_the_lock_are_nobody_elses(started_with):
    for folder in (Path.home(), cache.find().folder, lock.lock_folder()):
        assert "harness-tests-" in str(folder)
    assert not cache.find().table.exists()
    assert str(Path.home()) != started_with.get("HOME")


def test_times_are_told_in_one_zone():
    assert time.localtime().tm_gmtoff == 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_environment_is_there_until_a_test_makes_one(backend, tmp_path):
    with pytest.raises(UnavailableError, match="no interpreter has"):
        environments.find(backend)
    name = FACTS[backend].tox_name
    built = write_fake_python(tmp_path / ".tox" / name / "bin" / "python")
    assert [found.python for found in environments.find(backend)] == [built.resolve()]


def test_no_framework_is_there_although_one_may_be_installed():
    for name in ("keras", "keras.ops", "jax", "tensorflow", "torch"):
        assert importlib.util.find_spec(name) is None
    assert importlib.util.find_spec("numpy") is not None
    assert "KERAS_BACKEND" not in os.environ


def test_the_machine_of_whoever_runs_the_tests_is_there_on_request(as_started, started_with):
    before = dict(os.environ)
    with as_started():
        assert dict(os.environ) == started_with
    assert dict(os.environ) == before


@pytest.fixture
def odd_shell(tmp_path):
    """The variables of a shell in which nothing is as usual, on a machine that has everything."""
    odd = tmp_path / "odd"
    for name in (facts.tox_name for facts in FACTS.values()):
        write_fake_python(odd / "tox" / name / "bin" / "python")
    for module in ("keras", "jax", "tensorflow", "torch"):
        (odd / "path" / module).mkdir(parents=True)
        (odd / "path" / module / "__init__.py").write_text("raise RuntimeError('imported')")
    (odd / "home" / ".keras").mkdir(parents=True)
    (odd / "home" / ".keras" / "keras.json").write_text(
        json.dumps({"backend": "torch", "floatx": "float64"})
    )
    (odd / "cache").mkdir()
    (odd / "cache" / "ml-100k.npz").write_text("no table")
    no_folder = str(odd / "home" / ".keras" / "keras.json")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(odd / "home"),
        "PYTHONPATH": str(odd / "path"),
        "PYTHONHASHSEED": "123",
        "TOX_WORK_DIR": str(odd / "tox"),
        "KERAS_BACKEND": "torch",
        "HARNESS_CACHE_DIR": str(odd / "cache"),
        "HARNESS_LOCK_FOLDER": no_folder,
        "HARNESS_SCENARIO_PATH": "/no/such/folder",
        **dict.fromkeys(
            [f"XDG_{kind}_HOME" for kind in ("CACHE", "CONFIG", "DATA", "STATE")], no_folder
        ),
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": no_folder,
        "COLUMNS": "40",
        "LINES": "3",
        "TERM": "xterm-256color",
        "FORCE_COLOR": "1",
        "TTY_COMPATIBLE": "1",
        "LC_ALL": "C",
        "LANG": "de_DE.UTF-8",
        "TZ": "Asia/Kathmandu",
        "GIT_DIR": "/no/such/repository",
        "OMP_NUM_THREADS": "1",
        "XLA_FLAGS": "--no_such_flag",
    }


def again(variables, names, **options):
    """Run tests once more, but for these that do so, in a process with ``variables``."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    chosen = [str(TESTS / name) for name in names]
    done = subprocess.run(
        [*command, *chosen, "-k", "not once_more", "-c", str(TESTS.parent / "pyproject.toml")],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stdout[-10_000:]


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="umask, homes and fake interpreters of POSIX")
def test_once_more_in_an_odd_shell_the_tests_say_the_same(odd_shell, tmp_path):
    (tmp_path / "results" / "local").mkdir(parents=True)
    again(odd_shell, TOUCHY, umask=0o077, cwd=tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="a PATH is enough for a POSIX process")
def test_once_more_without_any_other_variable_they_do_too():
    again({"PATH": os.environ["PATH"]}, TOUCHY[:2])
