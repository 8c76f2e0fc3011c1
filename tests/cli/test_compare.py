"""``harness compare``: what it prints, writes, and exits with."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from harness.cli.compare import EPILOG, compare
from harness.errors import ExitCode, GateCode, HarnessError, UnavailableError
from harness.store import folder as store

TWO = {"jax": 0.002, "torch": 0.004}


@pytest.fixture
def run(monkeypatch, tmp_path):
    app = typer.Typer()
    app.command(epilog=EPILOG)(compare)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path, make_campaign):
    """Store a campaign of two backends, with the differences given, under a name."""

    def make(name, step_time_s=TWO, rounds=14, **changes):
        for record in make_campaign(step_time_s, rounds, **({"seed": len(name)} | changes)):
            store.save(tmp_path / name, record)
        return tmp_path / name

    return make


@pytest.fixture
def pair(folder):
    """Two folders, the second with the differences given."""
    return lambda *arguments, **changes: (folder("before"), folder("after", *arguments, **changes))


class TestExitCode:
    EVERYTHING = "slower:5%,worse:0.002,memory:10%,missing,inconclusive"

    def test_0_without_a_finding(self, run, pair):
        result = run(*pair(), "--fail-on", self.EVERYTHING)
        assert result.exit_code == ExitCode.OK
        assert "Gate passed." in result.stdout

    def test_0_without_a_gate_whatever_is_found(self, run, pair):
        result = run(*pair(TWO | {"jax": 0.003}))
        assert result.exit_code == ExitCode.OK
        assert "slower" in result.stdout

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"rmse": {"jax": 0.004}}, GateCode.WORSE),
            ({"step_time_s": TWO | {"jax": 0.0024}}, GateCode.SLOWER),
            ({"peak_rss_bytes": 900_000_000}, GateCode.MEMORY),
            ({"step_time_s": {"jax": 0.002}}, GateCode.MISSING),
            ({"rounds": 3}, GateCode.INCONCLUSIVE),
        ],
    )
    def test_10_to_14_for_each_fault(self, run, pair, changes, code):
        result = run(*pair(**changes), "--fail-on", self.EVERYTHING)
        assert result.exit_code == code
        assert f"exit code {int(code)}" in result.stdout

    def test_15_for_other_machines(self, run, pair):
        result = run(*pair(machine_id="machine-b"))
        assert result.exit_code == GateCode.NOT_COMPARABLE == 15
        assert "different machines" in " ".join(result.stdout.split())

    def test_the_lowest_of_several_and_all_are_printed(self, run, pair):
        folders = pair({"jax": 0.0024}, rmse={"jax": 0.004})
        result = run(*folders, "--fail-on", self.EVERYTHING)
        assert result.exit_code == GateCode.WORSE
        for words in ("worse quality:", "slower:", "missing cells:"):
            assert words in result.stdout

    @pytest.mark.parametrize("arguments", [["--fail-on", "slowr:5%"], ["--margin", "2"]])
    def test_2_for_a_mistake_before_anything_is_read(self, run, arguments):
        error = run("nowhere", "nowhere", *arguments).exception
        assert isinstance(error, HarnessError)
        assert error.exit_code == ExitCode.USAGE

    def test_3_for_a_folder_that_is_not_there(self, run, folder):
        error = run(folder("before"), "nowhere").exception
        assert isinstance(error, UnavailableError)
        assert "nowhere does not exist" in str(error)

    def test_3_for_one_without_a_record(self, run, folder, tmp_path):
        (tmp_path / "empty").mkdir()
        error = run(folder("before"), "empty").exception
        assert isinstance(error, UnavailableError)
        assert "holds no record" in str(error)
        assert "harness run" in str(error)

    def test_3_for_markdown_that_cannot_be_written(self, run, pair, tmp_path):
        (tmp_path / "file").write_text("")
        error = run(*pair(), "--markdown", tmp_path / "file/comment.md").exception
        assert isinstance(error, UnavailableError)
        assert "--markdown" in str(error)


class TestOutput:
    def test_the_markdown_says_what_the_terminal_says(self, run, pair, tmp_path):
        result = run(*pair(TWO | {"jax": 0.0024}), "--markdown", tmp_path / "deep/comment.md")
        source = (tmp_path / "deep/comment.md").read_text()
        assert "| jax | " in source
        assert "slower" in source
        assert "Markdown: " in result.stdout

    def test_json_is_all_that_stdout_holds(self, run, pair):
        result = run(*pair(TWO | {"jax": 0.0024}), "--json", "--fail-on", "slower:5%,missing")
        answer = json.loads(result.stdout)
        assert answer["exit_code"] == GateCode.SLOWER == result.exit_code
        (finding,) = answer["findings"]
        assert (finding["rule"], finding["cell"]["backend"]) == ("slower", "jax")
        jax, torch = answer["cells"]
        assert (jax["outcome"], torch["outcome"]) == ("slower", "equivalent")
        assert jax["speed"]["low"] > 1.05
        assert answer["limits"]["margin"] == 0.05
        assert {"apart", "only_before", "only_after", "packages", "notes"} <= answer.keys()

    def test_a_broken_file_is_named_and_stops_nothing(self, run, pair):
        before, after = pair()
        (after / "records/seed-9-rep-1.json").write_text('{"schema": 1, "sta')
        result = run(before, after)
        assert result.exit_code == ExitCode.OK
        assert "seed-9-rep-1.json (cut off" in " ".join(result.stdout.split())

    def test_the_margin_can_be_chosen_without_a_gate(self, run, pair):
        result = run(*pair(TWO | {"jax": 0.0024}), "--margin", "40%")
        assert "beyond 40%" in " ".join(result.stdout.split())

    def test_help_tells_rules_codes_and_an_example(self, run):
        shown = run("--help").stdout
        for words in (
            "slower:5%",
            "inconclusive",
            "Exit codes",
            "15  nothing comparable",
            "--markdown",
        ):
            assert words in shown


class TestStepSummary:
    @pytest.fixture
    def summary(self, monkeypatch, tmp_path):
        file = tmp_path / "summary.md"
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
        return file

    def test_the_counts_lead_and_only_rows_that_changed_follow(self, run, pair, summary):
        result = run(*pair(TWO | {"jax": 0.0024}), "--fail-on", "slower:5%", "--step-summary")
        text = summary.read_text()
        assert result.exit_code == GateCode.SLOWER
        assert text.startswith("# 1 slower, 1 unchanged\n")
        assert "GATE FAILED: slower, exit code 11" in text
        assert "| jax | cpu |" in text
        assert "| torch |" not in text
        assert len(text) < 2_000
        assert f"Step summary: appended to {summary}" in result.stdout

    def test_nothing_but_the_counts_where_nothing_changed(self, run, pair, summary):
        run(*pair(), "--step-summary")
        text = summary.read_text()
        assert text.startswith("# 2 unchanged\n")
        assert "|" not in text

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"rmse": {"jax": 0.004}}, "1 learned worse"),
            ({"peak_rss_bytes": 900_000_000}, "2 with more memory"),
            ({"rounds": 3}, "2 not settled"),
        ],
    )
    def test_quality_memory_and_what_is_open_are_counted_too(
        self, run, pair, summary, changes, words
    ):
        run(*pair(**changes), "--step-summary")
        assert words in summary.read_text().splitlines()[0]

    def test_it_says_so_where_nothing_could_be_compared(self, run, pair, summary):
        run(*pair(machine_id="machine-b"), "--step-summary")
        assert "different machines" in summary.read_text()

    def test_outside_of_github_actions_nothing_is_appended(self, run, pair, monkeypatch):
        monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
        result = run(*pair(), "--step-summary")
        assert result.exit_code == ExitCode.OK
        assert "GITHUB_STEP_SUMMARY is not set" in result.stdout

    def test_a_page_of_rows_stays_a_comment(self, run, folder, summary):
        many = {"jax": 0.002}
        settings = [{"batch_size": str(n)} for n in range(30)]
        before, after = folder("before", many, 4), folder("after", many, 4)
        for each in settings:
            folder("before", many, 6, settings=each)
            folder("after", {"jax": 0.004}, 6, settings=each)
        run(before, after, "--step-summary")
        text = summary.read_text()
        assert text.count("| jax |") <= 20
        assert "10 more changed" in text
