"""Operating system, Python, packages, and the commit of the harness."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

import harness
from harness.probe import software
from harness.probe.software import normalised, operating_system, packages, provenance, python

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout with a package ``harness`` in it, all committed."""
    folder = tmp_path / "checkout"
    (folder / "harness").mkdir(parents=True)
    (folder / "harness" / "__init__.py").touch()
    (folder / ".gitignore").write_text("/.tox/\n", encoding="utf-8")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", "First")
    return folder


def git(folder: Path, *arguments: str) -> str:
    # The settings of whoever runs the tests (signed commits, hooks) stay out of it.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    variables |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    command = [shutil.which("git") or "git", *arguments]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, check=True)
    return done.stdout.decode().strip()


def test_the_distribution_is_named_before_the_kernel(machine, monkeypatch):
    monkeypatch.setattr(software.platform, "system", lambda: "Linux")
    monkeypatch.setattr(software.platform, "release", lambda: "6.1.0")
    root = machine({"etc/os-release": 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'})
    assert operating_system(root) == "Debian GNU/Linux 12 (bookworm), Linux 6.1.0"


def test_a_system_without_a_named_distribution_is_its_kernel(machine, monkeypatch):
    monkeypatch.setattr(software.platform, "system", lambda: "Linux")
    monkeypatch.setattr(software.platform, "release", lambda: "6.1.0")
    assert operating_system(machine({})) == "Linux 6.1.0"


def test_macos_is_told_by_its_own_version(machine, monkeypatch):
    monkeypatch.setattr(software.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(software.platform, "release", lambda: "24.0.0")
    monkeypatch.setattr(software.platform, "mac_ver", lambda: ("15.0", ("", "", ""), "arm64"))
    assert operating_system(machine({})) == "macOS 15.0, Darwin 24.0.0"


def test_python_is_told_with_its_version():
    implementation, version = python().split()
    assert implementation
    assert version.count(".") == 2


def test_packages_are_those_that_importlib_finds():
    found = packages()
    assert found["numpy"] == metadata.version("numpy")
    assert found["py-cpuinfo"] == metadata.version("py-cpuinfo")
    assert list(found) == sorted(found)
    assert set(found) == {normalised(d.name) for d in metadata.distributions()}


def test_names_of_packages_are_normalised():
    assert normalised("Keras_RS.extra--x") == "keras-rs-extra-x"


@needs_git
def test_a_clean_checkout_is_told_by_its_commit(checkout):
    found = provenance(checkout / "harness")
    assert found.version == harness.__version__
    assert found.commit == git(checkout, "rev-parse", "HEAD")
    assert found.dirty is False


@needs_git
@pytest.mark.parametrize("place", ["harness/__init__.py", "harness/new.py", "scenarios/mine.py"])
def test_a_file_that_was_changed_or_added_makes_it_dirty(checkout, place):
    path = checkout / place
    path.parent.mkdir(exist_ok=True)
    path.write_text("print()\n", encoding="utf-8")
    assert provenance(checkout / "harness").dirty is True


@needs_git
def test_records_do_not_make_it_dirty(checkout):
    (checkout / "results").mkdir()
    (checkout / "results" / "record.json").touch()
    assert provenance(checkout / "harness").dirty is False


@needs_git
def test_a_copy_installed_below_a_checkout_is_no_part_of_it(checkout):
    copy = checkout / ".tox" / "jax" / "harness"
    copy.mkdir(parents=True)
    (copy / "__init__.py").touch()
    assert provenance(copy).commit is None


@needs_git
def test_a_checkout_without_a_commit_has_none(tmp_path):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "__init__.py").touch()
    git(tmp_path, "add", ".")
    found = provenance(tmp_path)
    assert (found.commit, found.dirty) == (None, True)


@needs_git
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_a_checkout_of_another_user_is_read_all_the_same(checkout):
    for path in [checkout, *checkout.rglob("*")]:
        os.chown(path, 12345, 12345)
    assert provenance(checkout / "harness").commit is not None


@needs_git
def test_a_git_hooks_environment_does_not_mislead(checkout, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert provenance(checkout / "harness").commit is not None


def test_outside_of_a_checkout_only_the_version_is_known(tmp_path):
    (tmp_path / "__init__.py").touch()
    found = provenance(tmp_path)
    assert (found.version, found.commit, found.dirty) == (harness.__version__, None, None)


def test_without_git_only_the_version_is_known(monkeypatch):
    monkeypatch.setattr(software.shutil, "which", lambda _: None)
    assert provenance().commit is None


def test_a_git_that_hangs_is_given_up(monkeypatch):
    def hang(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 20)

    monkeypatch.setattr(software.subprocess, "run", hang)
    assert provenance().commit is None
