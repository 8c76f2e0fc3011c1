"""Nothing of a trial outlives it, and no trial outlives a harness that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time

import msgspec
import psutil
import pytest

from harness.launch import guardian, orphans
from harness.launch.child import run_task
from harness.records.trial import Record
from tests.launch.fake_python import write_fake_python

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="elsewhere only a child's group is ended"
)

LONG_S = 60.0
TELL = "Path({told!r}).write_text(str({pid})); os.rename({told!r}, {told!r} + '.pid')\n"

WAYS = {
    "a session of its own": (
        "late = subprocess.Popen(['sleep', '600'], start_new_session=True)\n{tell_late}leave(good)"
    ),
    "a group of its own": (
        "late = subprocess.Popen(['sleep', '600'], process_group=0)\n{tell_late}leave(good)"
    ),
    "a daemon": (
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        {tell_self}"
        "        os.execvp('sleep', ['sleep', '600'])\n"
        "    os._exit(0)\n"
        "while not Path({told!r} + '.pid').exists(): pass\n"
        "leave(good)"
    ),
    "without its variables": (
        "late = subprocess.Popen(['sleep', '600'], start_new_session=True, env={{}})\n"
        "{tell_late}leave(good)"
    ),
    "deaf to requests": (
        "late = subprocess.Popen(['sh', '-c', 'trap \"\" TERM HUP INT; sleep 600; sleep 600'],"
        " start_new_session=True)\n{tell_late}leave(good)"
    ),
    "left by a trial that fails": (
        "late = subprocess.Popen(['sleep', '600'], start_new_session=True)\n{tell_late}sys.exit(3)"
    ),
}


def lines(way, told):
    told = str(told)
    tell = {
        name: TELL.format(told=told, pid=pid)
        for name, pid in (("tell_late", "late.pid"), ("tell_self", "os.getpid()"))
    }
    return WAYS[way].format(told=told, **tell)


def runs(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def soon(true):
    """Whether something comes true; a minute is long beside what it takes."""
    until = time.monotonic() + LONG_S
    while not true() and time.monotonic() < until:
        time.sleep(0.01)
    return true()


@pytest.mark.parametrize("way", WAYS)
def test_what_a_trial_leaves_running_is_ended(trial, fake_python, tmp_path, way):
    told = tmp_path / "late"
    run_task(trial, Record, fake_python(lines(way, told)), timeout_s=LONG_S)
    assert not runs(int(told.with_name("late.pid").read_text()))


@pytest.mark.parametrize("how", ["timeout", "memory"])
def test_what_a_trial_has_started_is_ended_with_it(trial, fake_python, tmp_path, how):
    told = tmp_path / "late"
    waits = lines("a session of its own", told).replace("leave(good)", "signal.pause()")
    limits = {"timeout": {"timeout_s": 3.0}, "memory": {"memory_limit_bytes": 1.0}}[how]
    record = run_task(trial, Record, fake_python(waits), **({"timeout_s": LONG_S} | limits)).record
    assert record.status == {"timeout": "timeout", "memory": "killed"}[how]
    if (late := told.with_name("late.pid")).exists():
        assert not runs(int(late.read_text()))


def test_children_of_others_are_left_alone(trial, fake_python):
    other = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        run_task(trial, Record, fake_python(), timeout_s=LONG_S)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_one_childs_end_leaves_the_descendants_of_another_alone():
    first, second = orphans.Descendants(None), orphans.Descendants(None)
    # It stands for one that the second child has left behind, while that one runs.
    adopted = subprocess.Popen(["sleep", "600"], start_new_session=True)
    assert first.end() == []
    assert adopted.poll() is None
    assert second.end() == []
    assert adopted.wait() is not None


PARENT = """
import sys
from pathlib import Path
import msgspec
from harness.launch.child import run_task
from harness.launch.environments import Interpreter
from harness.records.trial import Record, Trial
trial = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Trial)
python = Interpreter(backend="jax", python=Path(sys.argv[2]), origin="fake")
run_task(trial, Record, python, timeout_s=600)
"""


# What gives up its variables is known to the harness alone, which is the one that is killed.
@pytest.mark.parametrize("way", ["alone", *(way for way in WAYS if way != "without its variables")])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_trial_ends_with_a_harness_that_is_killed(trial, tmp_path, monkeypatch, way, number):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "trial.json").write_bytes(msgspec.json.encode(trial))
    late, here = tmp_path / "late", tmp_path / "here"
    child = TELL.format(told=str(here), pid="os.getpid()")
    if way != "alone":
        child = lines(way, late).replace("leave(good)", child).replace("sys.exit(3)", child)
    python = write_fake_python(tmp_path / "python", f"{child}\nsignal.pause()")
    words = [sys.executable, "-c", PARENT, str(tmp_path / "trial.json"), str(python)]
    parent = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    assert soon(here.with_name("here.pid").exists)
    pids = [int(file.read_text()) for file in tmp_path.glob("*.pid")]
    assert all(runs(pid) for pid in pids)
    parent.send_signal(number)
    parent.wait()
    assert soon(lambda: not any(runs(pid) for pid in pids))
    assert soon(lambda: not [*(tmp_path / "tmp").glob("harness-child-*")])


def test_folders_of_killed_runs_are_swept_and_those_of_living_ones_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    names = [f"{guardian.PREFIX}{ended.pid}-a", f"{guardian.PREFIX}{os.getpid()}-b", "other"]
    names.append(f"{guardian.PREFIX}old")  # of nobody knows whom
    for name in names:
        (tmp_path / name / "left").mkdir(parents=True)
    home = tmp_path / names[0] / "keras-home"
    late = subprocess.Popen(["sleep", "600"], env={"KERAS_HOME": str(home)}, start_new_session=True)
    elsewhere = tmp_path / f"{guardian.PREFIX}{ended.pid}-link"
    elsewhere.symlink_to(tmp_path / "other")
    orphans.sweep()
    assert late.wait() == -signal.SIGKILL
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names[1:], elsewhere.name])


def test_the_numbers_of_processes_come_round_again(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / f"{guardian.PREFIX}{os.getpid()}-of-another-time"
    folder.mkdir()
    os.utime(folder, (1e9, 1e9))  # before this process was there
    orphans.sweep()
    assert not folder.exists()


def test_a_keras_home_of_the_users_own_ends_nothing():
    other = subprocess.Popen(["sleep", "600"], env={"KERAS_HOME": "/home/me/.keras"})
    try:
        assert guardian.processes_in("/home/me") == []
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_machine_without_proc_has_no_list(tmp_path):
    folder = str(tmp_path / f"{guardian.PREFIX}1-x")
    assert guardian.processes_in(folder, tmp_path / "nowhere") == []
