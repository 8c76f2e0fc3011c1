"""Which versions of a package there are, as pip says."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from harness.errors import UnavailableError
from harness.launch import env_make, index

LISTED = "planted (1.10)\nAvailable versions: 1.10, 1.9, 1.0\n  INSTALLED: 1.0\n"


def test_they_come_oldest_first_in_the_order_of_versions():
    assert index.versions("planted", run=lambda _: (0, LISTED, "")) == ["1.0", "1.9", "1.10"]


def test_a_package_that_is_nowhere_is_named_with_what_pip_says():
    error = "WARNING: slow\nERROR: No matching distribution found for kerras\n"
    with pytest.raises(UnavailableError, match=r"no version of kerras .*No matching distribution"):
        index.versions("kerras", run=lambda _: (1, "", error))


def test_the_python_below_is_asked_where_this_environment_has_no_pip(monkeypatch):
    below = Path("/somewhere/python")
    monkeypatch.setattr(env_make, "interpreter", lambda _: below)
    asked = []

    def run(command):
        asked.append(command[0])
        missing = f"{command[0]}: No module named pip"
        return (1, "", missing) if command[0] == sys.executable else (0, LISTED, "")

    assert index.versions("planted", run=run)[-1] == "1.10"
    assert asked == [sys.executable, str(below)]


def test_where_no_python_has_pip_the_command_that_installs_it_is_named():
    with pytest.raises(UnavailableError, match="-m ensurepip"):
        index.versions("planted", run=lambda _: (1, "", "No module named pip"))


def test_pip_reads_its_own_configuration_and_leaves_out_pre_releases(tmp_path, monkeypatch):
    for version in ("0.9", "0.10", "0.11rc1"):
        name = f"planted_for_a_test-{version}"
        with zipfile.ZipFile(tmp_path / f"{name}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.dist-info/METADATA", "Metadata-Version: 2.1\n")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert index.versions("planted-for-a-test") == ["0.9", "0.10"]
