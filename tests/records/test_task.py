"""A task's clock is one for all processes, and nobody sets it back."""

from __future__ import annotations

import re
import time
from pathlib import Path

import msgspec

import harness
from harness.records.trial import Provenance, Task


def test_a_clock_that_is_set_back_meanwhile_changes_no_time(make_cell, monkeypatch):
    task = Task(
        cell=make_cell(),
        seed=1,
        campaign="test",
        table=None,
        harness=Provenance(version="test"),
        launched_at_ns=time.monotonic_ns(),
    )
    for name, unit in (("time", 1), ("time_ns", 10**9)):
        monkeypatch.setattr(time, name, lambda unit=unit: -3600 * unit)
    assert 0 <= msgspec.json.decode(msgspec.json.encode(task), type=Task).since_launch_s < 3600


def test_no_span_is_measured_by_the_clock_of_the_wall():
    wall = re.compile(r"\btime\.time(_ns)?\b")
    files = Path(harness.__file__).parent.rglob("*.py")
    found = sorted(path.name for path in files if wall.search(path.read_text(encoding="utf-8")))
    # How old records of an earlier run are, what another machine left, and what a slot has kept for
    # nobody: all of them know a date alone.
    assert found == ["slot.py", "temporary.py", "work.py"]
