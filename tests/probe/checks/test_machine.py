"""What counts as set up for measuring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.probe.checks import machine
from harness.probe.cpu import TurboSwitch
from harness.probe.memory import MemorySize
from harness.records.machine import Cpu

GB = 10**9


def cpu(**changes: Any) -> Cpu:
    fields: dict[str, Any] = {
        "model": "Test CPU",
        "architecture": "x86_64",
        "logical_cores": 8,
        "physical_cores": 4,
        "affinity": list(range(8)),
    }
    return Cpu(**(fields | changes))


@pytest.mark.parametrize(
    ("governor", "status"),
    [("performance", "good"), ("powersave", "warning"), ("performance,schedutil", "warning")],
)
def test_only_the_performance_governor_holds_the_clock(governor, status):
    assert machine.governor(cpu(governor=governor), None).status == status


def test_in_a_virtual_machine_the_governor_is_the_hosts_affair():
    finding = machine.governor(cpu(), "kvm")
    assert finding.status == "unknown"
    assert "host" in finding.seen


@pytest.mark.parametrize(
    ("path", "off"),
    [
        ("sys/devices/system/cpu/intel_pstate/no_turbo", "1"),
        ("sys/devices/system/cpu/cpufreq/boost", "0"),
    ],
)
def test_turbo_is_a_warning_with_the_command_that_ends_it(path, off):
    finding = machine.turbo(TurboSwitch(path=path, on=True, off=off), None)
    assert finding.status == "warning"
    assert f"echo {off} | sudo tee /{path}" in finding.remedy


def test_turbo_off_is_good_and_no_switch_unknown():
    switch = TurboSwitch(path="sys/devices/system/cpu/cpufreq/boost", on=False, off="0")
    assert machine.turbo(switch, None).status == "good"
    assert machine.turbo(None, None).status == "unknown"


def test_a_share_of_the_cores_time_halts_steps():
    finding = machine.cores(cpu(), 1.5)
    assert finding.status == "warning"
    assert "1.5 CPUs" in finding.seen


def test_a_quota_that_allows_all_cores_is_none():
    assert machine.cores(cpu(), 8.0).status == "good"


def test_being_confined_to_whole_cores_is_good():
    finding = machine.cores(cpu(affinity=[0, 1]), None)
    assert finding.status == "good"
    assert "2 of 8" in finding.seen


def test_a_single_core_is_a_warning():
    assert machine.cores(cpu(affinity=[3]), None).status == "warning"


def test_a_system_without_affinity_uses_all_cores():
    assert machine.cores(cpu(affinity=None), None).status == "good"


@pytest.mark.parametrize(("free", "status"), [(2 * GB, "good"), (GB, "warning")])
def test_a_trial_must_fit_into_free_memory(free, status):
    size = MemorySize(total_bytes=16 * GB, available_bytes=free)
    assert machine.memory(size).status == status


@pytest.mark.parametrize(
    ("used", "status"), [(0, "good"), (GB // 20, "good"), (GB, "warning"), (None, "unknown")]
)
def test_swap_in_use_is_a_warning(used, status):
    assert machine.swap(used).status == status


@pytest.mark.parametrize(
    ("on_mains", "status"), [(None, "good"), (True, "good"), (False, "warning")]
)
def test_a_battery_is_a_warning(on_mains, status):
    assert machine.power(on_mains).status == status


@pytest.mark.parametrize(
    ("free", "writable", "status"),
    [
        (10 * GB, True, "good"),
        (GB // 2, True, "warning"),
        (10 * GB, False, "warning"),
        (None, True, "unknown"),
    ],
)
def test_records_need_a_place(free, writable, status):
    assert machine.disk(Path("results"), free, writable=writable).status == status
