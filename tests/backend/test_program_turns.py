"""Scripts that take turns: each runs to its end as one alone does, then goes on epoch by epoch."""

from __future__ import annotations

import itertools
import sys
import textwrap
import time
from pathlib import Path

import msgspec
import pytest

from harness.analysis.speed.turns import paired_by_turn
from harness.launch.child import LocalLauncher
from harness.launch.environments import Interpreter
from harness.probe import provenance
from harness.records.cell import Cell
from harness.records.trial import Trial
from tests.backend.scripts import FIT, MODEL
from tests.launch.fakes import PLENTY

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no channel is handed down there")

ON_BATCH = """
for _ in range(20):
    model.train_on_batch(x[:16], y[:16])
"""

GENERATOR = """
def batches():
    for _ in range(2):
        for start in range(0, 96, 16):
            yield x[start:start + 16], y[start:start + 16]

model.fit(batches(), epochs=1, verbose=0)
"""

LEAVES_A_PROCESS = """
import os, time
if os.fork() == 0:
    os.closerange(0, 3)
    time.sleep(120)
    os._exit(0)
"""


@pytest.fixture
def launch(backend, passed_on, tmp_path):
    """Runs a script alone, and two of it in turns."""
    python = Interpreter(backend=backend, python=Path(sys.executable), origin="this one")
    path = tmp_path / "train.py"
    launcher = LocalLauncher(
        {backend: python}, timeout_s=300.0, pass_env=passed_on, program=str(path)
    )

    def launch(text, *, alone=False, budget_s=0.6):
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        settings = {"arguments": "", "fit": "last", "metric": "auto"}
        cell = Cell(
            scenario="train.py", backend=backend, device="cpu", threads=1, settings=settings
        )
        trial = Trial(
            cell=cell,
            seed=3,
            repetition=1,
            campaign="test",
            round=1,
            time_budget_s=budget_s,
            table=None,
            harness=provenance(),
        )
        if alone:
            return launcher.run(trial)
        other = msgspec.structs.replace(trial, repetition=2)
        records = launcher.run_in_turns([trial, other], PLENTY)
        assert [record.status for record in records] == ["ok", "ok"], records[0].failure
        return records

    return launch


def spans(records):
    found = [
        (epoch.began_s, epoch.began_s + epoch.wall_s)
        for record in records
        for epoch in record.epochs
        if epoch.turn is not None
    ]
    return sorted(found)


def turns(record):
    return {epoch.turn for epoch in record.epochs} - {None}


def test_a_script_learns_in_turns_what_it_learns_alone(launch):
    script = MODEL + FIT + "model.evaluate(x, y, verbose=0)\n"
    alone, records = launch(script, alone=True), launch(script)
    assert alone.status == "ok", alone.failure
    assert alone.turns is None
    for record in records:
        assert record.hashes == alone.hashes
        assert record.quality.value == alone.quality.value
        assert record.took_turns
        own = [epoch for epoch in record.epochs if epoch.phase == "quality"]
        further = [epoch for epoch in record.epochs if epoch.phase == "timing"]
        assert [epoch.turn for epoch in own] == [None, None]
        assert all(epoch.turn is not None for epoch in further)
        assert len(turns(record)) >= 6
        assert record.noise.training.elapsed_s < record.duration_s
    assert len({record.turns.group for record in records}) == 1
    assert paired_by_turn(*records)
    assert all(ended <= began for (_, ended), (began, _) in itertools.pairwise(spans(records)))


@pytest.mark.parametrize("budget_s", [0.0, 0.6])
def test_calls_of_train_on_batch_take_turns_too(launch, budget_s):
    first, second = records = launch(MODEL + ON_BATCH, budget_s=budget_s)
    assert min(len(turns(record)) for record in records) >= 6
    assert paired_by_turn(first, second)
    assert first.program.training == "train_on_batch"
    assert all(ended <= began for (_, ended), (began, _) in itertools.pairwise(spans(records)))


def test_one_that_cannot_be_repeated_takes_no_turn_and_holds_nobody_up(launch):
    for record in launch(MODEL + GENERATOR):
        assert record.turns is None
        assert any("used up" in remark for remark in record.program.remarks)


def test_what_a_script_leaves_running_holds_nobody_up(launch):
    began_s = time.monotonic()
    records = launch(LEAVES_A_PROCESS + MODEL + FIT)
    assert paired_by_turn(*records)
    assert time.monotonic() - began_s < 100


def test_a_script_of_many_epochs_is_repeated_where_it_takes_turns(launch):
    script = MODEL + "model.fit(x, y, batch_size=16, epochs=20, verbose=0)\n"
    alone = launch(script, alone=True, budget_s=0.0)
    assert alone.program.repeated_epochs == 0
    first, second = launch(script, budget_s=0.0)
    # Many of its short epochs are one turn, and one sample.
    assert min(len(turns(record)) for record in (first, second)) >= 6
    assert paired_by_turn(first, second)
