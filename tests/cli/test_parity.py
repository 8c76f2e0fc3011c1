"""`harness parity`, with real child processes of a fake interpreter in place of a framework's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import ExitCode
from harness.store import folder as store
from tests.cli.fake_parity import write_fake_python
from tests.launch.conftest import SCENARIO

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")

OTHER_LOSS = "leave(losses=[0.5, 0.45])"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A user's folder with a throwaway scenario, and a lock of its own."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "throwaway.py").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path / "scenarios"))
    monkeypatch.setenv("HARNESS_LOCK_FOLDER", str(tmp_path / "lock"))
    for name in ("KERAS_BACKEND", "TOX_WORK_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fake(here):
    """Makes the fake interpreter of a backend and gives the options that choose it."""

    def make(backend, child="leave()"):
        path = write_fake_python(here / backend / "bin" / "python", child)
        return ["--backend", backend, "--env", f"{backend}={path}"]

    return make


def run(*arguments):
    return CliRunner().invoke(app, ["parity", "throwaway", *arguments], catch_exceptions=True)


def message(result):
    """What `main` would show of a user's mistake."""
    return str(result.exception)


def words(result):
    """The output without its line breaks, which depend on the width."""
    return " ".join(result.output.split())


def test_two_backends_that_agree_are_the_same_model_and_the_exit_code_says_so(fake):
    result = run(*fake("jax"), *fake("torch"))
    assert result.exit_code == ExitCode.OK, result.output
    assert "jax and torch: the same model." in words(result)
    assert "Seed 42: trained on jax cpu, torch cpu from the same weights" in words(result)


def test_the_first_deviation_is_named_with_its_step_and_size(fake):
    result = run(*fake("jax"), *fake("torch", OTHER_LOSS))
    assert result.exit_code == 1
    assert "jax and torch: NOT the same model. First deviation: loss, step 2" in words(result)
    assert "envelopes" in words(result)


def test_the_backend_that_stands_apart_is_named(fake):
    result = run(*fake("jax"), *fake("tensorflow"), *fake("torch", OTHER_LOSS))
    assert result.exit_code == 1
    assert "torch is different" in words(result)
    assert "jax and tensorflow: the same model." in words(result)


