"""`harness run`, with real child processes of a fake interpreter in place of a framework's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app, campaign
from harness.errors import ExitCode
from harness.launch import environments
from harness.store import folder as store
from tests.cli.world import QUIET
from tests.launch.conftest import SCENARIO
from tests.launch.fake_python import write_fake_python

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A user's folder with a throwaway scenario, and no variables that a shell might have set."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "throwaway.py").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path / "scenarios"))
    for name in ("KERAS_BACKEND", "TOX_WORK_DIR"):
        monkeypatch.delenv(name, raising=False)
    # A lock of the test's own: a campaign that really measures here is none of its business.
    monkeypatch.setenv("HARNESS_LOCK_FOLDER", str(tmp_path / "lock"))
    monkeypatch.setattr(campaign, "speed_probe", lambda: 0.2)
    monkeypatch.setattr(campaign, "rates", None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fake(here):
    """Makes the fake interpreter of a backend and gives the options that choose it."""

    def make(backend="jax", trial="leave(good)", **answers):
        path = write_fake_python(here / backend / "bin" / "python", trial, **answers)
        return ["--backend", backend, "--env", f"{backend}={path}"]

    return make


def run(*arguments):
    """Run the command, with one seed unless several are named, since each costs a process."""
    if "--seeds" not in arguments:
        arguments = [*arguments, "--seeds", "1"]
    return CliRunner().invoke(app, ["run", "throwaway", *arguments], catch_exceptions=True)


def message(result):
    """What `main` would show of a user's mistake."""
    return str(result.exception)


def test_a_run_leaves_its_records_and_shows_them(fake):
    result = run(*fake("jax"), *fake("torch"), "--seeds", "1-2")
    assert result.exit_code == ExitCode.OK, result.output
    records = store.load(Path("results/local")).records
    assert sorted((r.cell.backend, r.seed) for r in records) == [
        ("jax", 1),
        ("jax", 2),
        ("torch", 1),
        ("torch", 2),
    ]
    assert "throwaway: 2 rounds of 2 cells = 4 trials, seeds 1-2" in result.output
    assert "torch cpu fit, seed 2: 2.00 ms per step, loss 0.50000" in result.output
    assert "records: results/local; the whole report: harness report results/local" in result.output


def test_the_other_trials_go_on_after_one_that_failed_and_the_exit_code_tells(fake):
    trial = "print('about to fail')\nif trial.seed == 2: sys.exit(3)\nleave(good)"
    result = run(*fake(trial=trial), "--seeds", "1-3")
    assert result.exit_code == ExitCode.TRIAL_FAILED
    statuses = {r.seed: r.status for r in store.load(Path("results/local")).records}
    assert statuses == {1: "ok", 2: "crashed", 3: "ok"}
    assert "jax cpu fit, seed 2: crashed: ended with exit code 3 and no record" in result.output
    assert "    | about to fail" in result.output
    assert "1 of 3 trials left no measurement" in result.output


def test_a_trial_that_hangs_is_ended_at_the_timeout_that_was_asked_for(fake):
    result = run(*fake(trial="signal.pause()"), "--timeout", "1")
    assert result.exit_code == ExitCode.TRIAL_FAILED
    assert "timeout: still running after 1 s; --timeout sets the limit" in result.output


def test_what_was_asked_for_reaches_the_trial_and_the_record(fake, monkeypatch):
    monkeypatch.setenv("MINE", "passed")
    trial = (
        "engine = {'mine': os.environ.get('MINE'), 'omp': os.environ.get('OMP_NUM_THREADS'),\n"
        "          'budget': trial.time_budget_s, 'backend': os.environ['KERAS_BACKEND']}\n"
        "leave(msgspec.structs.replace(good, engine=engine))"
    )
    asked = "--set batch_size=7 --init keras --threads 2 --time-budget 0.5 --pass-env MINE"
    result = run(*fake(trial=trial), *asked.split(), "--results", "elsewhere/laptop")
    assert result.exit_code == ExitCode.OK, result.output
    (record,) = store.load(Path("elsewhere/laptop")).records
    assert record.cell.settings == {"batch_size": 7, "epochs": 5, "precision": "float32"}
    assert (record.cell.init, record.cell.threads) == ("keras", 2)
    assert record.engine == {"mine": "passed", "omp": "2", "budget": 0.5, "backend": "jax"}
    assert record.campaign == "laptop"


