"""Every command that takes a scenario answers a broken one with its line, and no traceback."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness import cli, scenario_files
from harness.cli import app, campaign
from harness.errors import ExitCode
from harness.store import folder as store
from tests.launch.conftest import SCENARIO
from tests.launch.fake_python import write_fake_python

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "throwaway.py").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", "mine")
    monkeypatch.setenv("HARNESS_LOCK_FOLDER", str(tmp_path / "lock"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(campaign, "speed_probe", lambda: 0.2)
    monkeypatch.setattr(campaign, "rates", None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(monkeypatch, capsys, *arguments):
    """Exit code and standard error of the whole command."""
    monkeypatch.setattr(sys, "argv", ["harness", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code, capsys.readouterr().err


COMMANDS = (["run"], ["sweep", "--batch-size", "1,2"], ["parity"], ["anatomy"])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize("text", ["import torch\n", "def f(:\n", "raise SystemExit(0)\n"])
def test_a_broken_scenario_ends_with_its_line_the_reason_and_exit_code_2(
    here, monkeypatch, capsys, command, text
):
    (here / "mine" / "images.py").write_text(text, encoding="utf-8")
    name, *options = command
    code, message = said(monkeypatch, capsys, name, "images", *options)
    assert code == ExitCode.USAGE
    assert message.startswith("harness: mine/images.py, line 1: ")
    assert message.count("\n") == 1
    assert not (here / "results").exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "command",
    [*([name, "ranking", *more] for name, *more in COMMANDS), ["list"], ["report", "."]],
    ids=lambda words: words[0],
)
def test_a_search_path_that_leads_nowhere_ends_every_command_that_looks(
    monkeypatch, capsys, command
):
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", "mine:not_there")
    code, message = said(monkeypatch, capsys, *command)
    assert code == ExitCode.USAGE
    assert "/not_there, which does not exist" in message


def test_a_report_needs_no_scenario_that_can_be_loaded(here, fake):
    assert run(*fake("leave(good)"), "--seeds", "1").exit_code == ExitCode.OK
    (here / "mine" / "throwaway.py").write_text("import torch\n", encoding="utf-8")
    scenario_files.load.cache_clear()
    result = CliRunner().invoke(app, ["report"])
    assert result.exit_code == ExitCode.OK, result.output
    assert "throwaway is judged by its records alone: mine/throwaway.py, line 1" in result.stderr
    assert "2.00 ms" in result.stdout


def test_a_campaign_outlives_a_scenario_that_breaks_meanwhile(here, fake):
    path = here / "mine" / "throwaway.py"
    trial = f"Path({str(path)!r}).unlink(missing_ok=True)\nleave(good)"
    result = run(*fake(trial), "--seeds", "1-2")
    assert result.exit_code == ExitCode.OK, result.output
    assert statuses() == [(1, "ok"), (2, "ok")]
    again = run(*fake(trial), "--seeds", "1-2")
    assert again.exception.exit_code == ExitCode.USAGE


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_look_for_no_scenario(monkeypatch, option):
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", "not_there")
    assert CliRunner().invoke(app, [option]).exit_code == ExitCode.OK


def test_a_name_that_a_built_in_has_too_is_refused_and_listed(here, monkeypatch, capsys):
    (here / "mine" / "ranking.py").write_text(SCENARIO, encoding="utf-8")
    code, message = said(monkeypatch, capsys, "run", "ranking")
    assert code == ExitCode.USAGE
    assert "2 scenarios are called ranking: " in message
    shown = CliRunner().invoke(app, ["list"]).output
    assert "ranking: cannot be loaded: 2 scenarios are called ranking: " in shown
    assert "throwaway: A scenario of a test" in shown


def test_what_a_message_quotes_is_made_harmless(here, monkeypatch, capsys):
    (here / "mine" / "images.py").write_text("raise ValueError('\x1b[31mred')\n", encoding="utf-8")
    _, message = said(monkeypatch, capsys, "run", "images")
    assert "\x1b" not in message
    assert r"ValueError: \x1b[31mred" in message


@pytest.fixture
def fake(here):
    def make(trial, backend="jax"):
        path = write_fake_python(here / backend / "bin" / "python", trial)
        return ["--backend", backend, "--env", f"{backend}={path}"]

    return make


def run(*arguments):
    return CliRunner().invoke(app, ["run", "throwaway", *arguments])


FAILS = """
from harness.trial import failure
try:
    exec(compile("\\n\\nraise ValueError('\\\\x1b[2Jno such layer')", {path!r}, "exec"))
except ValueError as error:
    if trial.cell.settings["batch_size"] == 2:
        bad = failure.failure(error, "throwaway")
        leave(msgspec.structs.replace(good, status="failed", failure=bad, epochs=[], quality=None))
        sys.exit(1)
