"""`harness anatomy`, with real child processes of a fake interpreter in place of a framework's."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from harness.analysis.anatomy import anatomies
from harness.cli import app
from harness.errors import ExitCode
from harness.store import folder as store
from harness.store.runs import read_anatomy
from tests.cli.fake_anatomy import write_fake_python
from tests.launch.conftest import SCENARIO

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")


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


def run(*arguments, processes=1):
    command = ["anatomy", "throwaway", "--processes", str(processes), *arguments]
    return CliRunner().invoke(app, command, catch_exceptions=True)


def message(result):
    """What `main` would show of a user's mistake."""
    return str(result.exception)


def words(result):
    """The output without its line breaks, which depend on the width."""
    return " ".join(result.output.split())


def test_the_parts_of_each_backend_are_shown_and_add_up(fake):
    result = run(*fake("jax"), *fake("torch"))
    assert result.exit_code == ExitCode.OK, result.output
    said = "jax cpu: 10.1 ms a step, most of it device compute (50%). The parts add up to it but"
    assert said in words(result)
    assert "device compute 5.0 ms (50%) 5.0 ms (50%)" in words(result)
    assert "the sum is off by -1.0% -1.0%" in words(result)


def test_parts_that_do_not_add_up_are_told_and_the_exit_code_says_so(fake):
    result = run(*fake("jax", "leave(again_s=12e-3)"))
    assert result.exit_code == ExitCode.TRIAL_FAILED
    assert "do NOT add up to it: their sum is off by -16.7%, more than 10%" in words(result)


def test_processes_take_turns_and_each_leaves_a_record_that_is_no_trial(fake):
    result = run(*fake("jax"), *fake("torch"), "--results", "laptop", processes=2)
    folder = Path("laptop/anatomy/throwaway/run-1")
    names = ["jax-cpu-1.json", "jax-cpu-2.json", "torch-cpu-1.json", "torch-cpu-2.json"]
    assert sorted(path.name for path in folder.iterdir()) == names
    turns = [line for line in result.output.splitlines() if ", process " in line]
    assert [line.removesuffix(" …")[-1] for line in turns] == ["1", "1", "2", "2"]
    found = store.load(Path("laptop"))
    assert not found.records
    assert not found.broken
    anatomy = read_anatomy(found.anatomy)
    assert [one.processes for one in anatomies(anatomy.records)] == [2, 2]


def test_a_second_run_never_overwrites_the_first(fake):
    for number in (1, 2):
        run(*fake("jax"))
        assert Path(f"results/local/anatomy/throwaway/run-{number}/jax-cpu-1.json").exists()


def test_json_stands_alone_on_standard_output(fake):
    result = run(*fake("jax"), "--json")
    answer = json.loads(result.stdout)
    assert answer["exit_code"] == result.exit_code == 0
    (anatomy,) = answer["anatomies"]
    assert anatomy["cell"]["backend"] == "jax"
    assert anatomy["sum_s"] == pytest.approx(10e-3)
    assert anatomy["adds_up"] is True
    parts = {part["names"][0]: part["time"]["estimate_s"] for part in anatomy["parts"]}
    assert parts["device compute"] == pytest.approx(5e-3)
    assert sum(parts.values()) == pytest.approx(anatomy["sum_s"])


def test_what_was_asked_for_reaches_the_child(fake):
    child = (
        "assert task.cell.settings['batch_size'] == 7 and task.cell.threads == 2\n"
        "assert (task.seed, task.rounds, task.steps, task.process) == (3, 5, 4, 1)\n"
        "assert task.cell.mode == 'fit'\n"
        "leave()"
    )
    asked = ["--set", "batch_size=7", "--threads", "2", "--seed", "3"]
    result = run(*fake("jax", child), *asked, "--rounds", "5", "--steps", "4")
    assert result.exit_code == ExitCode.OK, result.output
    assert "batch_size=7" in words(result)
    assert "threads=2" in words(result)


