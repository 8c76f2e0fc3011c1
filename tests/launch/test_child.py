"""A trial leaves exactly one record, whatever becomes of its process. The processes are real."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import msgspec
import pytest

from harness.analysis.speed import disturbed
from harness.launch import child, process, slowed
from harness.launch.child import LocalLauncher, TaskInterrupted, run_task
from harness.launch.environments import Interpreter
from harness.records.failure import TAIL_LINES
from harness.records.trial import Record

LONG_S = 60.0
FOREVER = "signal.pause()"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")


def run_trial(trial, python, **how):
    return run_task(trial, Record, python, **how).record


def test_a_good_trial_leaves_its_record_as_the_child_wrote_it(trial, fake_python):
    record = run_trial(trial, fake_python(), timeout_s=LONG_S)
    assert record.status == "ok"
    assert record.failure is None
    assert record.quality.value == 0.5
    assert (record.seed, record.repetition, record.round) == (3, 2, 1)


def test_the_child_is_told_when_it_was_started(trial, fake_python):
    before = time.monotonic_ns()
    record = run_trial(
        trial,
        fake_python(
            "import dataclasses\n"
            "leave(msgspec.structs.replace(good, engine={'at': str(trial.launched_at_ns)}))"
        ),
        timeout_s=LONG_S,
    )
    assert before <= int(record.engine["at"]) <= time.monotonic_ns()


def test_a_trial_that_raises_leaves_a_record_with_the_last_lines(trial, fake_python):
    lines = "for i in range(100): print('line', i)\nraise RuntimeError('out of luck')"
    record = run_trial(trial, fake_python(lines), timeout_s=LONG_S)
    assert record.status == "crashed"
    assert record.failure.exit_code == 1
    assert record.failure.reason.endswith("RuntimeError: out of luck")
    tail = record.failure.output_tail.splitlines()
    assert len(tail) == TAIL_LINES
    assert "line 99" in tail
    assert "line 0" not in tail


def test_what_is_known_about_a_crashed_trial_is_in_its_record(trial, fake_python):
    record = run_trial(trial, fake_python("sys.exit(3)"), timeout_s=LONG_S)
    assert record.cell == trial.cell
    assert (record.seed, record.repetition, record.campaign) == (3, 2, "test")
    assert record.scenario_version == 7
    assert record.failure.exit_code == 3
    assert record.duration_s > 0
    assert record.started_at.endswith("+00:00")


def test_a_segmentation_fault_is_a_crash_with_its_signal_and_the_place(trial, fake_python):
    record = run_trial(trial, fake_python("import ctypes\nctypes.string_at(0)"), timeout_s=LONG_S)
    assert record.status == "crashed"
    assert record.failure.signal == "SIGSEGV"
    assert record.failure.exit_code is None
    assert "string_at" in record.failure.output_tail, "faulthandler tells where"


def test_a_trial_that_is_killed_from_outside_says_so(trial, fake_python):
    lines = "print('training')\nos.kill(os.getpid(), signal.SIGKILL)"
    record = run_trial(trial, fake_python(lines), timeout_s=LONG_S)
    assert record.status == "killed"
    assert record.failure.signal == "SIGKILL"
    assert "killed" in record.failure.reason
    assert record.failure.output_tail == "training", "nothing stays in a buffer"


@pytest.mark.parametrize(
    ("counted", "reason"),
    [
        ([3, 4], "out of memory: killed by SIGKILL, and the kernel counts a kill for lack of memo"),
        ([3, 3], "killed from outside by SIGKILL; the kernel counts no kill for lack of memory"),
        ([None, None], "killed by SIGKILL: most likely out of memory; see `dmesg`"),
    ],
)
def test_the_kernels_own_count_tells_whether_it_was_the_memory(
    trial, fake_python, monkeypatch, counted, reason
):
    answers = iter(counted)
    monkeypatch.setattr(child, "oom_kills", lambda: next(answers))
    record = run_trial(trial, fake_python("os.kill(os.getpid(), signal.SIGKILL)"), timeout_s=LONG_S)
    assert record.failure.reason.startswith(reason)


class TestMemoryLimit:
    # The child holds what it took until the launcher has looked; nothing waits by the clock.
    HOLD = f"held = b'x' * 300_000_000\nprint('holding')\n{FOREVER}"

    def test_a_child_beyond_it_is_ended_and_its_record_says_so(
        self, trial, fake_python, monkeypatch
    ):
        monkeypatch.setattr(process, "MEMORY_LOOK_S", 0.01)
        record = run_trial(
            trial, fake_python(self.HOLD), timeout_s=LONG_S, memory_limit_bytes=200e6
        )
        assert (record.status, record.failure.signal) == ("killed", "SIGKILL")
        assert record.failure.reason.startswith(
            "out of memory: needed more than the 0.2 GB of --memory-limit (0."
        )
        assert record.cell == trial.cell

    def test_a_child_below_it_is_left_alone(self, trial, fake_python, monkeypatch):
        monkeypatch.setattr(process, "MEMORY_LOOK_S", 0.01)
        limit = LocalLauncher({"jax": fake_python()}, memory_limit_bytes=4e9)
        assert limit.run(trial).status == "ok"

    def test_the_timeout_still_holds(self, trial, fake_python):
        record = run_trial(trial, fake_python(FOREVER), timeout_s=1.0, memory_limit_bytes=4e9)
        assert record.status == "timeout"

    def test_nobody_looks_without_one(self, trial, fake_python, monkeypatch):
        monkeypatch.setattr(process, "_resident_bytes", pytest.fail)
        assert run_trial(trial, fake_python(), timeout_s=LONG_S).status == "ok"


def test_a_trial_that_hangs_is_ended_at_its_timeout(trial, fake_python):
    record = run_trial(trial, fake_python(f"print('hanging')\n{FOREVER}"), timeout_s=1.0)
    assert record.status == "timeout"
    assert record.failure.signal == "SIGTERM"
    assert record.failure.reason == "still running after 1 s; --timeout sets the limit"


def test_a_trial_that_ignores_the_polite_signal_is_killed(trial, fake_python, monkeypatch):
    monkeypatch.setattr(process, "GRACE_S", 0.2)
    lines = f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: {FOREVER}"
    record = run_trial(trial, fake_python(lines), timeout_s=1.0)
    assert record.status == "timeout"
    assert record.failure.signal == "SIGKILL"


def test_descendants_do_not_outlive_their_trial(trial, fake_python, tmp_path):
    # The grandchild holds the writing end of a pipe; reading sees its end once nobody is left.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    lines = f"subprocess.Popen(['sleep', '1000'], stdout=open({str(pipe)!r}, 'w'))\nleave(good)"
    ended = threading.Event()

    def read_to_the_end():
        pipe.read_text(encoding="utf-8")
        ended.set()

    threading.Thread(target=read_to_the_end, daemon=True).start()
    assert run_trial(trial, fake_python(lines), timeout_s=LONG_S).status == "ok"
    assert ended.wait(LONG_S)


@pytest.mark.parametrize("garbage", ["", "{", "[]", '{"schema": 1}', "\\x00\\xff"])
def test_a_file_that_is_no_record_is_a_failure_with_the_reason(trial, fake_python, garbage):
    record = run_trial(trial, fake_python(f"record_path.write_text({garbage!r})"), timeout_s=LONG_S)
    assert record.status == "failed"
    assert record.failure.reason.startswith("the process left something that is no record")
    assert record.cell == trial.cell


def test_the_record_of_another_cell_is_not_believed(trial, fake_python):
    lines = (
        "cell = msgspec.structs.replace(trial.cell, backend='torch')\n"
        "leave(msgspec.structs.replace(good, cell=cell))"
    )
    record = run_trial(trial, fake_python(lines), timeout_s=LONG_S)
    assert record.status == "failed"
    assert "the record of another trial (torch cpu fit, seed 3" in record.failure.reason
    assert record.cell == trial.cell
    assert record.quality is None


class TestOtherWork:
    """A child that is late is looked at; only if others are the reason is it ended."""

    @pytest.fixture
    def late(self, trial, monkeypatch):
        monkeypatch.setattr(process, "SLOW_LOOK_S", 0.01)
        return msgspec.structs.replace(trial, slowed_after_s=0.01)

    @pytest.fixture
    def others(self, monkeypatch):
        """Sets what the looks say, in turn."""

        def say(*words):
            answers = iter(words)
            monkeypatch.setattr(slowed, "taken_by_others", lambda *_: next(answers))

        return say

    def test_one_that_others_slow_is_ended_and_its_record_says_by_what(
        self, late, fake_python, others
    ):
        others([], ["other programs used 1.5 of 2 cores beside it"])
        record = run_trial(late, fake_python(f"print('epoch 1')\n{FOREVER}"), timeout_s=LONG_S)
        assert (record.status, record.failure.cause) == ("killed", "slowed")
        assert record.failure.reason == (
            "ended early: other work slowed it, other programs used 1.5 of 2 cores beside it"
        )
        assert record.noise.training.elapsed_s > 0
        assert disturbed.reasons([record]) == [record.failure.reason]

    def test_one_that_is_slow_by_itself_goes_on_until_the_timeout(
        self, late, fake_python, monkeypatch
    ):
        monkeypatch.setattr(slowed, "taken_by_others", lambda *_: [])
        record = run_trial(late, fake_python(FOREVER), timeout_s=0.3)
        assert (record.status, record.failure.cause) == ("timeout", None)

    def test_one_that_is_not_late_is_never_looked_at(self, trial, fake_python, monkeypatch):
        monkeypatch.setattr(slowed.OtherWork, "look", pytest.fail)
        there = msgspec.structs.replace(trial, slowed_after_s=LONG_S)
        assert run_trial(there, fake_python(), timeout_s=LONG_S).status == "ok"

    def test_what_this_process_and_its_children_use_is_not_other_work(self, monkeypatch):
        seen = []
        monkeypatch.setattr(slowed, "taken_by_others", lambda *told: seen.append(told) or [])
        watch = slowed.OtherWork()
        until = time.process_time() + 0.05
        while time.process_time() < until:
            pass
        assert watch.look() is None
        ((training, cores),) = seen
        assert training.own_cpu_s >= 0.05
        assert cores == os.cpu_count()


def test_a_failure_that_the_child_explains_is_completed_with_its_output(trial, fake_python):
    lines = (
        "from harness.records.trial import Failure\n"
        "print('the last words')\n"
        "leave(msgspec.structs.replace(good, status='failed', failure=Failure(reason='no GPU')))\n"
        "sys.exit(1)"
    )
    record = run_trial(trial, fake_python(lines), timeout_s=LONG_S)
    assert (record.status, record.failure.reason) == ("failed", "no GPU")
    assert record.failure.exit_code == 1
    assert record.failure.output_tail == "the last words"
    assert record.scenario_version == 7


def test_a_crash_after_the_last_epoch_is_a_crash_and_keeps_what_was_measured(trial, fake_python):
    record = run_trial(trial, fake_python("leave(good)\nos.abort()"), timeout_s=LONG_S)
    assert record.status == "crashed"
    assert record.failure.reason.startswith("it measured to the end, then crashed with SIGABRT")
    assert record.quality.value == 0.5


def test_an_interpreter_that_cannot_be_started_leaves_a_record(trial, tmp_path):
    nowhere = Interpreter(backend="jax", python=tmp_path / "nowhere", origin="fake")
    record = run_trial(trial, nowhere, timeout_s=LONG_S)
    assert record.status == "crashed"
    assert record.failure.reason.startswith("could not be started: ")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_ctrl_c_and_its_relatives_end_the_child_and_hand_over_its_record(trial, fake_python, name):
    # The child reports that it runs, and only then comes Ctrl-C: nothing waits by the clock.
    def interrupt(line):
        assert line == "running"
        os.kill(os.getpid(), signal.Signals[name])

    with pytest.raises(TaskInterrupted) as caught:
        run_trial(
            trial, fake_python(f"print('running')\n{FOREVER}"), timeout_s=LONG_S, on_line=interrupt
        )
    record = caught.value.record
    assert record.status == "interrupted"
    assert record.cell == trial.cell
    assert record.failure.output_tail == "running"


def test_the_child_works_in_an_empty_folder_with_a_keras_home_of_its_own(trial, fake_python):
    lines = (
        "engine = {'here': ' '.join(sorted(os.listdir())), 'home': os.environ['KERAS_HOME'],\n"
        "          'at_home': ' '.join(sorted(os.listdir(os.environ['KERAS_HOME'])))}\n"
        "leave(msgspec.structs.replace(good, engine=engine))"
    )
    engine = run_trial(trial, fake_python(lines), timeout_s=LONG_S).engine
    assert engine["here"] == ""
    assert engine["at_home"] == "datasets models", "those of the user's"
    assert not Path(engine["home"]).exists(), "removed when the trial is over"


def test_a_launcher_takes_the_interpreter_of_the_backend(trial, fake_python):
    assert LocalLauncher({"jax": fake_python()}).run(trial).status == "ok"
    with pytest.raises(KeyError):
        LocalLauncher({"torch": fake_python()}).run(trial)
