"""Processes that take turns train what each would train alone, to the last bit."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import msgspec
import pytest

from harness.launch.child import LocalLauncher
from harness.launch.environments import Interpreter
from harness.probe import provenance
from harness.records.cell import Cell
from harness.records.trial import Trial
from harness.scenario import find, parse_settings
from harness.trial.measure import MINIMUM_TIMED_EPOCHS
from tests.launch.fakes import PLENTY

SETTINGS = {"data": "synthetic", "epochs": "3", "synthetic_ratings": "20000"}
MODES = ("fit", "custom_loop", "tuned")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no channel is handed down there")


@pytest.fixture(scope="module")
def launcher(backend, passed_on):
    python = Interpreter(backend=backend, python=Path(sys.executable), origin="this one")
    return LocalLauncher({backend: python}, timeout_s=300.0, pass_env=passed_on)


@pytest.fixture(scope="module", params=MODES)
def alone_and_in_turns(request, backend, launcher):
    """The record of a trial that ran alone, and of two of the same cell that took turns."""
    if (backend, request.param) == ("torch", "tuned"):
        pytest.skip("compiles for half a minute, and waits where custom_loop waits")
    trial = Trial(
        cell=Cell(
            scenario="ranking",
            backend=backend,
            device="cpu",
            mode=request.param,
            threads=1,  # sums are cut up by the number of threads
            settings=msgspec.to_builtins(parse_settings(find("ranking"), SETTINGS)),
        ),
        seed=42,
        repetition=1,
        campaign="test",
        round=1,
        time_budget_s=0.0,
        table=None,
        harness=provenance(),
    )
    other = msgspec.structs.replace(trial, repetition=2)
    return launcher.run(trial), launcher.run_in_turns([trial, other], PLENTY)


def test_weights_and_quality_are_the_same_to_the_last_bit(alone_and_in_turns):
    alone, in_turns = alone_and_in_turns
    for record in in_turns:
        assert record.status == alone.status == "ok", record.failure
        assert record.hashes == alone.hashes
        assert record.quality.value == alone.quality.value
        quality = [(e.train_loss, e.metric) for e in record.epochs if e.phase == "quality"]
        assert quality == [(e.train_loss, e.metric) for e in alone.epochs if e.phase == "quality"]
        assert record.predictions == alone.predictions


def test_one_trains_at_a_time_from_the_second_epoch_on(alone_and_in_turns):
    _, in_turns = alone_and_in_turns
    spans = [
        (epoch.began_s, epoch.began_s + epoch.wall_s + (epoch.evaluate_s or 0.0))
        for record in in_turns
        for epoch in record.epochs
    ]
    spans.sort()
    assert all(ended <= began for (_, ended), (began, _) in itertools.pairwise(spans))


def test_every_epoch_but_the_first_has_a_turn_that_the_other_process_had_too(alone_and_in_turns):
    alone, (first, second) = alone_and_in_turns
    turns = [[epoch.turn for epoch in record.epochs] for record in (first, second)]
    assert [one[0] for one in turns] == [None, None]
    assert set(turns[0][1:]) == set(turns[1][1:]) == set(range(max(turns[0][1:]) + 1))
    assert all(epoch.turn is None for epoch in alone.epochs)
    timed = [e for e in first.epochs if e.phase == "timing" and not e.warm_up]
    assert len(timed) >= MINIMUM_TIMED_EPOCHS


def test_the_records_tell_who_took_turns_and_how_quiet_it_was_to_wait(alone_and_in_turns):
    alone, (first, second) = alone_and_in_turns
    assert alone.turns is None
    assert first.turns.group == second.turns.group
    assert (first.turns.place, second.turns.place) == (0, 1)
    for record in (first, second):
        assert record.turns.waited_s > 0
        assert record.turns.waiting_cpu_s < 0.1 * record.turns.waited_s
        trained_s = sum(epoch.wall_s for epoch in record.epochs[1:])
        assert trained_s < record.noise.training.elapsed_s < record.duration_s