def test_a_process_that_leaves_nothing_is_told_and_the_others_are_shown(fake):
    failing = fake("torch", "print('out of luck'); sys.exit(3)")
    result = run(*fake("jax"), *failing)
    assert result.exit_code == ExitCode.TRIAL_FAILED
    assert "torch, process 1: NOT measured: crashed: ended with exit code 3" in words(result)
    assert "| out of luck" in result.output
    assert "jax cpu: 10.1 ms a step" in words(result)


FAILS = """
from harness.records.trial import Failure, SourceLine
line = SourceLine(path="/mine/images.py", line=3, text="return x @ w")
why = Failure(reason="images.py, line 3: ValueError: \\x1b[2Jx", origin=line)
leave(status="failed", failure=why, variants=[])
sys.exit(1)
"""


def test_a_line_of_the_users_is_told_once_for_all_processes_that_fail_at_it(fake):
    result = run(*fake("jax", FAILS), *fake("torch"), processes=2)
    assert result.exit_code == ExitCode.TRIAL_FAILED
    assert result.output.count("    | /mine/images.py:3\n    |     return x @ w\n") == 1
    assert "  failed as jax, process 1\n" in result.output
    assert "jax, process 1; jax, process 2: NOT measured: failed: images.py, line 3" in words(
        result
    )
    assert "\x1b" not in result.output


def test_a_source_that_changes_between_processes_is_said(fake):
    child = "leave(scenario_sha256=str(task.process))"
    assert "the source of the scenario was changed meanwhile" in words(
        run(*fake("jax", child), processes=2)
    )


def test_a_process_that_fails_after_its_record_is_no_measurement(fake):
    result = run(*fake("jax", "leave()\nsys.exit(1)"))
    assert result.exit_code == ExitCode.TRIAL_FAILED
    assert "NOT measured: crashed" in words(result)


def test_an_ablation_that_was_not_possible_is_told(fake):
    result = run(*fake("jax", "leave(without=['no metrics'])"))
    assert result.exit_code == ExitCode.OK
    assert "metrics + input pipeline" in words(result)
    assert "'no metrics' could not be measured" in words(result)
    assert "TypeError: no" in words(result)


def test_a_child_that_hangs_is_ended_at_the_timeout(fake):
    result = run(*fake("jax", "signal.pause()"), "--timeout", "1")
    assert "NOT measured: timeout: still running after 1 s" in words(result)


def test_several_values_of_a_setting_are_a_mistake(fake):
    result = run(*fake("jax"), "--set", "batch_size=1,2")
    assert result.exception.exit_code == ExitCode.USAGE
    assert "give each setting one value" in message(result)


def test_an_environment_that_is_missing_is_told_before_anything_is_measured(fake):
    result = run(*fake("jax"), "--backend", "torch", "--env", "torch=nowhere")
    assert result.exception.exit_code == ExitCode.UNAVAILABLE
    assert not Path("results").exists()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_ctrl_c_and_its_relatives_end_the_child_and_keep_finished_records(fake, name):
    child = f"Path({str(Path('pid').absolute())!r}).write_text(str(os.getpid()))\n"
    child += "if task.process == 1:\n    leave()\nelse:\n"
    child += f"    os.kill(os.getppid(), signal.{name})\n    signal.pause()"
    result = run(*fake("jax", child), processes=2)
    assert result.exit_code == ExitCode.INTERRUPTED
    assert "records of finished processes stay" in words(result)
    folder = Path("results/local/anatomy/throwaway/run-1")
    assert [path.name for path in folder.iterdir()] == ["jax-cpu-1.json"]
    assert not psutil.pid_exists(int(Path("pid").read_text()))


def test_a_child_that_takes_too_much_memory_is_ended_and_its_record_says_so(fake):
    child = "held = b'x' * 300_000_000\nsignal.pause()"
    result = run(*fake("jax", child), *fake("torch"), "--memory-limit", "200MB")
    assert result.exit_code == ExitCode.TRIAL_FAILED
    assert "killed: out of memory: needed more than the 0.2 GB of --memory-limit" in words(result)


def test_a_campaign_in_the_current_folder_is_called_like_it(fake, here):
    assert run(*fake("jax"), "--results", ".").exit_code == ExitCode.OK
    record = json.loads(Path("anatomy/throwaway/run-1/jax-cpu-1.json").read_text())
    assert record["campaign"] == here.name
