"""Whatever the harness asks an interpreter, it sees one environment: a trial's."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.launch import child, devices, environments
from harness.launch.campaign import resolution
from harness.launch.environments import Interpreter
from harness.launch.variables import DOWNLOADS
from harness.records.anatomy import AnatomyRecord, AnatomyTask
from harness.records.cell import Cell
from harness.records.parity import ParityRecord, ParityTask
from harness.records.preflight import PreflightTask
from harness.records.trial import Provenance, Record

STRAY = {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_ENABLE_X64": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "OMP_NUM_THREADS": "1",
    "PYTHONPATH": "/somewhere",
    "PYTHONOPTIMIZE": "2",
    "KERAS_HOME": "/somewhere/.keras",
}
PYTHON = """\
#!{python} -P
import json, os, pathlib
seen = {{"variables": dict(os.environ), "home": os.listdir(os.environ.get("KERAS_HOME", "."))}}
pathlib.Path({seen!r}).write_text(json.dumps(seen))
pathlib.Path("answer.json").write_text("0.25")
"""
HEADER = {
    "cell": Cell(scenario="throwaway", backend="jax", device="cpu"),
    "seed": 1,
    "campaign": "test",
    "table": None,
    "harness": Provenance(version="1"),
}
PARITY = ParityTask(perturbations=1, **HEADER)
ANATOMY = AnatomyTask(process=1, rounds=1, epochs=1, steps=None, **HEADER)
PREFLIGHT = PreflightTask(cells=[HEADER["cell"]], **HEADER)

ASK = {
    "which modules it lacks": lambda python, _: environments.look_inside(python.python, ["keras"]),
    "its packages": lambda python, _: environments.installed(python.python),
    "its devices": lambda python, _: devices.ask_interpreter(python),
    "its speed": lambda python, _: resolution.by_arithmetic(str(python.python)),
    "a pre-flight": lambda python, _: child.start(PREFLIGHT, python, timeout_s=60),
    "a trial": lambda python, trial: child.run_task(trial, Record, python, timeout_s=60),
    "parity": lambda python, _: child.run_task(PARITY, ParityRecord, python, timeout_s=60),
    "an anatomy": lambda python, _: child.run_task(ANATOMY, AnatomyRecord, python, timeout_s=60),
}

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fake interpreters are scripts")


@pytest.fixture
def stray(monkeypatch):
    """A shell's profile that would change a measurement."""
    for name, value in STRAY.items():
        monkeypatch.setenv(name, value)
    home = Path(os.environ["HOME"], ".keras")
    home.mkdir(exist_ok=True)
    (home / "keras.json").write_text('{"floatx": "float64"}', encoding="utf-8")


def check(seen):
    for name, value in STRAY.items():
        assert seen["variables"].get(name) != value
    assert seen["variables"]["PYTHONHASHSEED"] == "0"
    assert not {*seen["home"]} - {*DOWNLOADS}, "a Keras home of its own, without a keras.json"


@pytest.mark.usefixtures("stray")
@pytest.mark.parametrize("what", ASK)
def test_no_question_lets_a_stray_variable_through(what, trial, tmp_path):
    path, seen = tmp_path / "python", tmp_path / "seen.json"
    path.write_text(PYTHON.format(python=sys.executable, seen=str(seen)), encoding="utf-8")
    path.chmod(0o755)
    python = Interpreter(backend="jax", python=path, origin="test")
    with contextlib.suppress(HarnessError):
        ASK[what](python, trial)
    check(json.loads(seen.read_text(encoding="utf-8")))


@pytest.mark.usefixtures("stray")
def test_the_benchmarks_of_operations_see_no_more_than_a_trial(tmp_path):
    root = Path(__file__).parents[2]
    seen = tmp_path / "seen.json"
    (tmp_path / "conftest.py").write_text(
        f"import sys\nsys.path.insert(0, {str(root)!r})\nfrom tests.benchmark.conftest import *\n",
        encoding="utf-8",
    )
    (tmp_path / "test_seen.py").write_text(
        "import json, os, pathlib\n\n\ndef test_seen():\n"
        "    home = os.listdir(os.environ['KERAS_HOME'])\n"
        "    seen = {'variables': dict(os.environ), 'home': home}\n"
        f"    pathlib.Path({str(seen)!r}).write_text(json.dumps(seen))\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", ".", "-q"]
    ended = subprocess.run(
        [*command, "test_seen.py", "--import-mode=importlib"],
        env={name: value for name, value in os.environ.items() if name != "PYTHONOPTIMIZE"}
        | {"KERAS_BACKEND": "jax"},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads(seen.read_text(encoding="utf-8"))
    check(found)
    assert found["variables"]["KERAS_BACKEND"] == "jax"
    assert (tmp_path / "results" / "local" / "benchmarks").is_dir()
    assert "1 passed" in ended.stdout, "what the child prints is shown"
