"""A round in turns, and its bad days. The processes are real, their training is made up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from types import SimpleNamespace

import msgspec
import pytest

from harness.launch import process, slowed, turns
from harness.launch.child import LocalLauncher, TaskInterrupted
from harness.launch.turns import STUCK_FACTOR, TURN_FACTOR, bound_s
from tests.launch.fakes import PLENTY

LONG_S = 60.0
FOREVER = "signal.pause()"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")

PROTOCOL = """
import socket
from harness.records.trial import Turns
channel = socket.socket(fileno=trial.seat.channel)
os.set_inheritable(trial.seat.channel, False)
answers = channel.makefile("rb")

def note(*words):
    with open({log!r}, "a") as log:
        print(trial.repetition, *words, file=log)

def wait(epoch_s=0.2, timed_s=1.0, enough=False):
    note("waits")
    channel.sendall(json.dumps(dict(epoch_s=epoch_s, timed_s=timed_s, enough=enough)).encode())
    channel.sendall(b"\\n")
    line = answers.readline()
    if not line:
        sys.exit("nobody grants turns any more")
    grant = json.loads(line)
    note("turn", grant["turn"], "epochs", grant["epochs"])
    return grant["epochs"]

def train(turns=3, **report):
    for turn in range(turns):
        wait(**report)
    while wait(enough=True, **report):
        pass
    seat = trial.seat
    shared = Turns(group=seat.group, place=seat.place, waited_s=0.0, waiting_cpu_s=0.0)
    leave(msgspec.structs.replace(good, turns=shared))

