"""Facts of the processor, from /proc and /sys where there are such, and none where not."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.probe import cpu as module
from harness.probe.cpu import cpu, frequency_mhz, governor, model, parse_cpuinfo, turbo_switch

X86 = """\
processor\t: 0
vendor_id\t: GenuineIntel
model name\t: Intel(R) Xeon(R)   Platinum 8480C
cpu MHz\t\t: 2000.500
flags\t\t: fpu vme

processor\t: 1
model name\t: something else
cpu MHz\t\t: 3000.500
"""

ARM = "processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\n"

CPUS = "sys/devices/system/cpu"

model_by_library = module._model_by_library
"""Kept before conftest.py replaces it for each test."""


def test_this_machine_has_a_processor():
    facts = cpu()
    assert facts.model
    assert facts.architecture
    assert facts.logical_cores >= 1
    if facts.affinity is not None:
        assert 1 <= len(facts.affinity) <= psutil.cpu_count()


def test_the_model_is_that_of_the_first_processor(machine):
    assert model(machine({"proc/cpuinfo": X86})) == "Intel(R) Xeon(R) Platinum 8480C"


def test_py_cpuinfo_is_asked_only_where_proc_does_not_tell(machine, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "_model_by_library", lambda: asked.append(1) or "Neoverse-N1")
    assert model(machine({"proc/cpuinfo": X86})).startswith("Intel")
    assert not asked
    assert model(machine({"proc/cpuinfo": ARM})) == "Neoverse-N1"
    assert asked


def test_a_processor_that_nothing_tells_of_is_unknown(machine, monkeypatch):
    monkeypatch.setattr(module.platform, "processor", lambda: "")
    assert model(machine({})) == "unknown"


def test_py_cpuinfo_that_is_missing_is_no_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "cpuinfo", None)
    assert model_by_library() is None


def test_py_cpuinfo_tells_the_brand(monkeypatch):
    library = SimpleNamespace(get_cpu_info=lambda: {"brand_raw": "Apple M4"})
    monkeypatch.setitem(sys.modules, "cpuinfo", library)
    assert model_by_library() == "Apple M4"


NAME = st.from_regex(r"[a-z][a-z _]{0,18}[a-z]", fullmatch=True)
VALUE = st.from_regex(r"[!-~]([ -~]{0,18}[!-~])?", fullmatch=True)


@given(st.dictionaries(NAME, VALUE, min_size=1))
def test_every_field_of_cpuinfo_is_read(fields: dict[str, str]):
    content = "".join(f"{name}\t: {value}\n" for name, value in fields.items())
    assert parse_cpuinfo(f"{content}\nprocessor\t: 1\nlater\t: yes\n") == fields


@given(st.text())
def test_no_content_of_cpuinfo_is_an_error(content: str):
    assert isinstance(parse_cpuinfo(content), dict)


def test_the_governor_is_that_of_the_cpus_in_use(machine):
    root = machine(
        {
            f"{CPUS}/cpu0/cpufreq/scaling_governor": "performance\n",
            f"{CPUS}/cpu1/cpufreq/scaling_governor": "powersave\n",
        }
    )
    assert governor(root, [0]) == "performance"
    assert governor(root) == "performance,powersave"
    assert governor(root, [7]) is None


@pytest.mark.parametrize(
    ("place", "content", "on", "off"),
    [
        (f"{CPUS}/intel_pstate/no_turbo", "0", True, "1"),
        (f"{CPUS}/intel_pstate/no_turbo", "1", False, "1"),
        (f"{CPUS}/cpufreq/boost", "1", True, "0"),
        (f"{CPUS}/cpufreq/boost", "0", False, "0"),
    ],
)
def test_turbo_and_boost_are_switched_in_opposite_ways(machine, place, content, on, off):
    switch = turbo_switch(machine({place: content}))
    assert switch is not None
    assert (switch.path, switch.on, switch.off) == (place, on, off)


def test_without_sys_the_clock_is_not_known(machine):
    root = machine({})
    assert governor(root) is None
    assert turbo_switch(root) is None
    assert frequency_mhz(root) is None
    assert cpu(root).turbo is None


def test_the_frequency_is_the_mean_of_the_cpus_in_use(machine):
    root = machine(
        {
            f"{CPUS}/cpu0/cpufreq/scaling_cur_freq": "2000000",
            f"{CPUS}/cpu1/cpufreq/scaling_cur_freq": "3000000",
            "proc/cpuinfo": X86,
        }
    )
    assert frequency_mhz(root) == 2500
    assert frequency_mhz(root, [1]) == 3000


def test_the_frequency_is_read_from_cpuinfo_where_nothing_scales_it(machine):
    assert frequency_mhz(machine({"proc/cpuinfo": X86})) == 2500.5
