"""What a container allows is found in both versions of cgroups, at any level."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.probe.cgroup import (
    MemoryLimit,
    Throttling,
    cpu_quota,
    memory_limits,
    parse_cpu_max,
    throttling,
)
from harness.probe.noise import difference, snapshot

GIB = 2**30


def test_version_2_limits_memory(machine):
    root = machine(
        {
            "proc/self/cgroup": "0::/job",
            "sys/fs/cgroup/job/memory.max": str(4 * GIB),
            "sys/fs/cgroup/job/memory.current": str(3 * GIB),
            "sys/fs/cgroup/job/memory.stat": f"anon 5\ninactive_file {GIB}\n",
        }
    )
    # Three are used, but one of them is cached files, which make way.
    assert memory_limits(root) == [MemoryLimit(limit_bytes=4 * GIB, available_bytes=2 * GIB)]


def test_version_1_limits_memory(machine):
    root = machine(
        {
            "proc/self/cgroup": "5:devices:/\n4:memory:/job\n1:cpu,cpuacct:/job",
            "sys/fs/cgroup/memory/job/memory.limit_in_bytes": str(2 * GIB),
            "sys/fs/cgroup/memory/job/memory.usage_in_bytes": str(GIB),
        }
    )
    assert memory_limits(root) == [MemoryLimit(limit_bytes=2 * GIB, available_bytes=GIB)]


def test_limits_of_groups_above_hold_too(machine):
    root = machine(
        {
            "proc/self/cgroup": "0::/slice/job",
            "sys/fs/cgroup/slice/job/memory.max": "max",
            "sys/fs/cgroup/slice/memory.max": str(GIB),
            "sys/fs/cgroup/slice/cpu.max": "150000 100000",
            "sys/fs/cgroup/slice/job/cpu.max": "max 100000",
        }
    )
    assert [limit.limit_bytes for limit in memory_limits(root)] == [GIB]
    assert cpu_quota(root) == 1.5


def test_a_path_of_the_host_leads_to_the_containers_own_group(machine):
    root = machine(
        {
            "proc/self/cgroup": "0::/docker/0123456789ab",
            "sys/fs/cgroup/cpu.max": "50000 100000",
        }
    )
    assert cpu_quota(root) == 0.5


def test_a_group_outside_the_namespace_is_not_followed(machine):
    root = machine({"proc/self/cgroup": "0::/../../other", "sys/fs/cgroup/cpu.max": "100000 50000"})
    assert cpu_quota(root) == 2


def test_version_1_limits_cpu_time(machine):
    root = machine(
        {
            "proc/self/cgroup": "1:cpu,cpuacct:/",
            "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "250000",
            "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
        }
    )
    assert cpu_quota(root) == 2.5


def test_without_cgroups_nothing_is_limited(machine):
    root = machine({})
    assert memory_limits(root) == []
    assert cpu_quota(root) is None


@given(quota=st.integers(1, 10**9), period=st.integers(1, 10**6))
def test_a_quota_is_cpus_worth_of_time(quota: int, period: int):
    assert parse_cpu_max(f"{quota} {period}\n") == quota / period


@pytest.mark.parametrize("content", ["max 100000", "-1 100000", "0 100000", "", "100000", "1 0"])
def test_no_quota_is_no_limit(content: str):
    assert parse_cpu_max(content) is None


@given(st.text())
def test_any_other_content_is_no_limit_and_no_error(content: str):
    quota = parse_cpu_max(content)
    assert quota is None or quota > 0


STAT = "usage_usec 5\nnr_periods {}\nnr_throttled {}\nthrottled_usec 9\n"
VERSIONS = {
    "2": ("0::/job", "sys/fs/cgroup/job", {"cpu.max": "50000 100000"}),
    "1": (
        "4:memory:/job\n1:cpu,cpuacct:/job",
        "sys/fs/cgroup/cpu/job",
        {"cpu.cfs_quota_us": "50000", "cpu.cfs_period_us": "100000"},
    ),
}


def with_quota(machine, version, periods, throttled, *, stat=STAT):
    group, folder, files = VERSIONS[version]
    contents = {f"{folder}/{name}": content for name, content in files.items()}
    contents |= {"proc/self/cgroup": group, f"{folder}/cpu.stat": stat.format(periods, throttled)}
    return machine(contents)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_trial_that_stands_still_for_its_quota_is_told(machine, version):
    root = with_quota(machine, version, 100, 7)
    assert cpu_quota(root) == 0.5
    assert throttling(root) == Throttling(periods=100, throttled=7)
    before = snapshot(root)
    with_quota(machine, version, 708, 319)
    assert difference(before, snapshot(root)).throttled_share == pytest.approx(312 / 608)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("stat", ["", "nr_periods x\nnr_throttled y", "nr_periods 3", "a b c\n"])
def test_counters_that_are_not_there_are_none(machine, version, stat):
    root = with_quota(machine, version, 0, 0, stat=stat)
    assert throttling(root) is None
    assert difference(snapshot(root), snapshot(root)).throttled_share is None


def test_without_a_quota_nothing_is_throttled(machine):
    files = {"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.stat": "nr_periods 0\nnr_throttled 0"}
    assert throttling(machine({**files, "sys/fs/cgroup/cpu.max": "max 100000"})) is None


def test_the_tightest_of_several_quotas_counts(machine):
    root = machine(
        {
            "proc/self/cgroup": "0::/a/b",
            "sys/fs/cgroup/a/b/cpu.max": "400000 100000",
            "sys/fs/cgroup/a/b/cpu.stat": "nr_periods 1\nnr_throttled 0",
            "sys/fs/cgroup/a/cpu.max": "100000 100000",
            "sys/fs/cgroup/a/cpu.stat": "nr_periods 9\nnr_throttled 8",
        }
    )
    assert throttling(root) == Throttling(periods=9, throttled=8)
