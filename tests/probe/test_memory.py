"""The memory of a machine, or of the container in it."""

from __future__ import annotations

import psutil
import pytest

from harness.probe.memory import memory, oom_kills

MIB = 2**20


def test_this_machine_has_memory():
    size = memory()
    assert size.total_bytes > 100 * MIB
    assert 0 <= size.available_bytes <= size.total_bytes


def test_without_limits_it_is_the_machines(machine):
    assert memory(machine({})).total_bytes == psutil.virtual_memory().total


def test_a_containers_limit_counts_where_it_is_lower(machine):
    root = machine(
        {
            "proc/self/cgroup": "0::/",
            "sys/fs/cgroup/memory.max": str(64 * MIB),
            "sys/fs/cgroup/memory.current": str(16 * MIB),
        }
    )
    assert memory(root).total_bytes == 64 * MIB
    assert memory(root).available_bytes == 48 * MIB


def test_version_1s_figure_for_no_limit_is_none(machine):
    root = machine(
        {
            "proc/self/cgroup": "4:memory:/",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        }
    )
    assert memory(root).total_bytes == psutil.virtual_memory().total


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({"proc/vmstat": "nr_free_pages 7\noom_kill 3\nunevictable 0"}, 3),
        ({"proc/vmstat": "nr_free_pages 7"}, None),
        ({}, None),
    ],
)
def test_the_kernel_counts_whom_it_killed_for_want_of_memory(machine, files, count):
    assert oom_kills(machine(files)) == count
