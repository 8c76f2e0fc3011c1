"""tox.ini as a menu, the pins behind it, and what each environment tells Keras."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[1]
BACKENDS = {"jax": "jax", "tf": "tensorflow", "torch": "torch"}


@pytest.fixture(scope="module")
def menu():
    """Environment names with their descriptions, as `tox list` shows them."""
    return dict(re.findall(r"^(\S+)\s+->\s*(.*)$", _tox("list"), flags=re.MULTILINE))


def _tox(*arguments):
    name, *rest = arguments
    command = [sys.executable, "-m", "tox", name, "-c", str(ROOT / "tox.ini"), *rest]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_every_environment_says_what_it_does(menu):
    assert {"data", "report", "docs", "lint", "test", *BACKENDS} <= set(menu)
    assert {f"{name}-gpu" for name in BACKENDS} | {f"test-{name}" for name in BACKENDS} <= set(menu)
    for name, description in menu.items():
        assert len(description) > 10, name
        assert description != "[no description]", name


def test_tox_alone_does_the_whole_job():
    assert _tox("config", "--core", "-k", "env_list").split("=")[-1].split() == [
        "data",
        "jax",
        "tf",
        "torch",
        "verdict",
        "report",
    ]


@pytest.mark.parametrize("suffix", ["", "-gpu"])
@pytest.mark.parametrize("name", BACKENDS)
def test_a_backend_alone_trains_once_and_ends_with_what_to_run_next(name, suffix):
    shown = _tox("config", "-e", f"{name}{suffix}", "-k", "commands", "ignore_errors")
    commands = shown.partition("commands =")[2].partition("ignore_errors")[0].strip().splitlines()
    assert len(commands) == 2
    assert "pytest tests/benchmark" in commands[0]
    assert commands[1].strip().startswith("harness run ranking --device")
    assert commands[1].endswith("--rounds 1")
    assert "ignore_errors = True" in shown
    asked = _tox("config", "-e", f"{name}{suffix}", "-k", "commands", "--", "--seeds", "1-5")
    assert "--seeds 1-5" in asked
    assert "--rounds" not in asked


def test_the_verdict_is_of_all_backends_that_have_an_environment():
    shown = _tox("config", "-e", "verdict", "-k", "commands", "set_env", "depends")
    assert "harness run ranking --device cpu" in shown
    assert "--backend" not in shown
    assert "KERAS_BACKEND" not in shown
    assert shown.split("depends =")[1].split() == ["data", "jax", "tf", "torch"]


def test_the_tests_without_a_framework_have_an_environment_for_every_python_that_is_claimed(menu):
    claimed = re.findall(
        r'"Programming Language :: Python :: 3\.(\d+)"',
        (ROOT / "pyproject.toml").read_text("utf-8"),
    )
    oldest, *others = claimed
    assert oldest == "11"
    assert {name for name in menu if name.startswith("test-py")} == {
        f"test-py3{minor}" for minor in others
    }
    for minor in others:
        shown = _tox("config", "-e", f"test-py3{minor}", "-k", "base_python", "deps", "commands")
        assert f"base_python = python3.{minor}" in shown
        assert "constraints/test.txt" in shown
        assert "--ignore=tests/backend" in shown


def test_whoever_has_one_python_runs_all_tests_on_that_one():
    tests = {"test", "test-report", *(f"test-{name}" for name in BACKENDS)}
    assert set(_tox("list", "-m", "test", "--no-desc").split()) == tests


@pytest.mark.parametrize("prefix_and_suffix", [("", ""), ("", "-gpu"), ("test-", "")])
@pytest.mark.parametrize("name", BACKENDS)
def test_each_backend_environment_names_its_backend_and_no_other_framework(name, prefix_and_suffix):
    prefix, suffix = prefix_and_suffix
    shown = _tox("config", "-e", f"{prefix}{name}{suffix}", "-k", "set_env", "deps", "extras")
    assert f"KERAS_BACKEND={BACKENDS[name]}" in shown
    assert f"constraints/{name}.txt" in shown
    extras = set(shown.split("extras =")[1].split())
    others = set(BACKENDS) - {name}
    assert not extras & (others | {f"{other}-gpu" for other in others})


@pytest.mark.parametrize("name", ["jax", "tf", "torch", "data", "report", "docs", "test", "lint"])
def test_constraints_pin_exactly_and_name_no_place_of_a_machine(name):
    lines = (ROOT / "constraints" / f"{name}.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) > 5
    for pin in pins:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*( *;.*)?", pin), pin