note("starts")
"""


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """However busy this machine is: no process is slow but those whose test says so."""
    monkeypatch.setattr(slowed, "taken_by_others", lambda *_: [])
    monkeypatch.setattr(turns, "STUCK_FACTOR", 1000.0)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def take_turns(trial, fake_python, log):
    """Runs processes in turns, each with lines of its own; gives their records."""

    def run(*lines, fits=lambda *_: True, timeout_s=LONG_S, **changes):
        script = PROTOCOL.format(log=str(log))
        for number, own in enumerate(lines):
            body = "\n".join(f"    {line}" for line in own.splitlines())
            script += f"if trial.repetition == {number}:\n{body}\n"
        asked = [
            msgspec.structs.replace(trial, repetition=i, **{"time_budget_s": 0.0} | changes)
            for i in range(len(lines))
        ]
        launcher = LocalLauncher({"jax": fake_python(script)}, timeout_s=timeout_s)
        return launcher.run_in_turns(asked, SimpleNamespace(fits=fits))

    return run


def said(log, word):
    """What the processes noted under that word: their number, and what followed."""
    lines = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    return [(int(number), *map(int, rest[:1])) for number, about, *rest in lines if about == word]


def turns_of(log, number):
    return [turn for one, turn in said(log, "turn") if one == number]


class TestRound:
    def test_no_turn_follows_one_of_the_same_process(self, take_turns, log):
        records = take_turns("train()", "train()", "train()")
        assert [record.status for record in records] == ["ok"] * 3
        granted = said(log, "turn")
        assert granted[:9] == [(number, turn) for turn in range(3) for number in range(3)]

    def test_a_process_starts_when_the_one_before_waits_and_ends_alone(self, take_turns, log):
        take_turns("train()", "train()")
        events = [tuple(line.split()[:2]) for line in log.read_text(encoding="utf-8").splitlines()]
        assert events[:4] == [("0", "starts"), ("0", "waits"), ("1", "starts"), ("1", "waits")]
        assert events[-2:] == [("0", "turn"), ("1", "turn")], "told that no more is wanted"

    def test_all_are_of_one_group_each_in_its_place(self, take_turns):
        records = take_turns("train()", "train()")
        assert len({record.turns.group for record in records}) == 1
        assert {record.turns.processes for record in records} == {2}
        assert [record.turns.place for record in records] == [0, 1]

    def test_two_rounds_are_of_two_groups(self, take_turns):
        (first, _), (second, _) = (take_turns("train()", "train()") for _ in range(2))
        assert first.turns.group != second.turns.group

    def test_all_get_as_many_turns_as_the_slowest_needs_for_its_budget(self, take_turns, log):
        slow = "for done in range(7): wait(timed_s=0.1 * done, enough=True)\n"
        slow += "while wait(timed_s=0.7, enough=True): pass\nleave(good)"
        take_turns("train(timed_s=0.01)", slow, time_budget_s=0.65)
        assert turns_of(log, 0) == turns_of(log, 1) == list(range(8))

    def test_it_ends_for_none_before_each_has_the_epochs_that_a_trial_needs(self, take_turns, log):
        take_turns("train(turns=1)", "train(turns=6)")
        assert turns_of(log, 0) == turns_of(log, 1) == list(range(7))

    def test_short_epochs_are_granted_in_groups(self, take_turns, log):
        take_turns("train(epoch_s=0.03)", "train(epoch_s=0.3)")
        epochs = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
        granted = {int(word[0]): word[4] for word in epochs if word[1] == "turn" and word[2] == "2"}
        assert granted == {0: "4", 1: "1"}

    def test_the_time_in_which_it_waits_is_no_part_of_a_trials_duration(self, take_turns):
        busy = "import time\nwait()\ntime.sleep(0.5)\ntrain()"
        quick, long = take_turns("train()", busy)
        assert quick.duration_s < long.duration_s

    def test_what_does_not_fit_is_left_for_later(self, take_turns, log):
        asked = []

        def fits(trial, beside):
            asked.append((trial.repetition, [one.repetition for one in beside]))
            return len(beside) < 2

        records = take_turns("train()", "train()", "train()", fits=fits)
        assert [record.repetition for record in records] == [0, 1]
        assert {record.turns.processes for record in records} == {2}
        assert asked == [(1, [0]), (2, [0, 1])]
        assert (2,) not in said(log, "starts")

    def test_a_single_trial_runs_alone(self, trial, fake_python):
        python = fake_python("assert trial.seat is None\nleave(good)")
        room = SimpleNamespace(fits=pytest.fail)
        (record,) = LocalLauncher({"jax": python}).run_in_turns([trial], room)
        assert (record.status, record.turns) == ("ok", None)


class TestBadDays:
    def test_one_that_dies_before_its_first_turn_leaves_a_record_and_the_others_go_on(
        self, take_turns, log
    ):
        first, second, third = take_turns("raise OSError('no disk')", "train()", "train()")
        assert (first.status, first.failure.exit_code) == ("crashed", 1)
        assert first.failure.reason.endswith("OSError: no disk")
        assert second.status == third.status == "ok"
        assert turns_of(log, 1) == turns_of(log, 2) == list(range(4))

    def test_one_that_dies_in_a_turn_leaves_a_record_and_the_others_go_on(self, take_turns, log):
        dies = "wait()\nwait()\nos.kill(os.getpid(), signal.SIGSEGV)"
        good, dead = take_turns("train()", dies)
        assert (dead.status, dead.failure.signal) == ("crashed", "SIGSEGV")
        assert good.status == "ok"
        assert turns_of(log, 0) == list(range(4))
        assert turns_of(log, 1) == [0, 1]

    def test_one_that_is_killed_while_it_waits_says_so_and_the_others_go_on(self, take_turns, log):
        victim = "note('pid', os.getpid())\ntrain(9)"
        killer = (
            f"pid = [line.split()[2] for line in open({str(log)!r}) if ' pid ' in line][0]\n"
            "wait()\nos.kill(int(pid), signal.SIGKILL)\ntrain()"
        )
        dead, good = take_turns(victim, killer)
        assert (dead.status, dead.failure.signal) == ("killed", "SIGKILL")
        assert good.status == "ok"

    def test_one_that_hangs_loses_its_turns_and_its_record_says_how(
        self, take_turns, log, monkeypatch
    ):
        monkeypatch.setattr(turns, "STUCK_FACTOR", STUCK_FACTOR)
        hangs = f"wait()\nwait()\nprint('a barrier')\n{FOREVER}"
        good, stuck = take_turns("train()", hangs)
        assert (stuck.status, stuck.failure.cause) == ("timeout", None)
        assert stuck.failure.reason.startswith("lost its turns: turn 1 went on for ")
        assert stuck.failure.reason.endswith("and no other work is to blame")
        assert stuck.failure.output_tail == "a barrier"
        assert good.status == "ok"
        assert turns_of(log, 0) == list(range(4))

    def test_one_that_other_work_slows_many_times_loses_them_for_that(
        self, take_turns, monkeypatch
    ):
        told = ["other programs used 1.5 of 2 cores beside it"]
        monkeypatch.setattr(slowed, "taken_by_others", lambda *_: told)
        good, slow = take_turns("train()", f"wait()\nwait()\n{FOREVER}")
        assert (slow.status, slow.failure.cause) == ("killed", "slowed")
        assert slow.failure.reason == f"ended early: other work slowed it, {told[0]}"
        assert slow.noise.training.elapsed_s > 0
        assert good.status == "ok"

    def test_one_whose_every_turn_is_slowed_is_ended_for_the_time_it_ran(
        self, take_turns, monkeypatch
    ):
        told = ["other programs used 1.5 of 2 cores beside it"]
        monkeypatch.setattr(slowed, "taken_by_others", lambda *_: told)
        records = take_turns("train()", "train()", slowed_after_s=1e-3)
        assert [record.failure.cause for record in records] == ["slowed", "slowed"]

    def test_one_that_is_never_ready_runs_into_its_timeout_and_the_others_go_on(self, take_turns):
        hanging, good = take_turns(FOREVER, "train()", timeout_s=2.0)
        assert (hanging.status, hanging.failure.signal) == ("timeout", "SIGTERM")
        assert hanging.failure.reason == "still running after 2 s; --timeout sets the limit"
        assert good.status == "ok"

    def test_one_that_ends_before_the_others_is_as_good(self, take_turns):
        short, good = take_turns("wait()\nwait()\nleave(good)", "train(turns=5)")
        assert short.status == good.status == "ok"

    def test_one_that_goes_on_when_no_more_is_wanted_is_ended(self, take_turns):
        stubborn, good = take_turns("while True: wait(enough=True)", "train()")
        assert stubborn.failure.reason == (
            "lost its turns: it went on training when no more was wanted"
        )
        assert good.status == "ok"

    def test_one_that_sends_what_is_no_report_is_ended(self, take_turns):
        wrong, good = take_turns("wait()\nchannel.sendall(b'{}\\n')\nwait()", "train()")
        assert "something that is no report" in wrong.failure.reason
        assert good.status == "ok"

    def test_all_may_die(self, take_turns):
        records = take_turns("wait()\nsys.exit(3)", "wait()\nsys.exit(4)")
        assert [record.failure.exit_code for record in records] == [3, 4]

    def test_a_memory_limit_ends_one_and_its_record_says_so(
        self, trial, fake_python, log, monkeypatch
    ):
        monkeypatch.setattr(process, "MEMORY_LOOK_S", 0.01)
        lines = PROTOCOL.format(log=str(log)) + (
            "wait()\n"
            f"if trial.repetition == 0:\n    held = b'x' * 300_000_000\n    {FOREVER}\n"
            "train()"
        )
        both = [msgspec.structs.replace(trial, repetition=i, time_budget_s=0.0) for i in (0, 1)]
        launcher = LocalLauncher({"jax": fake_python(lines)}, memory_limit_bytes=200e6)
        large, small = launcher.run_in_turns(both, PLENTY)
        assert large.failure.reason.startswith("out of memory: needed more than the 0.2 GB")
        assert small.status == "ok"

    def test_an_interpreter_that_is_not_there_leaves_a_record(self, trial, fake_python):
        python = fake_python()
        python.python.unlink()
        both = [msgspec.structs.replace(trial, repetition=i) for i in (0, 1)]
        records = LocalLauncher({"jax": python}).run_in_turns(both, PLENTY)
        assert [record.status for record in records] == ["crashed", "crashed"]
        assert records[0].failure.reason.startswith("could not be started")


class TestInterruption:
    def test_ctrl_c_in_the_middle_of_a_sweep_ends_all_and_each_leaves_a_record(
        self, take_turns, log
    ):
        interrupts = f"wait()\nos.kill({os.getpid()}, signal.SIGINT)\n{FOREVER}"
        with pytest.raises(TaskInterrupted) as caught:
            take_turns("train()", interrupts, "train()")
        assert [record.status for record in caught.value.records] == ["interrupted"] * 3
        assert caught.value.record.failure.reason == "Ctrl-C, or a request to terminate"

    def test_before_the_first_process_runs_it_leaves_no_record_and_ctrl_c_works_still(
        self, take_turns, monkeypatch
    ):
        def interrupted():
            raise KeyboardInterrupt

        monkeypatch.setattr(turns, "OtherWork", interrupted)
        with pytest.raises(TaskInterrupted) as caught:
            take_turns("train()", "train()", slowed_after_s=LONG_S)
        assert caught.value.records == ()
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])

    @pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
    def test_so_does_a_request_to_terminate(self, take_turns, name):
        interrupts = f"os.kill({os.getpid()}, signal.{name})\n{FOREVER}"
        with pytest.raises(TaskInterrupted) as caught:
            take_turns("train()", interrupts, "train()")
        ended = [(record.repetition, record.status) for record in caught.value.records]
        assert ended == [(0, "interrupted"), (1, "interrupted")], "the third was not started"

    def test_one_that_ignores_the_polite_signal_is_killed(self, take_turns, monkeypatch):
        monkeypatch.setattr(process, "GRACE_S", 0.2)
        ignores = (
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwait()\n"
            f"os.kill({os.getpid()}, signal.SIGINT)\nwhile True: {FOREVER}"
        )
        with pytest.raises(TaskInterrupted) as caught:
            take_turns("train()", ignores)
        assert [record.failure.signal for record in caught.value.records] == ["SIGTERM", "SIGKILL"]

    def test_whoever_waits_ends_when_the_launcher_is_gone(self, fake_python, log, tmp_path):
        # Each process holds the writing end of a pipe; reading sees its end once nobody is left.
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        lines = PROTOCOL.format(log=str(log)) + (
            f"held = open({str(pipe)!r}, 'w')\n"
            "if trial.repetition == 1:\n"
            "    os.kill(os.getppid(), signal.SIGKILL)\n"
            "train()"
        )
        program = (
            "import sys, msgspec\n"
            "from pathlib import Path\n"
            "from harness.launch.child import LocalLauncher\n"
            "from harness.launch.campaign.room import Room\n"
            "from harness.launch.environments import Interpreter\n"
            "from harness.records.cell import Cell\n"
            "from harness.records.trial import Provenance, Trial\n"
            "cell = Cell(scenario='ranking', backend='jax', device='cpu')\n"
            "trials = [Trial(cell=cell, seed=1, repetition=i, campaign='', round=1, table=None,\n"
            "                time_budget_s=0.0, harness=Provenance(version='')) for i in (0, 1)]\n"
            "python = Interpreter(backend='jax', python=Path(sys.argv[1]), origin='')\n"
            "LocalLauncher({'jax': python}).run_in_turns(trials, Room())\n"
        )
        ended = threading.Event()

        def read_to_the_end():
            pipe.read_text(encoding="utf-8")
            ended.set()

        threading.Thread(target=read_to_the_end, daemon=True).start()
        command = [sys.executable, "-c", program, str(fake_python(lines).python)]
        launcher = subprocess.run(command, check=False, timeout=LONG_S)
        assert launcher.returncode == -signal.SIGKILL
        assert ended.wait(LONG_S)


class TestBound:
    def test_it_comes_from_the_process_own_turns(self):
        assert bound_s([1.0, 3.0, 2.0], ready_s=4.0) == TURN_FACTOR * 2.0

    def test_one_that_compiles_once_more_is_not_cut_off(self):
        assert bound_s([0.1], ready_s=10.0) == bound_s([], ready_s=10.0) == 10.0

    def test_one_that_gets_stuck_by_itself_is_waited_for_longer(self):
        assert STUCK_FACTOR > 1


def test_a_thread_that_breaks_is_no_silent_end(trial):
    def breaks(*_):
        raise RuntimeError("of the launcher itself")

    with pytest.raises(RuntimeError, match="of the launcher itself"):
        turns.take_turns([trial], breaks, timeout_s=LONG_S, fits=lambda *_: True)