def test_records_and_arrays_and_the_verdict_stay_and_pass_for_no_trials(fake):
    result = run(*fake("jax"), *fake("torch"), "--results", "laptop", "--seed", "7")
    folder = Path("laptop/parity/throwaway/seed-7-1")
    names = ["jax-cpu.json", "jax-cpu.npz", "torch-cpu.json", "torch-cpu.npz", "verdict.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert f"records: {folder}" in result.output
    record = json.loads((folder / "jax-cpu.json").read_text())
    assert (record["campaign"], record["seed"], record["arrays"]) == ("laptop", 7, "jax-cpu.npz")
    found = store.load(Path("laptop"))
    assert not found.records
    assert not found.broken


def test_a_second_comparison_never_overwrites_the_first(fake):
    for number in (1, 2):
        run(*fake("jax"), *fake("torch"))
        assert Path(f"results/local/parity/throwaway/seed-42-{number}/verdict.json").exists()


def test_json_stands_alone_on_standard_output_and_tells_every_size(fake):
    result = run(*fake("jax"), *fake("torch", OTHER_LOSS), "--json")
    answer = json.loads(result.stdout)
    assert answer["exit_code"] == result.exit_code == 1
    (pair,) = answer["pairs"]
    assert pair["verdict"] == "deviates"
    assert (pair["deviation"]["stage"], pair["deviation"]["at"]) == ("losses", "step 2")
    assert pair["deviation"]["envelopes"] > 1
    stages = {comparison["stage"] for comparison in pair["comparisons"]}
    assert stages >= {"start", "first-batch", "optimizer", "step-1", "losses", "epoch-1", "metrics"}
    stored = Path(answer["folder"], "verdict.json").read_text()
    assert json.loads(stored) == answer


def test_all_shows_every_variable_and_how_much_it_changed(fake):
    result = run(*fake("jax"), *fake("torch"), "--all")
    assert "gradient of dense/kernel" in result.output
    assert "changed" in result.output


def test_what_was_asked_for_reaches_the_child(fake):
    child = (
        "assert task.cell.settings['batch_size'] == 7 and task.cell.threads == 2\n"
        "assert (task.seed, task.perturbations) == (3, 2)\n"
        "assert os.environ['OMP_WAIT_POLICY'] == 'PASSIVE'\n"
        "leave()"
    )
    asked = ["--set", "batch_size=7", "--threads", "2", "--seed", "3", "--perturbations", "2"]
    result = run(*fake("jax", child), *fake("torch", child), *asked)
    assert result.exit_code == ExitCode.OK, result.output
    assert "Seed 3, batch_size=7" in words(result)


def test_a_backend_that_cannot_be_trained_is_told_and_the_others_are_compared(fake):
    failing = fake("torch", "print('out of luck'); sys.exit(3)")
    result = run(*fake("jax"), *fake("tensorflow"), *failing)
    assert result.exit_code == 1
    assert "torch was NOT compared: crashed: ended with exit code 3" in words(result)
    assert "| out of luck" in result.output
    assert "jax and tensorflow: the same model." in words(result)


FAILS = """
from harness.records.trial import Failure, SourceLine
line = SourceLine(path="/mine/images.py", line=3, text="return x @ w")
why = Failure(reason=f"images.py, line 3: {task.cell.backend} has \\x1b[2J", origin=line)
leave(status="failed", failure=why, arrays=None)
(folder / "arrays.npz").unlink()
sys.exit(1)
"""


def test_a_line_of_the_users_is_told_once_for_all_backends_that_fail_at_it(fake):
    result = run(*fake("jax", FAILS), *fake("torch", FAILS))
    assert result.exit_code == ExitCode.TRIAL_FAILED
    assert result.output.count("    | /mine/images.py:3\n    |     return x @ w\n") == 1
    assert r"torch was NOT compared: failed: images.py, line 3: torch has \x1b[2J" in words(result)
    assert "\x1b" not in result.output


def test_a_source_that_changes_between_backends_is_said(fake):
    child = "leave(scenario_sha256=task.cell.backend)"
    result = run(*fake("jax", child), *fake("torch", child))
    assert "the source of the scenario was changed meanwhile" in words(result)


def test_a_record_whose_arrays_are_not_whole_is_no_record(fake):
    child = "leave()\n(folder / 'arrays.npz').write_bytes(b'cut')"
    result = run(*fake("jax"), *fake("torch", child))
    assert result.exit_code == 1
    assert "torch was NOT compared: failed: the process left a record without its arrays" in words(
        result
    )


def test_a_child_that_hangs_is_ended_at_the_timeout(fake):
    result = run(*fake("jax"), *fake("torch", "signal.pause()"), "--timeout", "1")
    assert "torch was NOT compared: timeout: still running after 1 s" in words(result)


OWN_DRAWS = 'leave(not_served=["own: torch.rand"])'


def test_random_numbers_of_a_layers_own_leave_the_answer_open_and_the_exit_code_says_so(fake):
    result = run(*fake("jax"), *fake("torch", OWN_DRAWS))
    assert result.exit_code == 1
    assert "UNDECIDED" in words(result)
    assert "own: torch.rand on torch" in words(result)


def test_a_layer_with_another_rate_is_named(fake):
    draw = """
from harness.records.parity import Draw
leave(draws=[Draw(layer="dropout", function="dropout", arguments={"rate": %s})])
"""
    result = run(*fake("jax", draw % 0.5), *fake("torch", draw % 0.7))
    assert result.exit_code == 1
    assert "draws dropout(rate=0.5) on jax and dropout(rate=0.7) on torch" in words(result)


def test_an_unknown_behaviour_cannot_be_allowed(fake):
    result = run(*fake("jax"), *fake("torch"), "--allow", "sparse-duplicate")
    assert "did you mean sparse-duplicates?" in message(result)
    assert result.exception.exit_code == 2


def test_one_backend_alone_is_a_mistake(fake):
    result = run(*fake("jax"))
    assert result.exception.exit_code == ExitCode.USAGE
    assert "name a second backend beside jax" in message(result)


def test_several_values_of_a_setting_are_a_mistake(fake):
    result = run(*fake("jax"), *fake("torch"), "--set", "batch_size=1,2")
    assert result.exception.exit_code == ExitCode.USAGE
    assert "give each setting one value" in message(result)


def test_an_environment_that_will_not_run_is_a_mistake(fake):
    result = run(*fake("jax"), *fake("torch"), "--env", "tf=anywhere")
    assert result.exception.exit_code == ExitCode.USAGE
    assert "tensorflow, which will not run" in message(result)


def test_an_environment_that_is_missing_is_told_before_anything_is_trained(fake):
    result = run(*fake("jax"), "--backend", "torch", "--env", "torch=nowhere")
    assert result.exception.exit_code == ExitCode.UNAVAILABLE
    assert not Path("results").exists()


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_trained(fake):
    Path("file").write_text("no folder")
    result = run(*fake("jax"), *fake("torch"), "--results", "file")
    assert result.exception.exit_code == ExitCode.UNAVAILABLE
    assert "cannot be written" in message(result)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_ctrl_c_and_its_relatives_end_the_child_and_leave_no_verdict(fake, name):
    child = f"Path({str(Path('pid').absolute())!r}).write_text(str(os.getpid()))\n"
    child += f"os.kill(os.getppid(), signal.{name})\nsignal.pause()"
    result = run(*fake("jax"), *fake("torch", child))
    assert result.exit_code == ExitCode.INTERRUPTED
    assert "nothing was compared" in words(result)
    folder = Path("results/local/parity/throwaway/seed-42-1")
    assert sorted(path.name for path in folder.iterdir()) == ["jax-cpu.json", "jax-cpu.npz"]
    assert not psutil.pid_exists(int(Path("pid").read_text()))


def test_a_child_that_takes_too_much_memory_is_ended_and_the_others_are_trained(fake):
    child = "held = b'x' * 300_000_000\nsignal.pause()"
    result = run(*fake("jax", child), *fake("torch"), "--memory-limit", "200MB")
    assert result.exit_code == ExitCode.TRIAL_FAILED
    assert "killed: out of memory: needed more than the 0.2 GB of --memory-limit" in words(result)
    assert Path("results/local/parity/throwaway/seed-42-1/torch-cpu.npz").exists()


def test_a_campaign_in_the_current_folder_is_called_like_it(fake, here):
    assert run(*fake("jax"), *fake("torch"), "--results", ".").exit_code == ExitCode.OK
    record = json.loads(Path("parity/throwaway/seed-42-1/jax-cpu.json").read_text())
    assert record["campaign"] == here.name


def test_modes_of_one_backend_are_compared_with_each_other(fake):
    result = run(*fake("jax"), "--mode", "fit,native")
    assert "jax fit and jax native: the same model" in words(result)
