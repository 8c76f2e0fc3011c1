"""The ladder: which rungs stand on it, and what each costs above the next."""

from __future__ import annotations

import math

import msgspec
import pytest

from harness.analysis.speed.pairs import verdicts_within
from harness.analysis.study import study_of
from harness.records.machine import Rates
from harness.records.trial import StepWork

MODES = {"fit": 0.004, "tuned": 0.003, "custom_loop": 0.0022, "native": 0.002}
WORK = StepWork(flops=2e8, bytes=1e7)
RATES = Rates(matmul_flops_per_s=2e11, copy_bytes_per_s=2e10, threads=2)


@pytest.fixture
def climbed(make_campaign):
    """Interleaved rounds of some backends in some modes."""

    def make(step_time_s=None, backends=("jax", "torch"), rounds=8, **changes):
        fields = {"work": WORK, "rates": RATES} | changes
        return [
            record
            for seed, (mode, step_s) in enumerate((step_time_s or MODES).items())
            for record in make_campaign(
                dict.fromkeys(backends, step_s), rounds, seed=seed, mode=mode, **fields
            )
        ]

    return make


def by_name(ladder):
    return {(rung.cell.backend, rung.cell.mode): rung for rung in ladder.rungs}


def test_one_mode_is_no_ladder(make_campaign):
    assert study_of(make_campaign({"jax": 0.002, "torch": 0.003})).ladders == []


def test_the_rungs_of_a_backend_stand_below_each_other(climbed):
    (ladder,) = study_of(climbed()).ladders
    assert [(rung.cell.backend, rung.cell.mode) for rung in ladder.rungs] == [
        (backend, mode) for backend in ("jax", "torch") for mode in MODES
    ]
    assert all(rung.trials == 8 for rung in ladder.rungs)


def test_a_rung_is_told_over_fit_over_native_and_over_the_floor(climbed):
    (ladder,) = study_of(climbed()).ladders
    tuned = by_name(ladder)["jax", "tuned"]
    assert tuned.over_fit.ratio == pytest.approx(0.75, rel=0.02)
    assert tuned.over_native.ratio == pytest.approx(1.5, rel=0.02)
    assert tuned.times_floor.value == pytest.approx(3.0, rel=0.02)
    assert (tuned.over_fit.kind, tuned.over_native.kind) == ("faster", "slower")
    fit, native = by_name(ladder)["jax", "fit"], by_name(ladder)["jax", "native"]
    assert (fit.over_fit, native.over_native) == (None, None)
    assert ladder.floor.step_s.value == pytest.approx(0.001)


def test_the_ratios_are_those_of_the_family_of_verdicts(climbed):
    records = climbed()
    (ladder,) = study_of(records).ladders
    (judged,) = [
        one.verdict
        for one in verdicts_within(records)
        if (one.pair.first.backend, one.pair.first.mode, one.pair.second.mode)
        == ("torch", "fit", "native")
    ]
    over = by_name(ladder)["torch", "fit"].over_native
    assert over == judged
    seen_from_below = by_name(ladder)["torch", "native"].over_fit
    assert math.log(seen_from_below.ratio) == pytest.approx(-math.log(judged.ratio))
    assert seen_from_below.confidence == judged.confidence


def test_the_best_keras_rung_is_the_one_nearest_to_native(climbed):
    (ladder,) = study_of(climbed()).ladders
    assert [(best.backend, best.mode) for best in ladder.best] == [
        ("jax", "custom_loop"),
        ("torch", "custom_loop"),
    ]
    given = ladder.best[0].over_native
    assert given.low < 1.1 < given.high
    (without,) = study_of(climbed({"fit": 0.004, "tuned": 0.003})).ladders
    assert without.best == []


def test_backends_are_held_against_each_other_mode_by_mode(climbed):
    (ladder,) = study_of(climbed(backends=("jax", "tensorflow", "torch"))).ladders
    assert len(ladder.across) == 4 * 3
    assert {one.first.mode for one in ladder.across} == set(MODES)
    assert all(one.first.mode == one.second.mode for one in ladder.across)
    assert all(one.first.backend != one.second.backend for one in ladder.across)


def test_every_pair_of_rungs_and_of_backends_has_its_break_even(climbed):
    (ladder,) = study_of(climbed()).ladders
    assert len(ladder.break_evens) == 4 * 1 + 2 * 6
    one = next(b for b in ladder.break_evens if (b.first.mode, b.second.mode) == ("fit", "native"))
    # The first steps cost the same, so that the second step decides.
    assert (one.cheaper, one.steps) == ("second", 2)


def test_a_mode_measured_in_a_run_of_its_own_has_no_ratio_but_stays_a_rung(climbed):
    records = climbed({"fit": 0.004}) + [
        msgspec.structs.replace(record, run_id="later") for record in climbed({"native": 0.002})
    ]
    (ladder,) = study_of(records).ladders
    assert len(ladder.rungs) == 4
    assert {rung.over_native for rung in ladder.rungs} == {None}
    assert {one.first.mode for one in ladder.break_evens} == {"fit", "native"}
    assert all(one.first.mode == one.second.mode for one in ladder.break_evens)


def test_other_settings_and_other_machines_make_ladders_of_their_own(climbed):
    wide = {"batch_size": 4096}
    records = climbed() + climbed(settings=wide, run_id="wide") + climbed(machine_id="machine-b")
    found = study_of(records).ladders
    assert [(one.cell.settings["batch_size"], one.machine_id) for one in found] == [
        (1000, "machine-a"),
        (4096, "machine-a"),
        (1000, "machine-b"),
    ]


def test_rungs_that_never_succeeded_stand_on_no_ladder(climbed):
    records = [
        msgspec.structs.replace(record, status="failed", epochs=[])
        if record.cell.mode == "native"
        else record
        for record in climbed()
    ]
    (ladder,) = study_of(records).ladders
    assert {rung.cell.mode for rung in ladder.rungs} == {"fit", "tuned", "custom_loop"}


def test_without_work_or_rates_there_is_a_ladder_without_a_floor(climbed):
    (ladder,) = study_of(climbed(work=None)).ladders
    assert ladder.floor is None
    assert {rung.times_floor for rung in ladder.rungs} == {None}
