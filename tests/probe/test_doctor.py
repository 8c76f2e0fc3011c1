"""The doctor looks at everything, on any machine, and leaves nobody without a remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from harness.errors import UnavailableError
from harness.probe import cpu, doctor, noise, power, processes
from harness.probe.checks import Finding, fit
from harness.probe.memory import MemorySize
from harness.records.machine import Cpu, Disturbance, Environment, Noise
from harness.records.trial import Record

CPU = "sys/devices/system/cpu"
GB = 10**9


def none_serves(backend: str) -> list[str]:
    raise UnavailableError(f"no interpreter has {backend} and keras. Make one")


@pytest.fixture
def examine(tmp_path: Path) -> Callable[..., dict[str, Finding]]:
    """Runs the doctor without waiting and without work; findings by check."""

    def run(**changes: Any) -> dict[str, Finding]:
        arguments: dict[str, Any] = {
            "results": tmp_path / "results",
            "serving": none_serves,
            "table": lambda: tmp_path / "table.npz",
            "variables": {},
            "speed_probe": lambda: 0.2,
            "wait": lambda _: None,
        }
        return {found.check: found for found in doctor.examine(**(arguments | changes))}

    return run


@pytest.fixture
def quiet_machine(machine, monkeypatch) -> Path:
    """A bare-metal machine with enough of everything, on which nothing else goes on."""
    size = MemorySize(total_bytes=16 * GB, available_bytes=12 * GB)
    monkeypatch.setattr(cpu, "affinity", lambda: [0, 1])
    monkeypatch.setattr(doctor, "memory", lambda _: size)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=100 * GB))
    monkeypatch.setattr(noise, "load_average", lambda: 0.1)
    monkeypatch.setattr(processes, "cpu_use", lambda _: [])
    monkeypatch.setattr(processes, "harness_runs", list)
    monkeypatch.setattr(psutil, "cpu_count", lambda **_: 4)
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(used=0))
    monkeypatch.setattr(psutil, "sensors_battery", lambda: None, raising=False)
    return machine(
        {
            "proc/cpuinfo": "model name\t: Test CPU\n",
            "proc/stat": "cpu  1 0 0 100 0 0 0 0 0 0\n",
            f"{CPU}/cpu0/cpufreq/scaling_governor": "performance",
            f"{CPU}/cpu1/cpufreq/scaling_governor": "performance",
            f"{CPU}/intel_pstate/no_turbo": "1",
        }
    )


def test_every_check_is_made_once_on_this_machine(examine):
    findings = examine()
    assert list(findings) == [
        "load",
        "other processes",
        "other runs",
        "steal time",
        "speed",
        "CPU governor",
        "turbo",
        "cores",
        "memory",
        "swap",
        "power",
        "disk",
        "environment jax",
        "environment tf",
        "environment torch",
        "rating table",
        "thread settings",
    ]
    assert all(found.seen for found in findings.values())


def test_the_speed_probe_runs_five_times(examine):
    runs: list[None] = []
    examine(speed_probe=lambda: runs.append(None) or 0.2)
    assert len(runs) == 5


def test_every_warning_tells_why_and_what_to_do(examine, quiet_machine, monkeypatch):
    for place in (f"{CPU}/cpu0/cpufreq/scaling_governor", f"{CPU}/cpu1/cpufreq/scaling_governor"):
        (quiet_machine / place).write_text("powersave", encoding="utf-8")
    (quiet_machine / f"{CPU}/intel_pstate/no_turbo").write_text("0", encoding="utf-8")
    monkeypatch.setattr(noise, "load_average", lambda: 9.0)
    monkeypatch.setattr(
        processes, "cpu_use", lambda _: [processes.CpuUse(pid=7, name="busy", cores=1.0)]
    )
    monkeypatch.setattr(processes, "harness_runs", lambda: ["pid 8: harness run ranking"])
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(used=10**10))
    battery = SimpleNamespace(power_plugged=False)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    samples = iter([0.2, 0.3, 0.2, 0.2, 0.2])
    findings = examine(
        root=quiet_machine, variables={"OMP_NUM_THREADS": "1"}, speed_probe=samples.__next__
    )
    warnings = {check for check, found in findings.items() if found.status == "warning"}
    assert warnings >= {
        "load",
        "other processes",
        "other runs",
        "speed",
        "CPU governor",
        "turbo",
        "swap",
        "power",
        "thread settings",
        "rating table",
        "environment jax",
    }
    for check in warnings:
        assert findings[check].why, check
        assert findings[check].remedy, check


def test_a_quiet_machine_is_fit_even_before_anything_is_prepared(examine, quiet_machine):
    findings = examine(root=quiet_machine)
    assert findings["rating table"].status == "warning"
    assert [found.check for found in findings.values() if found.disturbs] == []
    assert fit(findings.values())


def test_one_disturbance_makes_it_unfit(examine, quiet_machine, monkeypatch):
    monkeypatch.setattr(noise, "load_average", lambda: 9.0)
    assert not fit(examine(root=quiet_machine).values())


def test_a_machine_without_proc_and_sys_is_examined_all_the_same(examine, machine):
    findings = examine(root=machine({}))
    assert findings["CPU governor"].status == "unknown"
    assert findings["steal time"].status == "unknown"


def test_stolen_time_is_that_during_the_speed_probe(examine, quiet_machine):
    stat = quiet_machine / "proc/stat"

    def probe() -> float:
        stat.write_text("cpu  81 0 0 100 0 0 0 20 0 0\n", encoding="utf-8")
        return 0.2

    assert examine(root=quiet_machine, speed_probe=probe)["steal time"].status == "warning"


@pytest.mark.parametrize("failure", [OSError, RuntimeError, NotImplementedError])
def test_a_battery_that_cannot_be_read_is_none(monkeypatch, failure):
    def fail() -> None:
        raise failure

    monkeypatch.setattr(psutil, "sensors_battery", fail, raising=False)
    assert power.on_mains() is None


def test_swap_that_cannot_be_read_is_unknown(monkeypatch):
    def fail() -> None:
        raise OSError

    monkeypatch.setattr(psutil, "swap_memory", fail)
    assert power.swap_used_bytes() is None


def test_every_check_is_kept_in_each_record_or_its_absence_explained(examine):
    checks = {"environment" if "environment" in name else name for name in examine()}
    assert checks == set(doctor.KEPT)
    fields = {
        f"{kind.__name__}.{field}"
        for kind in (Environment, Disturbance, Noise, Cpu, Record)
        for field in kind.__struct_fields__
    }
    for kept in doctor.KEPT.values():
        assert kept in fields or kept.startswith("not: ")


def test_a_results_folder_that_does_not_exist_yet_is_judged_by_the_one_above(
    examine, tmp_path, monkeypatch
):
    asked: list[Path] = []

    def usage(folder: Path) -> SimpleNamespace:
        asked.append(folder)
        return SimpleNamespace(free=10**12)

    monkeypatch.setattr(doctor.shutil, "disk_usage", usage)
    assert examine(results=tmp_path / "a" / "b" / "c")["disk"].status == "good"
    assert asked == [tmp_path]
    assert not (tmp_path / "a").exists()


def test_whoever_holds_the_machines_lock_is_another_run(examine, quiet_machine):
    claim = "pid 7, since 10:00: harness run ranking (it holds the machine's lock)"
    found = examine(root=quiet_machine, claims=lambda: [claim])["other runs"]
    assert (found.status, found.seen) == ("warning", claim)


def test_a_run_that_was_seen_is_not_claimed_a_second_time(examine, quiet_machine, monkeypatch):
    monkeypatch.setattr(processes, "harness_runs", lambda: ["pid 7: harness run ranking"])
    claim = "pid 7, since 10:00: harness run ranking (it holds the machine's lock)"
    found = examine(root=quiet_machine, claims=lambda: [claim])["other runs"]
    assert found.seen == "pid 7: harness run ranking"


def test_environments_are_those_that_a_run_finds(examine):
    def serving(backend: str) -> list[str]:
        return ["/made/bin/python (/made)"] if backend == "jax" else none_serves(backend)

    found = examine(serving=serving)
    assert found["environment jax"].status == "good"
    assert found["environment jax"].seen == "/made/bin/python (/made)"
    assert found["environment torch"].status == "warning"
    assert found["environment torch"].seen == "no interpreter has torch and keras. Make one"


def test_a_run_has_looked_for_its_environments_already(examine):
    assert not any("environment" in check for check in examine(serving=None))
