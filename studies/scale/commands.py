"""Print what ``harness compare`` and ``harness report`` take on 10,000 records: time and memory.

Nothing is asserted: seconds are those of the machine that it runs on. It writes its records to a
temporary folder first, which takes about a minute::

    python -m studies.scale.commands
    python -m studies.scale.commands --records 2000 --epochs 20
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np

from harness.records.cell import Cell
from harness.records.machine import Cpu, Environment, Noise
from harness.records.trial import Epoch, Hashes, Memory, Phases, Provenance, Quality, Record
from harness.store import folder as store

STEP_TIME_S = {"jax": 0.0018, "tensorflow": 0.0034, "torch": 0.0045}
STEPS = 80
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
COMMANDS = (["compare", "before", "after", "--fail-on", "slower:5%,worse:0.002"], ["report", "."])


def record(backend: str, number: int, epochs: int, run_id: str, rng: np.random.Generator) -> Record:
    """A made-up trial of the size of a real one: so many epochs, 120 packages, 30 variables."""
    wall_s = (
        STEPS * STEP_TIME_S[backend] * np.exp(rng.normal(0, 0.03) + rng.normal(0, 0.04, epochs))
    )
    value = 0.259 + float(rng.normal(0, 0.0026))
    return Record(
        status="ok",
        cell=Cell(scenario="ranking", backend=backend, device="cpu", settings={"batch_size": 1000}),
        scenario_version=1,
        seed=number,
        repetition=1,
        campaign=run_id,
        round=number,
        run_id=run_id,
        started_at=(START + number * dt.timedelta(minutes=1)).isoformat(),
        duration_s=12.0,
        harness=Provenance(version="0.1.0"),
        engine={"jit_compile": True, "floatx": "float32"},
        phases=Phases(import_s=2, data_s=0.1, build_s=0.2, first_step_s=0.5, total_s=12),
        epochs=[
            Epoch(
                index=i,
                phase="quality" if i < 5 else "timing",
                steps=STEPS,
                examples=80_000,
                wall_s=float(wall_s[i]),
                warm_up=i in {0, 5},
                train_loss=0.1,
                metric=value if i < 5 else None,
            )
            for i in range(epochs)
        ],
        quality=Quality(
            metric="root_mean_squared_error",
            direction="lower",
            value=value,
            target=0.267,
            time_to_target_s=1.0,
        ),
        memory=Memory(peak_rss_bytes=int(6e8 * (1 + rng.normal(0, 0.003)))),
        hashes=Hashes(table="a" * 64, split="b" * 64, initial_weights="c" * 64, final_weights="d"),
        environment=Environment(
            machine_id="machine-a",
            hostname="host",
            os="Linux",
            python="CPython 3.11.7",
            cpu=Cpu(
                model="CPU",
                architecture="x86_64",
                logical_cores=2,
                physical_cores=1,
                affinity=[0, 1],
            ),
            gpus=[],
            memory_total_bytes=8_000_000_000,
            memory_available_bytes=7_000_000_000,
            load_average=0.1,
            thread_pools=[],
            packages={f"package-{i}": f"1.{i}" for i in range(120)} | {"keras": "3.15.1"},
            variables={f"VARIABLE_{i}": "value" for i in range(30)},
        ),
        noise=Noise(probe_before_s=0.2, probe_after_s=0.2),
    )


def fill(root: Path, records: int, epochs: int) -> None:
    """Two campaigns with so many records together."""
    rng = np.random.default_rng(1)
    rounds = -(-records // (2 * len(STEP_TIME_S)))
    for name, number in itertools.product(("before", "after"), range(1, rounds + 1)):
        for backend in STEP_TIME_S:
            made = record(backend, number, epochs, name, rng)
            path = store.record_path(root / name, made.cell, made.seed, made.repetition)
            path.parent.mkdir(parents=True, exist_ok=True)
            # As the store writes them, but without waiting for the disk each time.
            path.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1))


def measure(command: list[str], root: Path) -> str:
    """One run of the command line: wall time, processor time and peak memory."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *command], cwd=root, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started
    cpu_s = usage.ru_utime + usage.ru_stime
    peak_mb = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    code = os.waitstatus_to_exitcode(status)
    return (
        f"{wall_s:6.2f} s  {cpu_s:6.2f} s CPU  {peak_mb:5.0f} MB  exit {code}  {' '.join(command)}"
    )


def main() -> None:
    """Make the records, run each command three times, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=40, help="Of each trial.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        fill(root, asked.records, asked.epochs)
        files = list(root.rglob("*.json"))
        size_mb = sum(file.stat().st_size for file in files) / 1e6
        print(f"{len(files):,} records of {asked.epochs} epochs, {size_mb:.0f} MB")
        for command in COMMANDS:
            for _ in range(3):
                print(measure(command, root))


if __name__ == "__main__":
    main()
