"""``harness report``: what it prints, writes, and exits with."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from harness.analysis import rows
from harness.cli.report import report
from harness.errors import ExitCode, UnavailableError
from harness.records.trial import Prediction
from harness.store import folder as store


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the command in an empty folder, with no prepared table on the machine."""
    app = typer.Typer()
    app.command()(report)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path, make_record):
    for seed in (1, 2):
        store.save(tmp_path / "results/local", make_record(seed=seed))
    return tmp_path / "results/local"


def test_prints_the_table_and_tells_where_the_markdown_went(run, folder):
    result = run(folder)
    assert result.exit_code == ExitCode.OK
    assert "2.00 ms" in result.stdout
    assert f"Markdown: {folder / 'report.md'}" in result.stdout
    assert "| jax | 2.00 ms" in (folder / "report.md").read_text()


def test_without_a_name_the_folder_is_results_local(run, folder):
    result = run()
    assert result.exit_code == ExitCode.OK
    assert (folder / "report.md").exists()


def test_the_records_are_grouped_once_for_all_outputs(run, folder, monkeypatch):
    # Every output is imported by the first run; its modules hold the function by its name.
    run(folder, "--json")
    real, calls = rows.grouped, []

    def counting(records):
        calls.append(len(records))
        return real(records)

    for module in list(sys.modules.values()):
        if getattr(module, "grouped", None) is real:
            monkeypatch.setattr(module, "grouped", counting)
    result = run(folder, "--json")
    assert result.exit_code == ExitCode.OK
    assert calls == [2]


def test_an_empty_machine_gets_a_table_with_all_backends_missing(run):
    result = run()
    assert result.exit_code == ExitCode.OK
    assert result.stdout.count("missing") >= 3
    assert "run: tox -e torch" in result.stdout
    assert Path("results/local/report.md").exists()


def test_an_empty_folder_too(run, tmp_path):
    (tmp_path / "empty").mkdir()
    assert run("empty").exit_code == ExitCode.OK


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_named_folder_that_is_not_there_is_an_error(run, tmp_path, name):
    (tmp_path / "file").write_text("")
    error = run(name).exception
    assert isinstance(error, UnavailableError)
    assert name in str(error)
    assert "harness run ranking" in str(error)


def test_the_markdown_goes_where_it_is_asked_to(run, folder, tmp_path):
    run(folder, "--output", tmp_path / "deep/er/summary.md")
    assert (tmp_path / "deep/er/summary.md").exists()
    assert not (folder / "report.md").exists()


def test_markdown_that_cannot_be_written_is_an_error_that_says_so(run, folder, tmp_path):
    (tmp_path / "file").write_text("")
    error = run(folder, "--output", tmp_path / "file/summary.md").exception
    assert isinstance(error, UnavailableError)
    assert "--output" in str(error)


def test_json_is_all_that_stdout_holds(run, folder):
    result = run(folder, "--json")
    answer = json.loads(result.stdout)
    assert answer["rows"][0]["good"] == 2
    assert answer["answer"]["sentence"].startswith("No verdict: only JAX was measured.")
    assert answer["answer"]["next_step"].startswith("harness run ranking --backend jax,tf,torch")
    assert answer["rows"][0]["step_time_s"]["value"] == pytest.approx(0.002)
    assert {note["code"] for note in answer["notes"]} == {"missing-backend"}
    assert answer["about"]["ranking"]["metric"]["reference"] == pytest.approx(0.25617)
    assert "Markdown:" in result.stderr


def test_json_holds_what_parity_and_anatomy_found(run, folder, make_anatomy_record):
    anatomy = folder / "anatomy/ranking/run-1"
    anatomy.mkdir(parents=True)
    (anatomy / "jax-cpu-1.json").write_bytes(msgspec.json.encode(make_anatomy_record()))
    parity = folder / "parity/ranking/seed-42-1"
    parity.mkdir(parents=True)
    pair = {"first": "jax", "second": "torch", "verdict": "same", "says": "the same model."}
    said = {"schema": 1, "scenario": "ranking", "seed": 42, "pairs": [pair]}
    (parity / "verdict.json").write_text(json.dumps(said))
    answer = json.loads(run(folder, "--json").stdout)
    assert [one["cell"]["backend"] for one in answer["anatomies"]] == ["jax"]
    assert answer["parity"][0]["pairs"] == [pair]
    assert "ranking, seed 42: the same model." in (folder / "report.md").read_text()


def test_broken_files_are_named_and_stop_nothing(run, folder):
    (folder / "records/seed-9-rep-1.json").write_text('{"schema": 1, "sta')
    (folder / "benchmarks").mkdir()
    (folder / "benchmarks/jax-cpu.json").write_text("{}")
    result = run(folder)
    assert result.exit_code == ExitCode.OK
    text = (folder / "report.md").read_text()
    assert "seed-9-rep-1.json (" in text
    assert "jax-cpu.json could not be read" in text


def test_records_of_a_scenario_that_is_not_here_are_shown_all_the_same(run, tmp_path, make_record):
    store.save(tmp_path / "other", make_record(scenario="elsewhere"))
    result = run("other")
    assert result.exit_code == ExitCode.OK
    assert "Scenario elsewhere" in result.stdout


class TestStepSummary:
    def test_is_appended_to(self, run, folder, tmp_path, monkeypatch):
        target = tmp_path / "summary"
        target.write_text("before\n")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(target))
        run(folder, "--step-summary")
        assert target.read_text().startswith("before\n# Keras backends")

    def test_is_left_alone_unless_asked_for(self, run, folder, tmp_path, monkeypatch):
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
        run(folder)
        assert not (tmp_path / "summary").exists()

    def test_outside_of_github_is_no_error(self, run, folder):
        result = run(folder, "--step-summary")
        assert result.exit_code == ExitCode.OK
        assert "GITHUB_STEP_SUMMARY is not set" in result.stdout


class TestTitles:
    @pytest.fixture
    def prediction(self, tmp_path, make_record):
        predictions = [
            Prediction(inputs={"user_id": 42, "movie_id": movie_id}, output=0.7, shown=3.8)
            for movie_id in (1, 2)
        ]
        store.save(tmp_path / "results/local", make_record(predictions=predictions))

    @pytest.fixture
    def table(self, monkeypatch):
        movies = msgspec.defstruct("Movies", ["movie_id", "title"])
        table = msgspec.defstruct("Table", ["movies", "ratings_sha256"])
        numpy = pytest.importorskip("numpy")
        named = movies(numpy.array([1, 2]), numpy.array(["One", "Two (1999)"]))
        made = table(named, "a" * 64)  # that of the records
        monkeypatch.setattr("harness.data.load", lambda _: made)

    def test_come_from_the_prepared_table(self, run, prediction, table):
        assert "Two (1999) (movie 2)" in run().stdout

    def test_are_left_out_of_a_report_to_publish(self, run, prediction, table):
        assert "Two (1999)" not in run("--no-titles").stdout

    def test_without_a_prepared_table_the_ids_stand_alone(self, run, prediction):
        assert "user 42" in run().stdout


def test_help_tells_the_exit_codes_and_an_example(run):
    shown = run("--help").stdout
    assert "Exit codes:" in shown
    assert "harness report results/ci" in shown
