"""What a container allows is found in both versions of cgroups, at any level."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.probe.cgroup import MemoryLimit, cpu_quota, memory_limits, parse_cpu_max

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
