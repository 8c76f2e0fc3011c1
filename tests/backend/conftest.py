"""Real frameworks. These tests run once in every backend's environment, as KERAS_BACKEND says."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from filelock import FileLock

from harness import probe, scenario
from harness.data.prepare import prepare
from harness.launch.variables import child_variables
from harness.records.cell import Cell
from harness.records.parity import ParityTask
from harness.records.trial import Provenance, Record, Trial

Child = tuple[int, Record, str]


CPUS = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
"""Those that this process was given."""


def pytest_configure() -> None:
    """Give each of several workers a CPU of its own, which its trials inherit.

    Each framework starts as many threads as it may use CPUs, and the threads of one wait for each
    other at every operation: two PyTorch trials on the same two CPUs take far more than twice the
    time of one. Here, before any framework is imported, for that is when they count.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None and CPUS is not None:
        own = sorted(CPUS)[int(worker.removeprefix("gw")) % len(CPUS)]
        os.sched_setaffinity(0, {own})


@pytest.fixture(autouse=True)
def no_frameworks() -> None:
    """Here they are what is tested."""


@pytest.fixture(scope="session")
def on_all_cpus() -> Callable[[], AbstractContextManager[None]]:
    """While it is entered, the processes that are started may use every CPU, as a user's do."""

    @contextmanager
    def entered() -> Iterator[None]:
        if CPUS is None:
            yield
            return
        own = os.sched_getaffinity(0)
        os.sched_setaffinity(0, CPUS)
        try:
            yield
        finally:
            os.sched_setaffinity(0, own)

    return entered


@pytest.fixture(scope="session")
def backend() -> str:
    """The backend of this environment."""
    return os.environ["KERAS_BACKEND"]


@pytest.fixture(scope="session")
def table_path(as_started: Callable[[], AbstractContextManager[None]]) -> Path:
    """The prepared rating table."""
    with as_started():
        return prepare().path


@pytest.fixture(scope="session")
def compiled(backend: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables for processes whose compiling is not what is tested: they share what was compiled.

    With an empty folder PyTorch compiles its own headers first, for ten seconds of a CPU. Half of
    what JAX takes for a small model is compiling.
    """
    if backend == "torch":
        from torch._inductor.runtime.runtime_utils import default_cache_dir

        return {"TORCHINDUCTOR_CACHE_DIR": default_cache_dir()}
    if backend == "jax":
        return {
            "JAX_COMPILATION_CACHE_DIR": str(for_all_workers(tmp_path_factory) / "jax"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
    return {}


@pytest.fixture(scope="module")
def passed_on(compiled: dict[str, str]) -> Iterator[tuple[str, ...]]:
    """The names of these variables, which are set meanwhile, for a launcher's ``pass_env``."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in compiled.items():
            patch.setenv(name, value)
        yield tuple(compiled)


def for_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def run_child(
    backend: str,
    compiled: dict[str, str],
    table_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Child]:
    """Run one real trial in a fresh process; gives its exit code, its record and its output."""
    keras_home = tmp_path_factory.mktemp("keras-home")

    def run(
        *,
        seed: int = 42,
        settings: dict[str, str] | None = None,
        variables: dict[str, str] | None = None,
        **fields: Any,
    ) -> Child:
        fields = {"scenario": "ranking", "backend": backend, "device": "cpu"} | fields
        parsed = scenario.parse_settings(scenario.find(fields["scenario"]), settings)
        cell = Cell(settings=msgspec.to_builtins(parsed), **fields)
        trial = Trial(
            cell=cell,
            seed=seed,
            repetition=1,
            campaign="test",
            round=1,
            time_budget_s=0.0,
            table=str(table_path),
            launched_at_ns=time.monotonic_ns(),
            harness=Provenance(version="test"),
        )
        folder = tmp_path_factory.mktemp("trial")
        child = subprocess.run(
            [sys.executable, "-m", "harness.trial", "trial", str(folder)],
            input=msgspec.json.encode(trial),
            env=child_variables(
                os.environ,
                backend=backend,
                device=cell.device,
                keras_home=keras_home,
                threads=cell.threads,
            )
            # Threads that wait for each other leave their CPU to the trial of the other worker.
            | {"OMP_WAIT_POLICY": "passive"}
            | compiled
            | (variables or {}),
            capture_output=True,
            check=False,
            timeout=300,
        )
        record = msgspec.json.decode((folder / "answer.json").read_bytes(), type=Record)
        return child.returncode, record, (child.stdout + child.stderr).decode()

    return run


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Callable[[], bytes]], bytes]:
    """Makes something of that name once for all workers: the others wait for it and read it.

    At the same time, two on all CPUs would each take several times as long.
    """
    shared = for_all_workers(tmp_path_factory)

    def made(name: str, make: Callable[[], bytes]) -> bytes:
        kept = shared / name
        with FileLock(kept.with_suffix(".lock")):
            if not kept.exists():
                kept.write_bytes(make())
            return kept.read_bytes()

    return made


@pytest.fixture(scope="session")
def good_record(
    run_child: Callable[..., Child],
    on_all_cpus: Callable[[], AbstractContextManager[None]],
    once: Callable[[str, Callable[[], bytes]], bytes],
) -> Record:
    """The record of one good trial, common weights, seed 42, as many threads as there are CPUs."""

    def make() -> bytes:
        with on_all_cpus():
            _, record, output = run_child()
        assert record.status == "ok", output
        return msgspec.json.encode(record)

    return msgspec.json.decode(once("good-record.json", make), type=Record)


@pytest.fixture
def run_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str) -> Callable[..., Any]:
    """Runs a script in this process, as a child of a campaign does in its own."""

    # Not above: frameworks count the CPUs when they are imported.
    import keras

    from harness.trial.parity.train import train
    from harness.trial.program.measure import measure

    def run(text, *, files=None, seed=3, init="common", parity=False, **settings):
        path = tmp_path / "train.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        for name, content in (files or {}).items():
            (tmp_path / name).write_text(content, encoding="utf-8")
        known = {"arguments": "", "fit": "last", "metric": "auto"} | settings
        asked = {
            "cell": Cell(
                scenario="train.py", backend=backend, device="cpu", init=init, settings=known
            ),
            "seed": seed,
            "campaign": "test",
            "table": None,
            "harness": probe.provenance(),
            "program": str(path),
        }
        keras.utils.clear_session()  # names of models count on in a process
        with monkeypatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a script's are its own affair
            patch.setattr(sys, "argv", sys.argv)
            patch.setattr(sys, "path", list(sys.path))
            patch.setitem(sys.modules, "__main__", sys.modules["__main__"])
            patch.chdir(tmp_path)
            if parity:
                return train(ParityTask(**asked, perturbations=1), dict(os.environ))
            trial = Trial(**asked, repetition=1, round=1, time_budget_s=0.02)
            return measure(trial, dict(os.environ))

    return run
