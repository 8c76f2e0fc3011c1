"""Fixtures that several rooms share. Nothing here imports a framework."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from harness.records.anatomy import AnatomyRecord, Variant, VariantName, Visit
from harness.records.cell import Cell
from harness.records.machine import Cpu, DeviceInfo, Environment
from harness.records.trial import (
    Epoch,
    Hashes,
    Memory,
    Phases,
    Prediction,
    Provenance,
    Quality,
    Record,
)
from tests import clean_machine as machine

SETTINGS = {
    "batch_size": 1000,
    "epochs": 5,
    "embedding_dimension": 32,
    "learning_rate": 0.1,
}


def pytest_configure(config: pytest.Config) -> None:
    """Make the tests independent of how fast the machine is."""
    # The benchmarks' environments do without this one.
    if config.pluginmanager.has_plugin("hypothesispytest"):
        from hypothesis import settings

        # Its database lies in the current folder, unless that cannot be written to.
        kept = {} if os.access(Path.cwd(), os.W_OK) else {"database": None}
        settings.register_profile("no deadline", deadline=None, **kept)
        settings.load_profile("no deadline")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Make the tests independent of the machine and the shell that they run on.

    Now, and not in a fixture: modules of tests import what reads variables at once.
    """
    config = session.config
    starts_workers = config.pluginmanager.has_plugin("dsession")  # and they start as it did
    # Only tests/benchmark has this option. It measures for the user, with the user's settings.
    measures = config.getoption("device", default=None) is not None
    if starts_workers or measures:
        return
    folder, patch = Path(tempfile.mkdtemp(prefix="harness-tests-")), pytest.MonkeyPatch()
    machine.clean(patch, folder)
    config.add_cleanup(patch.undo)
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test begins in an empty folder, on a machine where tox built nothing."""
    machine.in_its_own_folder(monkeypatch, tmp_path)


@pytest.fixture(autouse=True)
def no_frameworks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No framework serves a test, whatever is installed beside it; tests/backend has the real."""
    machine.without_frameworks(monkeypatch)


@pytest.fixture(scope="session")
def started_with() -> Mapping[str, str]:
    """The variables of whoever runs the tests, for a test of the real machine."""
    return machine.STARTED


@pytest.fixture(scope="session")
def as_started() -> Callable[[], AbstractContextManager[None]]:
    """While it is entered, variables are those of whoever runs the tests: cache, index, proxy."""
    return machine.as_started


