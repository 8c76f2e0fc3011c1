"""``harness export``: what it writes, says, and exits with."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from harness.cli import export as command
from harness.errors import ExitCode, UnavailableError
from harness.report import exports
from harness.report.exports import FORMATS, UnknownFormatError
from harness.store import folder as store

OPTIONAL = {"polars", "mlflow"}


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the command in an empty folder."""
    app = typer.Typer(rich_markup_mode=None)
    app.command(epilog=command.EPILOG)(command.export)
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path, records):
    for record in records:
        store.save_below(tmp_path / "results", record)
    return tmp_path / "results"


def lacking(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)


def test_writes_the_file_and_says_where_and_what_weakens_it(run, folder, tmp_path):
    (folder / "records/seed-9-rep-1.json").write_text('{"schema": 1, "sta')
    result = run(folder, "--format", "bencher", "--output", "deep/er/bmf.json")
    assert result.exit_code == ExitCode.OK
    assert len(json.loads((tmp_path / "deep/er/bmf.json").read_text())) == 2
    assert result.stdout.startswith("bencher: deep/er/bmf.json\n2 of 6 trials left no measurement")
    assert "1 record file could not be read" in result.stdout


def test_an_unknown_format_names_the_nearest_and_all(run, folder):
    error = run(folder, "--format", "parqet", "--output", "x").exception
    assert isinstance(error, UnknownFormatError)
    assert error.exit_code == ExitCode.USAGE
    assert "did you mean parquet? Valid: pytest-benchmark, parquet, csv" in str(error)


def test_all_writes_what_can_be_written_and_names_the_rest(run, folder, tmp_path, monkeypatch):
    for package in OPTIONAL:
        lacking(monkeypatch, package)
    result = run(folder, "--format", "all", "--output", "out")
    assert result.exit_code == ExitCode.OK
    written = {one.file for one in FORMATS.values() if one.package is None}
    assert {path.name for path in (tmp_path / "out").iterdir()} == written
    assert "mlflow: left out\n  the format mlflow needs the package mlflow" in result.stdout


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if one.package])
def test_a_missing_package_is_an_error_of_one_line_that_tells_the_extra(
    run, folder, name, monkeypatch
):
    lacking(monkeypatch, FORMATS[name].package)
    error = run(folder, "--format", name, "--output", "x").exception
    assert isinstance(error, UnavailableError)
    assert f"pip install 'keras-backend-harness[{FORMATS[name].extra}]'" in str(error)
    assert "\n" not in str(error)


def test_a_folder_without_records_is_an_error(run, tmp_path):
    (tmp_path / "empty").mkdir()
    error = run("empty", "--format", "bencher", "--output", "x").exception
    assert isinstance(error, UnavailableError)
    assert "harness run ranking" in str(error)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if one.package is None])
def test_an_output_that_cannot_be_written_is_an_error_that_says_so(run, folder, tmp_path, name):
    (tmp_path / "file").write_text("")
    error = run(folder, "--format", name, "--output", "file/x").exception
    assert isinstance(error, UnavailableError)
    assert "--output" in str(error)


def test_an_export_is_never_taken_for_a_record(run, folder, monkeypatch):
    lacking(monkeypatch, "mlflow")  # slow, and its store is no JSON
    before = store.load(folder)
    result = run(folder, "--format", "all", "--output", folder / "exports")
    assert result.exit_code == ExitCode.OK
    assert store.load(folder) == before


def test_help_lists_every_format_and_the_exit_codes(run):
    shown = run("--help").stdout
    for name in [*FORMATS, exports.ALL]:
        assert f"  {name} " in shown
    assert "Exit codes:" in shown


def test_importing_the_command_loads_no_library_of_a_format():
    program = (
        "import sys, harness.cli.export\n"
        "print({'msgspec', 'numpy', 'polars', 'mlflow', 'duckdb'} & set(sys.modules))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "set()"
