"""Writes made-up campaigns as they would be left on disk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from harness.records.trial import Record
from harness.store import folder as store


def write(folder: Path, records: Iterable[Record]) -> Path:
    """Write records where a campaign would leave them; not synced, since they may be thousands."""
    for one in records:
        path = store.record_path(folder, one.cell, one.seed, one.repetition)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(one))
    return folder


def operations(folder: Path, backends: Sequence[str] = ("jax", "tensorflow", "torch")) -> Path:
    """Write latencies as pytest-benchmark saves them."""
    names = ["test_train_step", "test_evaluate_batch", "test_predict[3]", "test_predict[1000]"]
    for place, backend in enumerate(backends, start=1):
        benchmarks = [
            {
                "name": name,
                "extra_info": {"scenario": "ranking", "backend": backend, "device": "cpu"},
                "stats": {"median": 4e-4 * place * (i + 1), "iqr": 3e-5 * place, "rounds": 200},
            }
            for i, name in enumerate(names)
        ]
        content = {
            "benchmarks": benchmarks,
            "machine_info": {"node": "bench01"},
            "datetime": "2026-03-01T10:00:00",
        }
        path = folder / "benchmarks" / f"{backend}-cpu.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(content))
    return folder
