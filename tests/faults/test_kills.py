"""``kill -9`` at any instant loses no record, doubles none, and leaves nothing running."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter

import psutil
import pytest

from harness.store import folder as store
from tests.faults import campaign
from tests.faults.conftest import times

pytestmark = [
    pytest.mark.usefixtures("throwaway_scenario"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="kills as Linux knows them"),
]

SEEDS = 4
WHOM = ["parent", "child", "both"]


def kill(process, whom):
    """Kill the harness, its newest child, or both."""
    try:
        children = psutil.Process(process.pid).children()
    except psutil.Error:
        children = []
    trials = [child for child in children if "guardian" not in " ".join(_words(child))]
    if whom != "parent":
        for child in trials:
            child.kill()
    if whom != "child":
        process.kill()


def _words(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.parametrize("share", times("kills", parts=10))
def test_what_was_killed_goes_on_and_every_trial_is_there_once(tmp_path, left_running, share):
    instants = share.chance
    for number in range(share.count):
        folder = tmp_path / str(number)
        words = campaign.command(folder, seeds=f"1-{SEEDS}")
        process = campaign.start(words)
        time.sleep(instants.uniform(0, 2.5))
        kill(process, WHOM[number % 3])
        process.wait()
        before = store.load(folder / "results")
        assert before.broken == []
        more = ["--resume"] if before.plans else []
        done = subprocess.run([*words, *more], capture_output=True, text=True, check=False)
        results = store.load(folder / "results")
        assert results.broken == []
        kept = [record for record in results.records if record in before.records]
        assert len(kept) == len(before.records)
        seeds = Counter(record.seed for record in results.records if record.status == "ok")
        assert seeds == dict.fromkeys(range(1, SEEDS + 1), 1), done.stderr
        assert left_running() == []


POINTS = ["open", "write", "fsync", "link", "unlink", "replace", "close"]

WRITE = """
import os, signal, sys
from pathlib import Path
import msgspec
from harness.records.trial import Record
from harness.records.plan import Plan
from harness.store import folder as store
root, at, what = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
content = Path(sys.argv[4]).read_bytes()
calls = 0
def trace(event, arguments):
    global calls
    if event in {"open", "os.link", "os.rename", "os.remove", "os.mkdir", "fcntl.flock"}:
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
def point(function):
    def call(*arguments, **named):
        trace("open", ())
        done = function(*arguments, **named)
        trace("open", ())
        return done
    return call
record = plan = None
if what == "record":
    record = msgspec.json.decode(content, type=Record)
else:
    plan = msgspec.json.decode(content, type=Plan)
for name in ("fsync", "close"):
    setattr(os, name, point(getattr(os, name)))
sys.addaudithook(trace)
store.save(root, record) if record else store.add_plan(root, plan)
print(calls)
"""


@pytest.mark.parametrize("what", ["record", "plan"])
def test_a_write_that_is_killed_at_any_call_leaves_it_whole_or_absent(tmp_path, make_record, what):
    import msgspec

    from tests.launch.fakes import make_plan

    there = make_record(seed=1)
    new = make_record(seed=2)
    content = new if what == "record" else make_plan([new.cell], run_id="second")
    (tmp_path / "content").write_bytes(msgspec.json.encode(content))

    def write(root, at):
        store.save(root, there)
        store.add_plan(root, make_plan([new.cell], run_id="first"))
        words = [sys.executable, "-c", WRITE, root, str(at), what, tmp_path / "content"]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    calls = int(write(tmp_path / "whole", 0).stdout)
    assert calls >= 8
    for at in range(1, calls + 1):
        root = tmp_path / str(at)
        done = write(root, at)
        assert done.returncode == -signal.SIGKILL
        results = store.load(root)
        assert results.broken == []
        assert there in results.records
        assert {record.seed for record in results.records} <= {1, 2}
        assert {plan.run_id for plan in results.plans} in ({"first"}, {"first", "second"})
        again = write(root, 0)
        assert again.returncode == 0, again.stderr
        assert root.is_dir()
        after = store.load(root)
        assert {record.seed for record in after.records} >= ({1, 2} if what == "record" else {1})
        assert after.broken == []
