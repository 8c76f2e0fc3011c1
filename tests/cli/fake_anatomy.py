"""Writes a fake interpreter whose anatomy child leaves made-up times; it imports no framework."""

from __future__ import annotations

import sys
from pathlib import Path

_SCRIPT = '''\
#!{python}
"""A fake interpreter: its anatomy child is a few lines of a test."""
import json, os, signal, sys
import harness
from pathlib import Path

if sys.argv[1] == "-c":
    answer = {{"missing": [], "version": harness.__version__, "python": "3", "packages": {{}}}}
    (Path(sys.argv[-1]) / "answer.json").write_text(json.dumps(answer))
    sys.exit()

import msgspec
from harness.records.anatomy import AGAIN, VARIANTS, AnatomyRecord, AnatomyTask, Variant, Visit

folder = Path(sys.argv[-1])
task = msgspec.json.decode(sys.stdin.buffer.read(), type=AnatomyTask)
STEP_S = dict(zip(VARIANTS, (10e-3, 10.1e-3, 9e-3, 8e-3, 7e-3, 6e-3, 1e-3)))


def leave(again_s=10.1e-3, without=(), **changes):
    times = STEP_S | {{AGAIN: again_s}}
    variants = [
        Variant(name=name, why="TypeError: no") if name in without else
        Variant(name=name, visits=[
            Visit(round=number, place=0, warm_up_s=1.0, epochs_s=[10 * step_s] * task.epochs)
            for number in range(1, task.rounds + 1)
        ])
        for name, step_s in times.items()
    ]
    record = AnatomyRecord(
        status="ok", cell=task.cell, scenario_version=1, seed=task.seed, process=task.process,
        campaign=task.campaign, run_id=task.run_id, started_at="2026-01-01T00:00:00+00:00",
        duration_s=1.0, harness=task.harness, device="cpu:0", optimizer="Adagrad",
        metrics=["loss"], steps=10, examples=100, variants=variants,
    )
    record = msgspec.structs.replace(record, **changes)
    (folder / "answer.json").write_bytes(msgspec.json.encode(record))


{child}
'''


def write_fake_python(path: Path, child: str = "leave()") -> Path:
    """An executable at ``path`` whose anatomy child runs the lines ``child``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_SCRIPT.format(python=sys.executable, child=child), encoding="utf-8")
    path.chmod(0o755)
    return path
