"""What a trial may take: time, memory with all that it starts, and room in its record."""

from __future__ import annotations

import os
import subprocess
import threading

import msgspec
import pytest

from harness.launch import process
from harness.launch.child import run_task
from harness.records.failure import LINE_CHARACTERS, REASON_CHARACTERS, TAIL_LINES
from harness.records.trial import Record

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")

LONG_S = 60.0
HOLD = "held = b'x' * 300_000_000; signal.pause()"


@pytest.mark.parametrize("new_session", [False, True])
def test_the_memory_of_what_a_trial_starts_counts(trial, fake_python, new_session):
    child = (
        f"late = subprocess.Popen([sys.executable, '-c', {f'import signal; {HOLD}'!r}],"
        f" start_new_session={new_session})\nsignal.pause()"
    )
    record = run_task(
        trial, Record, fake_python(child), timeout_s=LONG_S, memory_limit_bytes=2e8
    ).record
    assert record.status == "killed"
    assert record.failure.reason.startswith("out of memory: needed more than the 0.2 GB")


def test_memory_that_a_family_shares_counts_once(trial, fake_python):
    child = (
        "held = bytearray(os.urandom(1)) * 150_000_000\n"
        "children = [os.fork() for _ in range(2)]\n"
        "if 0 in children: signal.pause()\n"
        "looks = 0\n"
        "import time\n"
        f"time.sleep(2 * {process.MEMORY_LOOK_S})\n"
        "leave(good)\n"
        "[os.kill(child, 9) for child in children]"
    )
    record = run_task(
        trial, Record, fake_python(child), timeout_s=LONG_S, memory_limit_bytes=4e8
    ).record
    assert record.status == "ok"


@pytest.mark.parametrize("reaped", [False, True])
def test_a_process_that_has_ended_is_not_late(reaped):
    ended = subprocess.Popen(["true"], stdout=subprocess.PIPE, text=True)
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    if reaped:
        ended.wait()
    watch = process._Watch(ended, 0.0, None, None)  # its time was up while this one was stopped
    watch.until_over()
    assert watch.cause == "itself"
    assert ended.wait() == 0
    ended.stdout.close()


def test_a_process_that_runs_is_late():
    running = subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, start_new_session=True)
    watch = process._Watch(running, 0.0, None, None)
    thread = threading.Thread(target=watch.until_over)
    thread.start()
    running.wait()
    watch.over.set()
    thread.join()
    assert watch.cause == "timeout"


LONG = {
    "a long reason": {"reason": "x" * 5_000_000},
    "a long line": {"reason": "x", "output_tail": "x" * 5_000_000},
    "many lines": {"reason": "x", "output_tail": "line\\n" * 100_000},
    "a long line of the user's own": {
        "reason": "x",
        "origin": {"path": "p" * 10_000, "line": 1, "text": "t" * 5_000_000},
    },
}


@pytest.mark.parametrize("what", LONG)
def test_a_long_error_is_cut(trial, fake_python, what):
    child = (
        "from harness.records.trial import Failure\n"
        f"failure = msgspec.convert({LONG[what]!r}, Failure)\n"
        "leave(msgspec.structs.replace(good, status='failed', failure=failure))"
    )
    record = run_task(trial, Record, fake_python(child), timeout_s=LONG_S).record
    assert record.status == "failed"
    most = REASON_CHARACTERS * 2 + (TAIL_LINES + 1) * (LINE_CHARACTERS + 1)
    assert len(msgspec.json.encode(record.failure)) < most + 1_000


def test_an_answer_that_is_longer_than_any_is_not_kept(trial, fake_python):
    child = "record_path.write_bytes(b'[' + b' ' * 50_000_000)"
    record = run_task(trial, Record, fake_python(child), timeout_s=LONG_S).record
    assert record.status == "failed"
    assert "too large" in record.failure.reason


@pytest.mark.parametrize("content", ["b'\\xff'", "b'[' * 200_000", "b'\\0'", "b'{\"x\": 1}'"])
def test_whatever_a_trial_leaves_the_campaign_goes_on(trial, fake_python, content):
    record = run_task(
        trial, Record, fake_python(f"record_path.write_bytes({content})"), timeout_s=LONG_S
    ).record
    assert record.status == "failed"
    assert record.failure.reason.startswith("the process left something that is no record")


def test_an_impossible_figure_of_a_trial_is_a_failure(trial, fake_python):
    child = (
        "epochs = [msgspec.structs.replace(good.epochs[0], wall_s=-3593.0)]\n"
        "leave(msgspec.structs.replace(good, epochs=epochs))"
    )
    record = run_task(trial, Record, fake_python(child), timeout_s=LONG_S).record
    assert record.status == "failed"
    assert "wall_s" in record.failure.reason
