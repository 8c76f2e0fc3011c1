"""Who uses the processors, and which processes are runs of this harness."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.probe import processes
from harness.probe.processes import CpuUse, cpu_use, harness_runs, is_harness_run


def test_use_is_cpu_time_over_elapsed_time(monkeypatch):
    samples = iter(
        [
            {(1, "idle"): 5.0, (2, "busy"): 1.0, (3, "ends"): 9.0, (4, "was"): 2.0},
            {(1, "idle"): 5.0, (2, "busy"): 1.5, (4, "another"): 50.0, (5, "starts"): 7.0},
        ]
    )
    monkeypatch.setattr(processes, "_cpu_seconds", lambda: next(samples))
    clock = iter([10.0, 10.5])
    waits: list[float] = []
    uses = cpu_use(waits.append, clock.__next__)
    # A process id that changed its owner meanwhile is no busy process.
    assert uses == [CpuUse(pid=2, name="busy", cores=1.0)]
    assert waits == [processes.SAMPLE_S]


def test_a_program_that_keeps_a_core_busy_is_seen_with_its_share():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        try:

            def until_it_has_worked(_: float) -> None:
                start = sum(psutil.Process(child.pid).cpu_times()[:2])
                while sum(psutil.Process(child.pid).cpu_times()[:2]) < start + 0.1:
                    pass

            clock = iter([0.0, 0.1])
            uses = {use.pid: use.cores for use in cpu_use(until_it_has_worked, clock.__next__)}
        finally:
            child.kill()
    assert uses[child.pid] >= 1 - 1e-9  # a sum of floats


def test_this_process_is_not_among_the_others():
    clock = iter([0.0, 1.0])
    assert os.getpid() not in {use.pid for use in cpu_use(lambda _: None, clock.__next__)}


def test_a_run_does_not_find_itself():
    assert all(f"pid {os.getpid()}:" not in run for run in harness_runs())


@pytest.mark.parametrize(
    "command",
    [
        "harness run ranking",
        "/usr/bin/python3.11 /srv/project/.venv/bin/harness run ranking --backend jax",
        "python -m harness run",
        "/srv/project/.tox/jax/bin/python -m harness --verbose run",
        "/srv/project/.tox/tf/bin/python -m harness.trial cell.json record.json",
        r"C:\env\Scripts\python.exe C:\env\Scripts\harness.exe run",
        r"C:\env\Scripts\harness.exe run",
    ],
)
def test_campaigns_and_trials_are_recognised(command: str):
    assert is_harness_run(command.split(" "))


@pytest.mark.parametrize(
    "command",
    [
        "",
        "harness doctor",
        "harness report run",
        "python -m harness list",
        "vim harness run",
        "grep -r harness run",
        "python other.py",
        "bash -c harness\\ run",
    ],
)
def test_other_programs_are_not(command: str):
    assert not is_harness_run(command.split(" "))


@given(st.lists(st.text(max_size=12), max_size=5))
def test_no_command_line_is_an_error(command: list[str]):
    assert is_harness_run(command) in {True, False}
