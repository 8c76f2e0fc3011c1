"""The speed probe is always the same work; disturbances are differences of counters."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.probe import noise
from harness.probe.cpu import affinity
from harness.probe.noise import CpuTicks, difference, parse_stat, snapshot, speed_probe
from harness.records.machine import Disturbance


@pytest.fixture
def work(monkeypatch) -> Counter[tuple[str, tuple[int, ...]]]:
    """Counts the NumPy operations, by name and shape, in place of doing them."""
    done: Counter[tuple[str, tuple[int, ...]]] = Counter()
    for name in ("matmul", "negative"):

        def pretend(*values: NDArray[np.float32], out: NDArray[np.float32], name=name) -> None:
            done[name, out.shape] += 1
            assert {value.shape for value in values} == {out.shape}

        monkeypatch.setattr(np, name, pretend)
    return done


def test_the_speed_probe_takes_some_time():
    assert speed_probe() > 0


def test_every_speed_probe_is_the_same_amount_of_work(work):
    speed_probe()
    first = dict(work)
    work.clear()
    speed_probe()
    assert work == first
    # One of each is done before the clock starts, so that threads and memory are there.
    assert first == {
        ("matmul", (noise.SPEED_MATRIX, noise.SPEED_MATRIX)): noise.SPEED_PRODUCTS + 1,
        ("negative", (noise.SPEED_VECTOR,)): noise.SPEED_PASSES + 1,
    }


@pytest.mark.usefixtures("work")
def test_the_speed_probe_tells_the_seconds_of_its_clock():
    ticks: Iterator[float] = count(10.0, 0.25)
    assert speed_probe(clock=lambda: next(ticks)) == 0.25


def stat(*, user: int, idle: int, steal: int) -> str:
    return f"cpu  {user} 0 0 {idle} 0 0 0 {steal} 0 0\ncpu0 1 2 3\nintr 7\n"


def test_stolen_and_busy_time_are_shares_of_all_cpu_time(machine):
    clock = iter([1.0, 3.5])
    before = snapshot(machine({"proc/stat": stat(user=100, idle=1000, steal=10)}), clock.__next__)
    after = snapshot(machine({"proc/stat": stat(user=130, idle=1060, steal=20)}), clock.__next__)
    change = difference(before, after)
    assert change.elapsed_s == 2.5
    assert change.steal_share == pytest.approx(0.1)
    assert change.busy_share == pytest.approx(0.4)


def test_counters_that_step_back_are_no_disturbance(machine):
    before = snapshot(machine({"proc/stat": stat(user=100, idle=1000, steal=10)}))
    after = snapshot(machine({"proc/stat": stat(user=200, idle=990, steal=9)}))
    assert difference(before, after).steal_share == 0


def test_two_snapshots_in_one_tick_tell_no_share(machine):
    root = machine({"proc/stat": stat(user=100, idle=1000, steal=10)})
    assert difference(snapshot(root), snapshot(root)).steal_share is None


def test_without_proc_the_shares_are_not_known(machine):
    root = machine({})
    change = difference(snapshot(root), snapshot(root))
    assert (change.steal_share, change.busy_share, change.frequency_mhz) == (None, None, None)


def test_this_machine_counts_involuntary_switches_upwards():
    switches = difference(snapshot(), snapshot()).involuntary_switches
    assert switches is None or switches >= 0


TICKS = st.integers(0, 10**12)


@given(st.lists(TICKS, min_size=8, max_size=8), st.lists(TICKS, max_size=3))
def test_guest_time_is_not_counted_twice(ticks: list[int], guests: list[int]):
    content = f"cpu  {' '.join(map(str, ticks + guests))}\ncpu0 1 1 1\n"
    assert parse_stat(content) == CpuTicks(
        total=sum(ticks), idle=ticks[3] + ticks[4], steal=ticks[7]
    )


@given(st.text())
def test_no_content_of_stat_is_an_error(content: str):
    parsed = parse_stat(content)
    assert parsed is None or parsed.total >= parsed.idle


@pytest.mark.parametrize("content", ["", "cpu", "cpu 1 2 3", "cpu0 1 2 3 4 5 6 7 8", "cpu a b"])
def test_an_older_or_foreign_stat_is_unknown(content: str):
    assert parse_stat(content) is None


STAT = "cpu 30 0 0 60 0 0 0 9 0 0\ncpu0 10 0 0 20 0 0 0 4\ncpu1 20 0 0 40 0 0 0 5\nintr 1 2 3\n"


@pytest.mark.parametrize("cpus", [None, [], [0, 1], [0, 7]])
def test_of_all_cpus_or_of_unknown_ones_the_sum_of_all_is_taken(cpus):
    assert parse_stat(STAT, cpus or None) == CpuTicks(total=99, idle=60, steal=9)


def test_of_a_part_of_the_cpus_that_part_is_summed_up():
    assert parse_stat(STAT, [1]) == CpuTicks(total=65, idle=40, steal=5, cpus=1)


@pytest.mark.skipif(len(affinity() or ()) < 2, reason="this machine has one CPU to use")
def test_a_process_that_may_use_one_cpu_is_judged_by_that_one():
    program = (
        "from harness.probe.noise import difference, snapshot\n"
        "before = snapshot()\n"
        "print(difference(before, snapshot()).cpus)"
    )
    first = str((affinity() or [0])[0])
    command = ["taskset", "-c", first, sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, check=True, text=True).stdout == "1\n"


def test_the_time_of_the_own_threads_is_told_apart_from_that_of_all():
    before = snapshot()
    speed_probe()
    change = difference(before, snapshot())
    assert change.own_cpu_s > 0


def test_the_time_of_processes_that_it_started_is_its_own_too():
    burn = "import time\nwhile time.process_time() < 0.4: pass\nprint(flush=True)\ninput()"
    alone = snapshot().own_cpu_s
    with subprocess.Popen(
        [sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        child.stdout.readline()
        beside = snapshot().own_cpu_s
        child.communicate(b"\n")
    assert beside - alone > 0.35, "while it is there"
    assert snapshot().own_cpu_s - alone > 0.35, "and when it has ended"


class TestSummed:
    """What happened in the turns of a process alone, put together."""

    def part(self, elapsed_s, **fields):
        usual = {
            "involuntary_switches": 3,
            "steal_share": 0.0,
            "busy_share": 0.5,
            "load_average": 1.0,
            "frequency_mhz": None,
            "own_cpu_s": 1.0,
        }
        return Disturbance(elapsed_s=elapsed_s, **usual | fields)

    def test_counts_and_times_add_up_and_shares_are_weighted_by_time(self):
        summed = noise.summed(
            [self.part(1.0, busy_share=0.2), self.part(3.0, busy_share=1.0, load_average=2.0)]
        )
        assert summed.elapsed_s == 4.0
        assert summed.involuntary_switches == 6
        assert summed.own_cpu_s == 2.0
        assert summed.busy_share == pytest.approx(0.8)
        assert summed.load_average == 2.0

    def test_what_one_part_does_not_tell_is_not_guessed(self):
        summed = noise.summed([self.part(1.0), self.part(1.0, own_cpu_s=None)])
        assert summed.own_cpu_s is None
        assert noise.summed([self.part(1.0, steal_share=None)]).steal_share is None

    def test_no_turns_have_no_disturbance(self):
        assert noise.summed([]) is None
