"""On a machine that hides what is asked of it, trials run, and say what they do not know."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import msgspec
import psutil
import pytest

from harness import probe
from harness.analysis.study import study_of
from harness.probe import cpu, doctor, noise, rates
from harness.probe.machine import hostname
from harness.records.machine import Cpu, Disturbance, Environment, Noise
from harness.report.outputs import markdown
from harness.report.sections.compose import compose
from harness.store import folder as store
from tests.faults import campaign

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="fakes of Linux")

STAT = "cpu  {0} 0 0 100 0 0 0 0 0 0\ncpu0 {0} 0 0 100 0 0 0 0 0 0\n"
MEMINFO = (
    "MemTotal: 8000000 kB\nMemFree: 4000000 kB\nMemAvailable: 6000000 kB\nBuffers: 0 kB\n"
    "Cached: 0 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\nShmem: 0 kB\nActive: 0 kB\nInactive: 0 kB\n"
)
WHOLE = {
    "proc/stat": STAT.format(1),
    "proc/meminfo": MEMINFO,
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: Test CPU\nphysical id\t: 0\ncore id\t: 0\n"
    "cpu cores\t: 1\n",
    "proc/loadavg": "0.1 0.1 0.1 1/1 1\n",
    "proc/self/cgroup": "0::/\n",
    "proc/vmstat": "oom_kill 0\npswpin 0\npswpout 0\n",
    "proc/swaps": "Filename\n",
}
CGROUP_1 = {
    "proc/self/cgroup": "3:cpu,cpuacct:/box\n4:memory:/box\n5:cpuset:/box\n",
    "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "150000",
    "sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000",
    "sys/fs/cgroup/cpu/box/cpu.stat": "nr_periods 10\nnr_throttled 5\nthrottled_time 1\n",
    "sys/fs/cgroup/memory/box/memory.limit_in_bytes": "1000000000",
    "sys/fs/cgroup/cpuset/box/cpuset.cpus": "1",
}
CGROUP_2 = {
    "proc/self/cgroup": "0::/box\n",
    "sys/fs/cgroup/box/cpu.max": "50000 100000",
    "sys/fs/cgroup/box/cpu.stat": "usage_usec 1\nnr_periods 10\nnr_throttled 9\n",
    "sys/fs/cgroup/box/memory.max": "2000000000",
    "sys/fs/cgroup/box/cpuset.cpus.effective": "0",
}


def without(*names):
    return {place: content for place, content in WHOLE.items() if place not in names}


MACHINES = {
    "whole": WHOLE,
    "no files at all": {},
    **{f"no /{place}": without(place) for place in WHOLE},
    **{f"rubbish in /{place}": WHOLE | {place: "\x00rubbish -1 x\n" * 3} for place in WHOLE},
    **{f"nothing in /{place}": WHOLE | {place: ""} for place in WHOLE},
    "a quota of cgroup 1": WHOLE | CGROUP_1,
    "a quota of cgroup 2": WHOLE | CGROUP_2,
    "a quota of both": WHOLE | CGROUP_1 | {"sys/fs/cgroup/unified/cgroup.procs": ""},
    "a quota of 0": WHOLE | CGROUP_2 | {"sys/fs/cgroup/box/cpu.max": "0 0"},
    "a quota without counters": {k: v for k, v in (WHOLE | CGROUP_2).items() if "stat" not in k},
    "no limit": WHOLE | CGROUP_2 | {"sys/fs/cgroup/box/cpu.max": "max 100000"},
}


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Lets this process believe that it runs on a machine with these files and no others."""
    monkeypatch.setattr(cpu, "_model_by_library", lambda: None)

    def become(contents):
        root = tmp_path / "root"
        for place, content in contents.items():
            path = root / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        monkeypatch.setattr(psutil, "PROCFS_PATH", str(root / "proc"))
        return root

    return become


def examine(root, tmp_path):
    findings = doctor.examine(
        results=tmp_path, table=lambda: None, variables={}, root=root,
        speed_probe=lambda: 0.2, wait=lambda _: None,
    )  # fmt: skip
    return {found.check: found for found in findings}


def recorded(root, make_record):
    """A record of that machine, as it is read back."""
    seen = noise.difference(noise.snapshot(root), noise.snapshot(root))
    record = make_record(
        environment=probe.environment({}, root),
        noise=Noise(probe_before_s=0.2, probe_after_s=0.2, training=seen),
    )
    return msgspec.json.decode(msgspec.json.encode(record), type=type(record))


ABSENT = {
    "load": (Environment, "load_average"),
    "steal time": (Disturbance, "steal_share"),
    "CPU governor": (Cpu, "governor"),
    "turbo": (Cpu, "turbo"),
    "swap": (Environment, "swap_used_bytes"),
}
"""Checks whose fact may be missing, each with the field that is then empty."""


