"""Writes a fake interpreter whose parity child leaves made-up arrays; it imports no framework."""

from __future__ import annotations

import sys
from pathlib import Path

_SCRIPT = '''\
#!{python}
"""A fake interpreter: its parity child is a few lines of a test."""
import json, os, signal, sys
import harness
from pathlib import Path

if sys.argv[1] == "-c":
    answer = {{"missing": [], "version": harness.__version__, "python": "3", "packages": {{}}}}
    (Path(sys.argv[-1]) / "answer.json").write_text(json.dumps(answer))
    sys.exit()

if sys.argv[2:4] == ["harness.trial", "devices"]:
    (Path(sys.argv[-1]) / "answer.json").write_text(json.dumps(["cpu", "gpu"]))
    sys.exit()

import hashlib, io, msgspec
import numpy as np
from harness.records.parity import (
    AS_IT_IS, SPARSE_DUPLICATES, ParityRecord, ParityTask, Training, Variable, array_name, perturbed
)

folder = Path(sys.argv[-1])
task = msgspec.json.decode(sys.stdin.buffer.read(), type=ParityTask)
kernel = np.linspace(0.5, 1, 4, dtype=np.float32)
losses, metrics = [0.5, 0.4], [0.3]


def leave(kernel=kernel, losses=losses, squared=None, **changes):
    """`squared` is the test metric that a known behaviour of TensorFlow leads to, if it has it."""
    stages = ("start", "step-1", "epoch-1")
    extra = () if squared is None else (SPARSE_DUPLICATES.without, SPARSE_DUPLICATES.predicted)
    arrays = {{
        array_name(name, stage, "dense/kernel"): kernel
        for name in (AS_IT_IS, *extra) for stage in stages
    }}
    for name in (AS_IT_IS, *extra):
        arrays[array_name(name, "first-batch", "gradient of dense/kernel")] = kernel
    for name in (AS_IT_IS, perturbed(1), *extra):
        arrays[array_name(name, "optimizer", "update")] = kernel[np.newaxis]
    content = io.BytesIO()
    np.savez(content, **arrays)
    (folder / "arrays.npz").write_bytes(content.getvalue())
    drift = {{name.partition("/")[2]: 1e-6 for name in arrays}}
    without = Training(
        name=SPARSE_DUPLICATES.without, first_loss=0.5, losses=losses, metrics=metrics
    )
    plain = msgspec.structs.replace(
        without, name=AS_IT_IS, metrics=metrics if squared is None else [squared]
    )
    moved = msgspec.structs.replace(plain, name=perturbed(1), drift=drift)
    trainings = [plain, moved]
    if squared is not None:
        trainings += [without, msgspec.structs.replace(plain, name=SPARSE_DUPLICATES.predicted)]
    record = ParityRecord(
        status="ok", cell=task.cell, scenario_version=1, seed=task.seed,
        perturbations=task.perturbations, campaign=task.campaign,
        started_at="2026-01-01T00:00:00+00:00", duration_s=1.0, harness=task.harness,
        device="cpu:0", metric="loss", trainings=trainings,
        variables=[Variable(path="dense/kernel", shape=[4], trained=True)],
        arrays="arrays.npz", arrays_sha256=hashlib.sha256(content.getvalue()).hexdigest(),
    )
    record = msgspec.structs.replace(record, **changes)
    (folder / "answer.json").write_bytes(msgspec.json.encode(record))


{child}
'''


def write_fake_python(path: Path, child: str = "leave()") -> Path:
    """An executable at ``path`` whose parity child runs the lines ``child``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_SCRIPT.format(python=sys.executable, child=child), encoding="utf-8")
    path.chmod(0o755)
    return path
