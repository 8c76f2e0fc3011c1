"""Makes up campaigns as they would be measured, for the tests and the scale of the report."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from harness.records.cell import Cell
from harness.records.machine import Cpu, DeviceInfo, Disturbance, Environment, Noise, Rates
from harness.records.trial import (
    Epoch,
    Failure,
    Hashes,
    Memory,
    Phases,
    Prediction,
    Provenance,
    Quality,
    Record,
    StepWork,
)

STEP_S = {"jax": 0.00173, "tensorflow": 0.00341, "torch": 0.00446}
"""Milliseconds of a step of ``fit`` on a quiet machine of two cores (``docs/method.md``)."""

FIRST_STEP_S = {"jax": 0.54, "tensorflow": 0.70, "torch": 0.03}
RSS_BYTES = {"jax": 475e6, "tensorflow": 704e6, "torch": 458e6}

MODE_FACTOR = {"fit": 1.0, "tuned": 0.8, "custom_loop": 0.6, "native": 0.55}
"""Step time of a mode over that of ``fit``, near what was measured by hand (``docs/method.md``)."""

WORK = StepWork(flops=196_992_000.0, bytes=11_001_812.0)
"""That of the tutorial's step, as its scenario counts it."""

PACKAGES = {
    "jax": {"jax": "0.10.2", "jaxlib": "0.10.2"},
    "tensorflow": {"tensorflow-cpu": "2.21.0"},
    "torch": {"torch": "2.13.0"},
}
SETTINGS: dict[str, Any] = {
    "batch_size": 1000,
    "epochs": 5,
    "embedding_dimension": 32,
    "first_layer": 256,
    "second_layer": 64,
    "optimizer": "adagrad",
    "learning_rate": 0.1,
    "initial_accumulator_value": 0.1,
    "epsilon": 1e-7,
    "data": "movielens",
    "split": "tutorial",
    "data_seed": 42,
    "synthetic_users": 943,
    "synthetic_movies": 1682,
    "synthetic_ratings": 100_000,
}
BEGAN = dt.datetime(2026, 3, 1, 9, 0, tzinfo=dt.UTC)


def campaign(
    *,
    rounds: int,
    backends: Sequence[str] = ("jax", "tensorflow", "torch"),
    epochs: int = 30,
    run_id: str = "run-1",
    began: dt.datetime = BEGAN,
    slower: dict[str, float] | None = None,
    machine_id: str = "made-up-machine",
    packages: dict[str, str] | None = None,
    **changes: Any,
) -> Iterator[Record]:
    """Interleaved rounds of every backend, one seed for each round.

    Args:
        rounds: how many.
        backends: which, in the order of a round.
        epochs: timed epochs of each trial.
        run_id: common to all.
        began: when the first trial started; one starts every ten seconds.
        slower: factor on the step time of a backend.
        machine_id: where.
        packages: versions that replace the usual ones.
        changes: fields of the cell or of the record.
    """
    chance = random.Random(f"{run_id} {machine_id}")  # noqa: S311 - made-up figures
    at = began
    for number in range(1, rounds + 1):
        metric = chance.gauss(0.25925, 0.0026)
        for backend in backends:
            step_s = (
                STEP_S[backend] * (slower or {}).get(backend, 1.0) * chance.lognormvariate(0, 0.03)
            )
            made = record(
                backend,
                step_s=step_s,
                metric=metric + chance.gauss(0, 3e-5),
                chance=chance,
                epochs=epochs,
                packages=packages,
                machine_id=machine_id,
            )
            cell_changes = {k: v for k, v in changes.items() if k in Cell.__struct_fields__}
            others = {k: v for k, v in changes.items() if k not in cell_changes}
            yield msgspec.structs.replace(
                made,
                cell=msgspec.structs.replace(made.cell, **cell_changes),
                seed=41 + number,
                round=number,
                run_id=run_id,
                started_at=at.isoformat(),
                **others,
            )
            at += dt.timedelta(seconds=10)


def cluster(
    machines: int,
    *,
    rounds: int = 6,
    spread: float = 0.04,
    broken: int | None = None,
    epochs: int = 30,
    **more: Any,
) -> Iterator[Record]:
    """So many machines that interleaved the backends, each of a speed and a noise of its own.

    Args:
        machines: how many.
        rounds: of each.
        spread: standard deviation over machines of a backend's log step time beside the others'.
        broken: the number of a machine, from 0 on, on which nothing succeeded.
        epochs: timed epochs of each trial.
        more: as of :func:`campaign`.
    """
    for number in range(machines):
        name = hashlib.sha256(f"machine {number}".encode()).hexdigest()[:32]
        chance = random.Random(name)  # noqa: S311 - made-up figures
        speed = chance.lognormvariate(0, 0.3)
        slower = {name: speed * chance.lognormvariate(0, spread) for name in STEP_S}
        given = {"run_id": f"run {number}", "machine_id": name, "slower": slower} | more
        model = f"Made-up CPU {1000 * (1 + number % 3)}"
        for one in campaign(rounds=rounds, epochs=epochs, **given):
            assert one.environment is not None
            there = msgspec.structs.replace(
                one.environment,
                hostname=f"node{number:03}",
                cpu=msgspec.structs.replace(one.environment.cpu, model=model),
            )
            made = msgspec.structs.replace(
                one,
                environment=there,
                device=msgspec.structs.replace(one.device, name=model),
            )
            yield failed(made, reason="no space left on device") if number == broken else made


