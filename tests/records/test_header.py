"""A record tells its task by the same fields, whatever kind of task it is."""

from __future__ import annotations

import msgspec
import pytest

from harness.records.anatomy import AnatomyRecord, AnatomyTask
from harness.records.cell import Cell
from harness.records.header import record_of
from harness.records.parity import ParityRecord, ParityTask
from harness.records.trial import Epoch, Provenance, Record, Trial

HEADER = {
    "cell": Cell(scenario="ranking", backend="jax", device="cpu"),
    "seed": 3,
    "campaign": "here",
    "table": "/table",
    "harness": Provenance(version="1"),
    "run_id": "run",
}
ENDED = {"status": "failed", "scenario_version": 7, "started_at": "now", "duration_s": 1.0}
TASKS = [
    (Trial(repetition=2, round=5, time_budget_s=1.0, **HEADER), Record),
    (ParityTask(perturbations=4, **HEADER), ParityRecord),
    (AnatomyTask(process=2, rounds=6, epochs=2, steps=10, **HEADER), AnatomyRecord),
]


@pytest.mark.parametrize(("task", "kind"), TASKS, ids=lambda each: getattr(each, "kind", ""))
def test_a_record_tells_what_was_asked(task, kind):
    record = record_of(task, kind, **ENDED)
    asked = set(task.__struct_fields__) & set(kind.__struct_fields__)
    for name in asked - {"steps"}:
        assert getattr(record, name) == getattr(task, name)
    assert msgspec.json.decode(msgspec.json.encode(task), type=type(task)) == task


def test_the_steps_of_an_anatomy_are_those_that_were_run_and_not_those_asked_for():
    task, kind = TASKS[2]
    assert record_of(task, kind, **ENDED).steps is None


def test_an_epoch_of_an_older_harness_has_no_cpu_time():
    old = {"index": 0, "phase": "quality", "steps": 1, "examples": 1, "wall_s": 1.0}
    old |= {"warm_up": False, "train_loss": None}
    assert msgspec.convert(old, Epoch).cpu_s is None
