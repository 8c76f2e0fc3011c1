"""``harness merge``: what it prints, and exits with."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import ExitCode, UnavailableError
from harness.store import folder as store


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(app, ["merge", *map(str, arguments)])


@pytest.fixture
def folders(tmp_path, make_record):
    for name, value in (("a", 0.25), ("b", 0.26)):
        store.save(tmp_path / name, make_record(value=value))
    return tmp_path / "a", tmp_path / "b"


def test_tells_what_was_added_and_what_was_there(run, folders, tmp_path):
    result = run(*folders, "--into", tmp_path / "both")
    assert result.exit_code == ExitCode.OK
    assert "2 records and 0 runs of parity or anatomy added; 0 records there already" in (
        result.stdout
    )
    assert len(store.load(tmp_path / "both").records) == 2
    again = run(folders[0], "--into", tmp_path / "both")
    assert "0 records and 0 runs of parity or anatomy added; 1 record there already" in again.stdout


def test_a_broken_record_is_named_and_stops_nothing(run, folders, tmp_path):
    broken = folders[0] / "records/seed-9-rep-1.json"
    broken.write_text("{")
    result = run(*folders, "--into", tmp_path / "both")
    assert result.exit_code == ExitCode.OK
    assert f"left out: {broken} could not be read: cut off in the middle" in result.stderr


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_folder_that_is_not_there_ends_it_before_anything_is_written(
    run, folders, tmp_path, name
):
    (tmp_path / "file").touch()
    error = run(*folders, tmp_path / name, "--into", tmp_path / "both").exception
    assert isinstance(error, UnavailableError)
    assert name in str(error)
    assert not (tmp_path / "both").exists()


def test_a_target_that_cannot_be_written_is_an_error_that_names_it(run, folders, tmp_path):
    (tmp_path / "file").touch()
    error = run(*folders, "--into", tmp_path / "file/both").exception
    assert isinstance(error, UnavailableError)
    assert "file" in str(error)
    assert "Not a directory" in str(error)
