"""What counts as quiet."""

from __future__ import annotations

import pytest

from harness.probe.checks import quiet
from harness.probe.processes import CpuUse


@pytest.mark.parametrize(
    ("load_average", "cores", "status"),
    [
        (0.0, 2, "good"),
        (0.5, 2, "good"),
        (0.6, 2, "warning"),
        (3.0, 64, "good"),
        (9.0, 64, "warning"),
        (None, 2, "unknown"),
    ],
)
def test_load_is_judged_by_the_number_of_cores(load_average, cores, status):
    assert quiet.load(load_average, cores).status == status


def others(*uses: CpuUse, busy_share: float | None = 0.0, own_cores: float = 0.0):
    return quiet.other_processes(uses, busy_share, own_cores, cores=2)


def test_a_program_that_uses_a_core_is_named_with_its_share_and_how_to_pause_it():
    finding = others(CpuUse(pid=4711, name="firefox", cores=0.97))
    assert finding.status == "warning"
    assert "firefox (pid 4711) 97%" in finding.seen
    assert "kill -STOP 4711" in finding.remedy


def test_only_the_busiest_are_named():
    uses = [CpuUse(pid=pid, name=f"p{pid}", cores=1 - pid / 10) for pid in range(1, 6)]
    finding = others(*uses)
    assert "p3" in finding.seen
    assert "p4" not in finding.seen
    assert "2 more" in finding.seen


def test_programs_that_hardly_work_are_good():
    assert others(CpuUse(pid=1, name="systemd", cores=0.03)).status == "good"


def test_work_that_no_visible_process_does_is_a_warning():
    finding = others(busy_share=0.5)
    assert finding.status == "warning"
    assert "1.0 of its 2 cores" in finding.seen


def test_work_of_the_doctor_itself_is_not_counted():
    assert others(busy_share=0.3, own_cores=0.5).status == "good"


def test_without_a_machine_wide_figure_the_processes_decide():
    assert others(busy_share=None).status == "good"


def test_another_run_is_named():
    finding = quiet.other_runs(["pid 4711: harness run ranking"])
    assert finding.status == "warning"
    assert "4711" in finding.seen
    assert quiet.other_runs([]).status == "good"


@pytest.mark.parametrize(
    ("share", "status"), [(0.0, "good"), (0.01, "good"), (0.03, "warning"), (None, "unknown")]
)
def test_stolen_time_is_a_warning(share, status):
    assert quiet.steal(share, "kvm").status == status


def test_the_virtual_machine_is_named_beside_the_stolen_time():
    assert "kvm" in quiet.steal(0.0, "kvm").seen


@pytest.mark.parametrize(
    ("samples_s", "status"),
    [
        ([0.2] * 5, "good"),
        ([0.2, 0.2, 0.2, 0.2, 0.209], "good"),
        ([0.2, 0.2, 0.2, 0.2, 0.22], "warning"),
    ],
)
def test_work_that_takes_a_different_time_each_time_is_a_warning(samples_s, status):
    assert quiet.speed(samples_s).status == status
