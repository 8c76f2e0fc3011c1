"""`harness run` where a mode cannot train a model: said before the first trial, once for each."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app, campaign
from harness.errors import ExitCode, RefusedError
from harness.launch import preflight
from harness.store import folder as store
from tests.launch.conftest import SCENARIO
from tests.launch.fake_python import write_fake_python

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")

WHY = "custom_loop goes without Keras' trainer, but the model has its own train_step"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A user's folder with a throwaway scenario."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "throwaway.py").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path / "scenarios"))
    for name in ("KERAS_BACKEND", "TOX_WORK_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HARNESS_LOCK_FOLDER", str(tmp_path / "lock"))
    monkeypatch.setattr(campaign, "speed_probe", lambda: 0.2)
    monkeypatch.setattr(campaign, "rates", None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(here):
    """Runs the command on a fake JAX whose pre-flight refuses some modes."""

    def command(*arguments, trial="leave(good)", refused=None):
        path = write_fake_python(here / "jax" / "bin" / "python", trial, refused=refused)
        where = ["--backend", "jax", "--env", f"jax={path}", "--seeds", "1"]
        return CliRunner().invoke(app, ["run", "throwaway", *where, *arguments])

    return command


def records():
    return store.load(Path("results/local")).records


def test_what_is_refused_leaves_the_plan_and_the_rest_runs(run):
    result = run("--mode", "fit,custom_loop", refused={"custom_loop": WHY})
    assert result.exit_code == ExitCode.TRIAL_FAILED
    assert result.output.count(f"jax cpu custom_loop: refused: {WHY}") == 2, "before, and after"
    assert "throwaway: 1 round of 1 cell = 1 trial" in result.output
    assert [record.cell.mode for record in records()] == ["fit"]


def test_cells_that_differ_in_settings_are_told_in_one_line(run):
    result = run("--mode", "fit,custom_loop", "--set", "epochs=1,2", refused={"custom_loop": WHY})
    assert f"jax cpu custom_loop (2 cells): refused: {WHY}" in result.output


def test_if_nothing_is_left_nothing_is_started(run):
    result = run("--mode", "custom_loop", refused={"custom_loop": WHY})
    assert isinstance(result.exception, RefusedError)
    assert result.exception.exit_code == ExitCode.USAGE
    assert str(result.exception).splitlines() == [
        f"jax cpu custom_loop: refused: {WHY}",
        preflight.NOTHING_LEFT,
    ]
    assert not Path("results/local/campaign.json").exists()


@pytest.mark.parametrize("further", [[], ["--dry-run"]])
def test_native_without_native_code_is_refused_without_any_process(run, further):
    result = run("--mode", "native", *further, trial="raise AssertionError('started')")
    assert isinstance(result.exception, RefusedError)
    assert "jax cpu native: refused: throwaway has no native code" in str(result.exception)
    assert records() == []


def test_a_dry_run_shows_what_is_left(run):
    result = run("--mode", "fit,native", "--dry-run", "--json")
    assert result.exit_code == ExitCode.OK
    told = json.loads(result.stdout)
    assert [refusal["cell"]["mode"] for refusal in told["refused"]] == ["native"]
    assert [cell["mode"] for cell in told["cells"].values()] == ["fit"]


def test_the_json_holds_the_refusals(run):
    result = run("--mode", "fit,custom_loop", "--json", refused={"custom_loop": WHY})
    told = json.loads(result.stdout)
    assert told["exit_code"] == ExitCode.TRIAL_FAILED
    assert [(one["cell"]["mode"], one["reason"]) for one in told["refused"]] == [
        ("custom_loop", WHY)
    ]


def test_a_preflight_that_leaves_no_answer_stops_nothing(run, monkeypatch):
    result = run("--mode", "custom_loop", refused={"custom_loop": WHY}, trial="leave(good)")
    assert isinstance(result.exception, RefusedError)
    monkeypatch.setattr(campaign.preflight, "TIMEOUT_S", 0.0)
    result = run("--mode", "custom_loop", refused={"custom_loop": WHY})
    assert result.exit_code == ExitCode.OK, result.output


ENDED = (
    "from harness.records.trial import Failure\n"
    "ended = Failure(reason='ended early: other work slowed it', cause='slowed')\n"
    "leave(msgspec.structs.replace(good, status='killed', failure=ended))"
)


def test_a_trial_that_was_ended_early_is_no_failure_if_another_was_measured(run):
    trial = f"{ENDED}\nif trial.repetition == 2: leave(good)"
    result = run("--repetitions", "2", trial=trial)
    assert "ended early, since other work slowed them many times" in result.output
    assert {record.status for record in records()} == {"ok", "killed"}
    assert result.exit_code == ExitCode.OK


def test_a_cell_of_which_nothing_was_measured_is_one(run):
    assert run(trial=ENDED).exit_code == ExitCode.TRIAL_FAILED
