"""The environment of a record, put together: plausible here, and complete on a bare machine."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import psutil

from harness import probe
from harness.probe.variables import redacted
from harness.records.machine import Environment


def test_this_machine_is_told_plausibly():
    found = probe.environment({"KERAS_BACKEND": "jax", "HF_TOKEN": "hunter2"})
    assert found.cpu.logical_cores == psutil.cpu_count()
    assert found.memory_available_bytes <= found.memory_total_bytes
    assert "msgspec" in found.packages
    assert found.variables == {
        "HF_TOKEN": redacted({"HF_TOKEN": "hunter2"})["HF_TOKEN"],
        "KERAS_BACKEND": "jax",
    }


def test_it_survives_being_written_and_read():
    found = probe.environment({})
    assert msgspec.json.decode(msgspec.json.encode(found), type=Environment) == found


def test_a_machine_without_proc_and_sys_is_no_error(machine):
    found = probe.environment({}, machine({}))
    assert found.cpu.governor is None
    assert found.virtualised is None


def test_the_provenance_names_the_version():
    assert probe.provenance().version


def test_nothing_slow_is_imported_for_it():
    # In a process of its own: other tests have imported all of these.
    code = (
        "import sys; from harness import probe; probe.provenance(); probe.gpus();"
        "before = set(sys.modules); probe.environment({});"
        "print('numpy' in before, 'psutil' in before, 'rich' in sys.modules, "
        "'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["False", "False", "False", "False"]