@pytest.fixture(scope="session")
def project_files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The files of this project, but for those that git ignores; relative to its root.

    Also in a copy without its history, and in a checkout that another user owns. What is committed
    although it is ignored is among them.
    """
    git = shutil.which("git")
    if git is None:
        pytest.skip("git, which knows what .gitignore means, is not installed")
    root = Path(__file__).parents[1]
    empty = tmp_path_factory.mktemp("no-history")
    subprocess.run([git, "init", "--quiet", "--bare", str(empty)], check=True)
    there = [git, f"--git-dir={empty}", f"--work-tree={root}", "-c", "core.excludesFile="]
    listed = [[*there, "ls-files", "-z", "--others", "--exclude-standard"]]
    if (root / ".git").exists():
        listed.append([git, "-c", "safe.directory=*", "ls-files", "-z"])
    names: set[str] = set()
    for command in listed:
        done = subprocess.run(command, cwd=root, capture_output=True, check=True, text=True)
        names.update(filter(None, done.stdout.split("\0")))
    return sorted(name for name in names if (root / name).is_file())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that no worker is left alone with one at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture
def make_cell() -> Callable[..., Cell]:
    """A cell of the ranking scenario on JAX; any field can be given."""

    def make(**changes: Any) -> Cell:
        fields: dict[str, Any] = {
            "scenario": "ranking",
            "backend": "jax",
            "device": "cpu",
            "settings": dict(SETTINGS),
        }
        return Cell(**(fields | changes))

    return make


@pytest.fixture
def make_record(make_cell: Callable[..., Cell]) -> Callable[..., Record]:
    """A made-up but complete record of a good trial.

    ``step_time_s`` is the wall time per step of every counted epoch, ``value`` the final RMSE;
    fields of the cell and of the record can both be given by name.
    """

    def make(
        *, step_time_s: float = 0.002, value: float = 0.2590, timed_epochs: int = 10, **changes: Any
    ) -> Record:
        cell_fields = set(Cell.__struct_fields__)
        cell = make_cell(**{k: changes.pop(k) for k in list(changes) if k in cell_fields})
        steps = 80
        epochs = [
            Epoch(
                index=i,
                phase="quality" if i < 5 else "timing",
                steps=steps,
                examples=80_000,
                wall_s=steps * step_time_s + (0.5 if i == 0 else 0.0),
                warm_up=i in {0, 5},
                train_loss=0.1 - 0.005 * i,
                metric=value + (4 - i) * 0.004 if i < 5 else None,
                evaluate_s=0.05 if i < 5 else None,
            )
            for i in range(5 + timed_epochs)
        ]
        record = Record(
            status="ok",
            cell=cell,
            scenario_version=1,
            seed=1,
            repetition=1,
            campaign="test",
            round=1,
            started_at="2026-01-01T00:00:00+00:00",
            duration_s=12.5,
            harness=Provenance(version="0.1.0", commit="0" * 40, dirty=False),
            device=DeviceInfo(kind="cpu", name="Test CPU", framework_id="cpu:0"),
            engine={"jit_compile": True},
            phases=Phases(
                import_s=2.0, data_s=0.1, build_s=0.3, first_step_s=0.5, predict_s=0.1, total_s=12.0
            ),
            epochs=epochs,
            quality=Quality(
                metric="root_mean_squared_error",
                direction="lower",
                value=value,
                reference=0.25617,
                target=0.27,
                time_to_target_s=1.0,
            ),
            predictions=[
                Prediction(inputs={"user_id": 42, "movie_id": 204}, output=0.7, shown=3.8)
            ],
            memory=Memory(peak_rss_bytes=600_000_000),
            hashes=Hashes(
                table="a" * 64, split="b" * 64, initial_weights="c" * 64, final_weights="d" * 64
            ),
        )
        record = msgspec.structs.replace(record, **changes)
        if "device" not in changes and record.device is not None:
            device = msgspec.structs.replace(record.device, kind=record.cell.device)
            record = msgspec.structs.replace(record, device=device)
        return record

    return make


@pytest.fixture
def make_anatomy_record(
    make_cell: Callable[..., Cell], make_environment: Callable[..., Environment]
) -> Callable[..., AnatomyRecord]:
    """A made-up record of one process of ``harness anatomy``; any field can be given.

    ``step_times_s`` are the step times of the variants, which every visit and epoch repeats.
    """

    def make(
        step_times_s: dict[VariantName, float] | None = None,
        *,
        backend: str = "jax",
        rounds: int = 3,
        steps: int = 80,
        **changes: Any,
    ) -> AnatomyRecord:
        times: dict[VariantName, float] = {
            "fit": 2.00e-3,
            "fit again": 2.02e-3,
            "no callbacks": 1.90e-3,
            "no metrics": 1.85e-3,
            "batches at hand": 1.60e-3,
            "inert optimizer": 1.50e-3,
            "one example": 0.10e-3,
        }
        variants = [
            Variant(
                name=name,
                visits=[
                    Visit(
                        round=number,
                        place=place,
                        warm_up_s=2 * steps * step_time_s,
                        epochs_s=[steps * step_time_s] * 2,
                    )
                    for number in range(1, rounds + 1)
                ],
            )
            for place, (name, step_time_s) in enumerate((step_times_s or times).items())
        ]
        cell_fields = set(Cell.__struct_fields__)
        cell = make_cell(
            backend=backend, **{k: changes.pop(k) for k in list(changes) if k in cell_fields}
        )
        record = AnatomyRecord(
            status="ok",
            cell=cell,
            scenario_version=1,
            seed=42,
            process=1,
            campaign="test",
            run_id="run",
            started_at="2026-01-01T00:00:00+00:00",
            duration_s=20.0,
            harness=Provenance(version="0.1.0"),
            device="cpu:0",
            optimizer="Adagrad",
            metrics=["root_mean_squared_error"],
            steps=steps,
            examples=80_000,
            variants=variants,
            environment=make_environment(),
        )
        return msgspec.structs.replace(record, **changes)

    return make


@pytest.fixture
def make_environment() -> Callable[..., Environment]:
    """A made-up machine of two cores; ``packages`` are added to Keras and NumPy."""

    def make(
        machine_id: str = "machine-a", *, packages: dict[str, str] | None = None, **changes: Any
    ) -> Environment:
        made = Environment(
            machine_id=machine_id,
            hostname=f"host of {machine_id}",
            os="Linux 6.1",
            python="3.11.7",
            cpu=Cpu(
                model="Test CPU",
                architecture="x86_64",
                logical_cores=2,
                physical_cores=1,
                affinity=None,
            ),
            gpus=[],
            memory_total_bytes=8_000_000_000,
            memory_available_bytes=7_000_000_000,
            load_average=0.1,
            thread_pools=[],
            packages={"keras": "3.15.1", "numpy": "2.4.6"} | (packages or {}),
            variables={},
        )
        return msgspec.structs.replace(made, **changes)

    return make


@pytest.fixture
def make_campaign(
    make_record: Callable[..., Record], make_environment: Callable[..., Environment]
) -> Callable[..., list[Record]]:
    """Simulated interleaved rounds of some backends, as one ``harness run`` leaves them.

    ``step_time_s`` is the true step time of each backend, around which processes spread by
    ``spread``; ``rmse`` is added to its metric, which otherwise depends on the seed alone, but for
    round-off. ``packages`` are added to those of every environment. Other fields go to the records.
    One ``seed`` always gives one campaign.
    """

    def make(
        step_time_s: dict[str, float],
        rounds: int = 6,
        *,
        seed: int = 1,
        spread: float = 0.01,
        rmse: dict[str, float] | None = None,
        peak_rss_bytes: int = 600_000_000,
        machine_id: str | None = "machine-a",
        packages: dict[str, str] | None = None,
        run_id: str = "run",
        **changes: Any,
    ) -> list[Record]:
        rng = np.random.default_rng(seed)
        records = []
        for number in range(1, rounds + 1):
            learned = 0.259 + 0.0026 * np.random.default_rng(number).normal()
            for backend, true_s in step_time_s.items():
                minute, noise = len(records), rng.normal(size=3)
                environment = make_environment(
                    machine_id or "", packages={backend: "1.0"} | (packages or {})
                )
                fields: dict[str, Any] = {
                    "backend": backend,
                    "seed": number,
                    "round": number,
                    "run_id": run_id,
                    "started_at": f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00+00:00",
                    "step_time_s": true_s * float(np.exp(spread * noise[0])),
                    "value": float(learned + 5e-5 * noise[1]) + (rmse or {}).get(backend, 0.0),
                    "memory": Memory(peak_rss_bytes=int(peak_rss_bytes * (1 + 0.002 * noise[2]))),
                    "environment": environment if machine_id else None,
                }
                records.append(make_record(**(fields | changes)))
        return records

    return make
