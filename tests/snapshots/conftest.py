"""Outputs as they were when they were last read and found right, one text file each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from typer.testing import CliRunner, Result

from harness.cli import app

ROOT = Path(__file__).parents[2]


class TextFile(SingleFileSnapshotExtension):
    """A snapshot that reads as what a user sees, so that a commit shows what changes for them."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def shown(snapshot) -> object:
    """The kept output of the test that asks; ``pytest --snapshot-update`` keeps today's."""
    return snapshot.use_extension(TextFile)


@pytest.fixture
def harness(monkeypatch, tmp_path) -> Callable[..., Result]:
    """Run ``harness`` in the project's root, 100 columns wide, on a machine without ratings."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")
    for name in ("FORCE_COLOR", "NO_COLOR", "HARNESS_SCENARIO_PATH", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])