leave(good)
"""


def test_an_error_of_the_users_is_told_once_with_its_line_and_the_trials_by_their_setting(
    here, fake
):
    trial = FAILS.format(path=str(here / "mine" / "throwaway.py"))
    options = ["--set", "batch_size=1,2", "--seeds", "1-3"]
    result = run(*fake(trial), *fake(trial, "torch"), *options)
    assert result.exit_code == ExitCode.TRIAL_FAILED
    reason = r"throwaway.py, line 3: ValueError: \x1b[2Jno such layer"
    live, _, closing = result.output.partition("All records in")
    assert live.count(reason) == closing.count(reason) == 1
    assert live.count(f"    | {here / 'mine' / 'throwaway.py'}:3\n") == 1
    assert live.count("failed as ") == 5
    assert "\x1b" not in result.output
    words = " ".join(closing.split())
    assert "6 of 12 trials left no measurement" in words
    assert f"jax cpu fit and torch cpu fit, batch_size=2, seeds 1-3 (failed: {reason})" in words


WITH_HASH = """
from harness import scenario
sha256 = scenario.sources_sha256("throwaway")
leave(msgspec.structs.replace(good, scenario_sha256=sha256, scenario_version=7))
"""


def statuses():
    return sorted((r.round, r.status) for r in store.load(Path("results/local")).records)


def test_failed_trials_are_measured_again_by_resume(fake):
    asked = ["--seeds", "1-2"]
    assert run(*fake("sys.exit(3)"), *asked).exit_code == ExitCode.TRIAL_FAILED
    again = run(*fake("sys.exit(3)"), *asked, "--resume")
    assert again.exit_code == ExitCode.TRIAL_FAILED, "it does not say that all were well"
    assert "measured again: 2 trials that left no measurement" in again.output
    mended = run(*fake("leave(good)"), *asked, "--resume")
    assert mended.exit_code == ExitCode.OK, mended.output
    assert [each for each in statuses() if each[1] == "ok"] == [(1, "ok"), (2, "ok")]
    done = run(*fake("raise AssertionError"), *asked, "--resume")
    assert (done.exit_code, "measured again" in done.output) == (ExitCode.OK, False)


def test_an_adaptive_campaign_with_nothing_left_still_tells_of_its_failures(fake):
    asked = ["--precision", "90%", "--budget", "10m"]
    trial = "if trial.round == 1: sys.exit(3)\nleave(good)"
    assert run(*fake(trial), *asked).exit_code == ExitCode.TRIAL_FAILED
    before = statuses()
    again = run(*fake(trial), *asked, "--resume")
    assert statuses() == before
    assert again.exit_code == ExitCode.TRIAL_FAILED
    assert "nothing was left to measure, and 1 trial of earlier runs left no" in again.output


def test_a_mended_scenario_is_noticed_by_resume(here, fake):
    asked = [*fake(WITH_HASH), "--seeds", "1-2"]
    assert run(*asked).exit_code == ExitCode.OK
    path = here / "mine" / "throwaway.py"
    path.write_text(f"{SCENARIO}\n# mended\n", encoding="utf-8")
    scenario_files.load.cache_clear()
    result = run(*asked, "--resume")
    assert "rounds 1-2: the scenario's source was another one" in result.output
    assert len(statuses()) == 4
    assert "was changed between trials" in " ".join(result.output.split())


def test_a_scenario_that_changes_during_a_run_is_noticed(here, fake):
    mend = f"with open({str(here / 'mine' / 'throwaway.py')!r}, 'a') as file: file.write('#\\n')"
    result = run(
        *fake(f"{WITH_HASH}\nif trial.seed == 1: {{}}".format("pass") + f"\n{mend}"),
        "--seeds",
        "1-3",
    )
    assert result.exit_code == ExitCode.OK, result.output
    assert result.output.count("was changed since the first trial of this run") == 2
    document = json.loads(CliRunner().invoke(app, ["report", "--json"]).stdout)
    (note,) = (one for one in document["notes"] if one["code"] == "scenario-changed")
    assert "jax cpu fit, seed 1 ran " in note["text"]


@pytest.mark.parametrize("option", [["--mode", "fit"], ["--device", "cpu"], ["--seeds", "1"]])
def test_an_option_that_is_given_twice_is_refused_where_the_last_would_win(here, option):
    result = run(*option, *option)
    assert result.exit_code == ExitCode.USAGE
    assert f"{option[0]} is given 2 times" in result.output
    assert not (here / "results").exists()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "options",
    [
        ["--backend", "jax,jax"],
        ["--backend", "jax", "--backend", "jax"],
        ["--backend", "tf,tensorflow"],
        ["--mode", "fit,fit"],
        ["--init", "common,common"],
        ["--threads", "1,1"],
        ["--seeds", "1,1"],
        ["--set", "batch_size=1,1"],
        ["--set", "batch_size=1,1.0"],
        ["--set", "epochs=1", "--set", "epochs=2"],
        ["--env", "jax=/a", "--env", "jax=/b"],
    ],
)
def test_what_is_named_twice_is_refused(monkeypatch, capsys, options):
    code, message = said(monkeypatch, capsys, "run", "throwaway", *options)
    assert code == ExitCode.USAGE
    assert "twice" in message or "two " in message