def test_variables_that_are_kept_back_are_said_once(fake, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/tmp")
    result = run(*fake(), "--pass-env", "NOT_SET", "--dry-run")
    assert result.output.count("XLA_FLAGS") == 1
    assert "not passed on, since not set here: NOT_SET" in result.output


def test_a_dry_run_shows_the_plan_and_starts_nothing(fake):
    result = run(*fake(trial="raise AssertionError"), "--seeds", "1-3", "--dry-run")
    assert result.exit_code == ExitCode.OK
    assert "3 rounds of 1 cell = 3 trials" in result.output
    assert "(a guess)" in result.output
    assert not Path("results").exists()


def test_a_dry_run_tells_a_script_the_plan(fake):
    document = json.loads(run(*fake(), "--seeds", "4,5", "--dry-run", "--json").stdout)
    assert [[trial["seed"] for trial in trials] for trials in document["rounds"]] == [[4], [5]]
    assert document["expected_s"] > 0


def test_a_script_gets_one_json_document_and_people_the_rest(fake):
    trial = "if trial.seed == 2: sys.exit(3)\nleave(good)"
    result = run(*fake(trial=trial), "--seeds", "1-2", "--json")
    assert result.exit_code == ExitCode.TRIAL_FAILED
    document = json.loads(result.stdout)
    assert document["exit_code"] == 1
    good, bad = document["trials"]
    assert Path(good["record"]).is_file()
    assert (good["status"], good["step_time_s"], good["quality"]["value"]) == ("ok", 0.002, 0.5)
    assert (bad["status"], bad["step_time_s"]) == ("crashed", None)
    assert "exit code 3" in bad["reason"]
    assert "2 rounds of 1 cell" in result.stderr


def test_ctrl_c_ends_the_trial_keeps_the_records_and_shows_them(fake, here):
    # The second trial opens a pipe; when that can be read, it is running.
    pipe = here / "pipe"
    os.mkfifo(pipe)
    wait = f"open({str(pipe)!r}, 'w').close(); signal.pause()"
    trial = f"if trial.seed == 2: {wait}\nleave(good)"
    command = [sys.executable, "-c", QUIET, "run", "throwaway", *fake(trial=trial)]
    with subprocess.Popen(
        [*command, "--seeds", "1-3"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        pipe.read_text(encoding="utf-8")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    assert process.returncode == ExitCode.INTERRUPTED
    statuses = {r.seed: r.status for r in store.load(Path("results/local")).records}
    assert statuses == {1: "ok", 2: "interrupted"}
    assert "All records in results/local" in output
    assert "interrupted: 1 of 3 trials were measured, and their records stay" in output
    assert "Traceback" not in output


def test_a_folder_that_cannot_be_written_is_refused_before_the_first_trial(fake, here):
    (here / "file").touch()
    result = run(*fake(trial="raise AssertionError"), "--results", "file/results")
    assert result.exception.exit_code == ExitCode.UNAVAILABLE
    assert "the results folder file/results cannot be written: Not a directory" in message(result)


def test_a_folder_that_becomes_unwritable_costs_no_record(fake, here, monkeypatch):
    monkeypatch.setattr(store.platformdirs, "user_state_dir", lambda name: str(here / name))
    trial = (
        "import shutil\n"
        f"shutil.rmtree({str(here / 'results')!r})\n"
        f"Path({str(here / 'results')!r}).touch()\n"
        "leave(good)"
    )
    result = run(*fake(trial=trial))
    assert result.exit_code == ExitCode.NOT_STORED
    kept = here / "keras-backend-harness" / "not-stored" / "local"
    assert len(store.load(kept).records) == 1
    assert "its record is kept in" in result.output
    assert f"NOT in the results folder, but kept in {kept}" in result.output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--backend", "jaxx"], "unknown backend 'jaxx'; did you mean jax?"),
        (["--mode", "fitt"], "unknown mode 'fitt'; did you mean fit?"),
        (["--init", "kears"], "unknown init 'kears'; did you mean keras?"),
        (["--device", "tpu"], "unknown device 'tpu'"),
        (["--seeds", "x"], "'x' is no seed"),
        (["--set", "batch=1"], "did you mean batch_size?"),
        (["--set", "batch_size=0"], "throwaway does not take batch_size=0"),
        (["--threads", "two"], "--threads two is not a number of threads"),
        (["--memory-limit", "16"], "--memory-limit 16 is not a size: write such as 16GB"),
        (["--repetitions", "0"], "--repetitions 0 is not a whole number from 1 to 10,000"),
        (["--timeout", "-1"], "--timeout -1 is not a duration"),
        (["--margin", "5"], "--margin 5 is not a share"),
        (["--source", "mirorr"], "unknown source 'mirorr'; did you mean mirror?"),
        (["--backend", "jax", "--env", "tf=/x"], "--env names an environment for tensorflow"),
    ],
)
def test_a_mistake_is_answered_before_anything_starts(here, arguments, expected):
    result = run(*arguments)
    assert result.exception.exit_code == ExitCode.USAGE
    assert expected in message(result)
    assert not (here / "results").exists()


@pytest.mark.usefixtures("here")
def test_an_option_that_does_not_exist_is_a_mistake_in_the_command():
    assert run("--what").exit_code == ExitCode.USAGE


def test_a_gpu_that_is_not_there_ends_before_the_first_trial(fake, monkeypatch):
    monkeypatch.setattr(campaign.probe, "gpus", list)
    result = run(*fake(trial="raise AssertionError"), "--device", "gpu")
    assert result.exception.exit_code == ExitCode.UNAVAILABLE
    assert "jax has no usable GPU" in message(result)


def test_a_gpu_that_is_there_ends_up_in_the_cell(fake):
    result = run(*fake(kinds=["cpu", "gpu"]), "--device", "gpu")
    assert result.exit_code == ExitCode.OK, result.output
    assert [r.cell.device for r in store.load(Path("results/local")).records] == ["gpu"]


@pytest.mark.usefixtures("here")
def test_a_backend_without_an_environment_says_which_command_builds_one():
    result = run("--backend", "torch")
    assert result.exception.exit_code == ExitCode.UNAVAILABLE
    assert "tox run -e torch --notest" in message(result)


def test_without_a_backend_the_one_of_keras_backend_runs(fake, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tf")
    result = run(*fake("tf")[2:])
    assert result.exit_code == ExitCode.OK, result.output
    assert [r.cell.backend for r in store.load(Path("results/local")).records] == ["tensorflow"]


@pytest.mark.usefixtures("here")
def test_a_wrong_keras_backend_is_told_to_come_from_there(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    assert "(from the variable KERAS_BACKEND)" in message(run())


def test_without_any_word_all_backends_with_an_environment_run(fake, monkeypatch):
    monkeypatch.setattr(environments.importlib.util, "find_spec", lambda _: None)
    result = run(*fake("jax")[2:], "--dry-run")
    assert result.exit_code == ExitCode.OK, result.output
    assert "left out: torch: no interpreter has torch" in result.output
    assert "1 round of 1 cell" in result.output