def ladder_campaign(
    *,
    rounds: int,
    modes: Sequence[str] = ("fit", "tuned", "custom_loop", "native"),
    first_step_s: dict[str, float] | None = None,
    work: StepWork | None = WORK,
    **more: Any,
) -> Iterator[Record]:
    """One run of several modes, with work and rates in every record.

    Args:
        rounds: how many.
        modes: which, one after the other in a round.
        first_step_s: of a mode, on every backend, where it is not the backend's usual one.
        work: of a step.
        more: as of :func:`campaign`.
    """
    for place, mode in enumerate(modes):
        slower = dict.fromkeys(STEP_S, MODE_FACTOR[mode])
        began = BEGAN + dt.timedelta(seconds=1 + place)
        run_id = f"run-1 {mode}"  # draws figures of its own
        for one in campaign(
            rounds=rounds, mode=mode, slower=slower, began=began, run_id=run_id, **more
        ):
            rates = Rates(
                matmul_flops_per_s=3e11 * (1 + 0.01 * (one.round % 3)),
                copy_bytes_per_s=2e10,
                threads=2,
            )
            assert one.phases is not None
            first_s = (first_step_s or {}).get(mode, one.phases.first_step_s)
            yield msgspec.structs.replace(
                one,
                run_id="run-1",
                work=work,
                rates=rates,
                phases=msgspec.structs.replace(one.phases, first_step_s=first_s),
            )


def record(
    backend: str,
    *,
    step_s: float,
    metric: float,
    chance: random.Random,
    epochs: int,
    packages: dict[str, str] | None,
    machine_id: str,
) -> Record:
    """One complete record of a good trial."""
    timed = [
        Epoch(
            index=i,
            phase="quality" if i < 5 else "timing",
            steps=80,
            examples=80_000,
            wall_s=80 * step_s * chance.lognormvariate(0, 0.03)
            + (FIRST_STEP_S[backend] if i == 0 else 0.0),
            warm_up=i in {0, 5},
            train_loss=0.085 - 0.003 * min(i, 5),
            metric=metric + 0.0055 * (4 - i) if i < 5 else None,
            evaluate_s=0.01 if i < 5 else None,
        )
        for i in range(5 + epochs)
    ]
    return Record(
        status="ok",
        cell=Cell(scenario="ranking", backend=backend, device="cpu", settings=dict(SETTINGS)),  # type: ignore[arg-type]
        scenario_version=1,
        seed=42,
        repetition=1,
        campaign="made-up",
        round=1,
        started_at=BEGAN.isoformat(),
        duration_s=9.0,
        harness=Provenance(version="0.1.0", commit="c" * 40, dirty=False),
        device=DeviceInfo(kind="cpu", name="Made-up CPU", framework_id="cpu:0"),
        engine={"floatx": "float32", "jit_compile": backend == "jax", "run_eagerly": False},
        phases=Phases(
            import_s=1.2,
            data_s=0.02,
            build_s=0.4,
            first_step_s=FIRST_STEP_S[backend],
            predict_s=0.08,
            total_s=8.0,
        ),
        epochs=timed,
        quality=Quality(
            metric="root_mean_squared_error",
            direction="lower",
            value=metric,
            reference=0.25617,
            target=0.26702,
            time_to_target_s=sum(e.wall_s for e in timed[:4]),
        ),
        predictions=[
            Prediction(
                inputs={"user_id": 42, "movie_id": movie}, output=0.7, shown=3.0 + movie / 250
            )
            for movie in (204, 141, 131)
        ],
        memory=Memory(peak_rss_bytes=int(RSS_BYTES[backend] * chance.uniform(0.98, 1.02))),
        hashes=Hashes(
            table="a" * 64, split="b" * 64, initial_weights="c" * 64, final_weights="d" * 64
        ),
        environment=environment(backend, packages, machine_id),
        noise=Noise(
            probe_before_s=0.2 * chance.uniform(0.99, 1.01),
            probe_after_s=0.2 * chance.uniform(0.99, 1.01),
            training=Disturbance(
                elapsed_s=6.0,
                involuntary_switches=300,
                steal_share=0.0,
                busy_share=0.5,
                load_average=1.0,
                frequency_mhz=2_500.0,
                own_cpu_s=5.9,
            ),
        ),
    )


def environment(backend: str, packages: dict[str, str] | None, machine_id: str) -> Environment:
    """A machine of two cores with what a backend's environment holds."""
    common = {"keras": "3.15.1", "numpy": "2.4.6", "msgspec": "0.22.0", "h5py": "3.16.0"}
    return Environment(
        machine_id=machine_id,
        hostname="bench01",
        os="Debian GNU/Linux 12 (bookworm), Linux 6.1",
        python="CPython 3.11.7",
        cpu=Cpu(
            model="Made-up CPU 9000",
            architecture="x86_64",
            logical_cores=2,
            physical_cores=2,
            affinity=[0, 1],
        ),
        gpus=[],
        memory_total_bytes=25_300_000_000,
        memory_available_bytes=24_000_000_000,
        load_average=0.4,
        thread_pools=[],
        packages=common | PACKAGES[backend] | (packages or {}),
        variables={"KERAS_BACKEND": backend, "PYTHONHASHSEED": "0"},
    )


def failed(made: Record, *, reason: str = "out of memory", tail: str = "Killed") -> Record:
    """``made`` as the record of a trial that left no measurement."""
    return msgspec.structs.replace(
        made,
        status="killed",
        failure=Failure(reason=reason, signal="SIGKILL", output_tail=tail),
        epochs=[],
        quality=None,
        memory=None,
        phases=None,
        predictions=[],
    )