@pytest.mark.parametrize("name", MACHINES)
def test_a_trial_is_recorded_and_what_is_not_known_is_explained(
    machine, make_record, tmp_path, name
):
    root = machine(MACHINES[name])
    record = recorded(root, make_record)
    findings = examine(root, tmp_path)
    facts = {
        Environment: record.environment,
        Cpu: record.environment.cpu,
        Disturbance: record.noise.training,
    }
    for check, (kind, field) in ABSENT.items():
        assert doctor.KEPT[check] == f"{kind.__name__}.{field}"
        if getattr(facts[kind], field) is None:
            assert findings[check].status == "unknown"
    assert all(found.seen for found in findings.values())
    assert record.environment.cpu.logical_cores >= 1
    assert record.environment.memory_total_bytes > 0
    assert markdown.render(compose(study_of([record])))


@pytest.mark.parametrize(
    ("name", "quota", "memory"),
    [
        ("a quota of cgroup 1", 1.5, 10**9),
        ("a quota of cgroup 2", 0.5, 2 * 10**9),
        ("a quota of both", 1.5, 10**9),
        ("no limit", None, 2 * 10**9),
        ("a quota of 0", None, 2 * 10**9),
    ],
)
def test_what_a_container_allows_is_in_the_record(machine, make_record, name, quota, memory):
    found = recorded(machine(MACHINES[name]), make_record).environment
    assert found.cpu_quota == quota
    assert found.memory_total_bytes == memory


@pytest.mark.parametrize("name", ["a quota of cgroup 1", "a quota of cgroup 2"])
def test_that_a_trial_had_to_wait_for_its_quota_is_in_the_record(machine, name):
    root = machine(MACHINES[name])
    before = noise.snapshot(root)
    for place, content in MACHINES[name].items():
        if place.endswith("cpu.stat"):
            later = content.replace("nr_periods 10", "nr_periods 30")
            (root / place).write_text(later.replace("nr_throttled ", "nr_throttled 1"))
    assert noise.difference(before, noise.snapshot(root)).throttled_share == pytest.approx(0.5)


@pytest.mark.parametrize(("allowed", "seen"), [([0], "1 of 2"), ([1], "1 of 2"), ([0, 1], "2 of")])
def test_the_cores_of_a_cpuset_are_told(machine, tmp_path, monkeypatch, allowed, seen):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(allowed))
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(psutil, "cpu_count", lambda **_: 2)
    root = machine({})
    assert cpu.cpu(root).affinity == allowed
    assert seen in examine(root, tmp_path)["cores"].seen


def test_one_core_is_enough(machine, make_record, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(psutil, "cpu_count", lambda **_: None)
    root = machine(WHOLE)
    found = recorded(root, make_record).environment.cpu
    assert (found.logical_cores, found.physical_cores) == (1, None)
    assert examine(root, tmp_path)["cores"].seen.startswith("1 of 1")
    assert rates.rates(threads=1).matmul_flops_per_s > 0


def raises(*_):
    raise RuntimeError("Driver Not Loaded")


LIBRARIES = {
    "no library": {"__spec__": None},
    "no driver": {"nvmlInit": raises},
    "no GPU": {"nvmlInit": print, "nvmlDeviceGetCount": lambda: 0, "nvmlShutdown": raises},
    "no answer": {"nvmlInit": print, "nvmlDeviceGetCount": raises},
    "a GPU that fell off the bus": {
        "nvmlInit": print, "nvmlDeviceGetCount": lambda: 1, "nvmlDeviceGetHandleByIndex": raises,
    },
    "another module of that name": {},
}  # fmt: skip


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_gpu_library_without_a_gpu_costs_no_trial(machine, make_record, monkeypatch, library):
    module = None
    if library != "no library":
        module = types.ModuleType("pynvml")
        vars(module).update(LIBRARIES[library])
    monkeypatch.setitem(sys.modules, "pynvml", module)
    assert recorded(machine(WHOLE), make_record).environment.gpus == []


@pytest.fixture(params=[AttributeError, NotImplementedError, KeyError, ValueError])
def fails(request):
    def fail(*_, **__):
        raise request.param

    return fail


@pytest.mark.parametrize("name", ["sensors_battery", "swap_memory", "cpu_count", "virtual_memory"])
def test_a_question_that_psutil_cannot_answer_costs_no_trial(
    machine, make_record, monkeypatch, name, fails
):
    monkeypatch.setattr(psutil, name, fails)
    root = machine(WHOLE)
    assert recorded(root, make_record).environment.machine_id
    assert examine(root, root)


def test_a_machine_without_a_name_has_one_that_says_so(monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "")
    assert hostname({"HARNESS_WITH_HOST": "1"}) == "unknown"


HIDES = """
import psutil
psutil.PROCFS_PATH = {proc!r}
from harness.launch import guardian
from pathlib import Path
guardian.PROC = Path({proc!r})
guardian.processes_in.__defaults__ = (guardian.PROC,)
"""


@pytest.mark.usefixtures("throwaway_scenario")
@pytest.mark.parametrize("there", [True, False])
def test_a_campaign_runs_where_proc_is_hidden(tmp_path, there):
    proc = tmp_path / "proc"
    if there:
        proc.mkdir()
    words = campaign.command(
        tmp_path, first=HIDES.format(proc=str(proc)), seeds="1-2",
        more=["--memory-limit", "1GB", "--turns", "on"],
    )  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(store.load(tmp_path / "results").records) == 2
    assert Path(proc).exists() == there
