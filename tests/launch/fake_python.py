"""Writes a fake interpreter: a script that answers what a launcher asks a backend's Python."""

from __future__ import annotations

import sys
from pathlib import Path

_SCRIPT = '''\
#!{python}
"""A fake interpreter: it imports no framework, and its trial is a few lines of a test."""
import json, os, signal, subprocess, sys
import harness
from pathlib import Path

record_path = Path(sys.argv[-1]) / "answer.json"
if sys.argv[1] == "-c":
    record_path.write_text(json.dumps({{"missing": {missing!r}, "version": {version}}}))
    sys.exit()
if sys.argv[2:4] == ["harness.trial", "devices"]:
    print("a greeting of the framework")
    record_path.write_text(json.dumps({kinds!r}))
    sys.exit()

import msgspec
from harness.records.preflight import Answer, PreflightTask, Refusal
from harness.records.trial import Epoch, Quality, Record, Trial

if sys.argv[3] == "preflight":
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=PreflightTask)
    refusals = [Refusal(cell=cell, reason=reason) for cell in task.cells
                for mode, reason in {refused!r}.items() if cell.mode == mode]
    record_path.write_bytes(msgspec.json.encode(Answer(refusals=refusals)))
    sys.exit()

trial = msgspec.json.decode(sys.stdin.buffer.read(), type=Trial)
good = Record(
    status="ok", cell=trial.cell, scenario_version=0, seed=trial.seed,
    repetition=trial.repetition, campaign=trial.campaign, round=trial.round,
    started_at="2026-01-01T00:00:00+00:00", duration_s=1.0, harness=trial.harness,
    run_id=trial.run_id,
    epochs=[Epoch(index=0, phase="quality", steps=10, examples=100, wall_s=0.02, warm_up=False,
                  train_loss=0.1, metric=0.5)],
    quality=Quality(metric="loss", direction="lower", value=0.5),
)

def leave(record):
    record_path.write_bytes(msgspec.json.encode(record))

{trial}
'''


def write_fake_python(
    path: Path,
    trial: str = "leave(good)",
    *,
    kinds: list[str] | None = None,
    missing: list[str] | None = None,
    version: str = "harness.__version__",
    refused: dict[str, str] | None = None,
) -> Path:
    """An executable at ``path`` whose trial runs the lines ``trial``.

    Its pre-flight refuses the modes of ``refused``, each with its reason.
    """
    script = _SCRIPT.format(
        python=sys.executable,
        trial=trial,
        kinds=kinds or ["cpu"],
        missing=missing or [],
        version=version,
        refused=refused or {},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)
    return path
