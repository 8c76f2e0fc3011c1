"""The sentence on the first screen: never stronger than the verdicts behind it."""

from __future__ import annotations

import re

import msgspec
import pytest

from harness.analysis.study import study_of
from harness.report.sections.answer import answer
from tests.report.made_up import campaign, failed, ladder_campaign


@pytest.fixture
def answered(about):
    def make(records):
        return answer(study_of(records, about=about))

    return make


def test_a_backend_that_beats_all_others_is_called_fastest_with_its_intervals(answered):
    said = answered(list(campaign(rounds=10)))
    assert said.settled
    assert re.fullmatch(
        r"JAX is fastest here: \d\.\d+× TensorFlow \([\d.–]+\), \d\.\d+× PyTorch \([\d.–]+\)\. "
        r"All three learn the same\.",
        said.sentence,
    )
    assert [lead.over for lead in said.leads] == ["TensorFlow", "PyTorch"]
    assert all(1 < lead.low < lead.ratio < lead.high for lead in said.leads)
    assert (said.fastest, said.mode, said.device) == ("JAX", "fit", "cpu")
    assert said.next_step is None
    assert "10 interleaved rounds" in said.certainty
    assert "learn the same: test RMSE within 0.00050 on 10 common seeds" in said.quality


def test_with_several_modes_the_answer_is_that_of_fit_and_the_command_repeats_all(answered):
    said = answered(list(ladder_campaign(rounds=12, modes=("native", "fit"))))
    assert said.settled
    assert said.sentence.startswith("JAX is fastest here under fit: ")
    assert "without Keras (native) all three lie within" in said.sentence
    assert [gap.mode for gap in said.gaps] == ["fit", "native"]
    assert len(said.modes) == 2
    assert "--mode fit,native" in said.repeat


def test_the_gap_of_a_mode_covers_every_pair_of_it(about):
    records = list(ladder_campaign(rounds=12, modes=("native", "fit")))
    study = study_of(records, about=about)
    for gap in answer(study).gaps:
        pairs = [
            pair.speed.verdict
            for pair in study.answers.pairs
            if pair.first.mode == pair.second.mode == gap.mode
        ]
        assert len(pairs) == 3
        assert all(1 / gap.high <= v.low * (1 + 1e-9) for v in pairs)
        assert all(v.high <= gap.high * (1 + 1e-9) for v in pairs)
        assert 1 <= gap.low <= gap.ratio <= gap.high


def test_where_fit_was_not_compared_another_mode_answers(answered):
    records = [
        record
        for record in ladder_campaign(rounds=12, modes=("fit", "native"))
        if record.cell.mode == "native" or record.cell.backend == "jax"
    ]
    assert "fastest here under native: " in answered(records).sentence


def test_with_three_rounds_nothing_is_settled(answered):
    said = answered(list(campaign(rounds=3)))
    assert not said.settled
    assert said.sentence.startswith(
        "No verdict yet: each pair needs 4 complete rounds, and there are 3."
    )
    assert said.next_step.startswith("harness run ranking --backend jax,tf,torch --device cpu")
    assert said.next_step.endswith(" --precision 3% --budget 10m")
    assert "no ranking" in said.certainty
    assert "undecided" in said.quality


def test_equally_fast_backends_are_called_so(answered):
    level = {"jax": 2.0, "tensorflow": 2.0 * 0.00173 / 0.00341}
    records = list(campaign(rounds=200, backends=("jax", "tensorflow"), slower=level, epochs=8))
    said = answered(records)
    assert said.settled
    assert said.fastest is None
    assert "JAX and TensorFlow are equally fast here, within 2%." in said.sentence


def test_a_difference_that_is_not_settled_names_no_winner(answered):
    near = {"jax": 1.0, "tensorflow": 1.015 * 0.00173 / 0.00341}
    said = answered(list(campaign(rounds=6, backends=("jax", "tensorflow"), slower=near, epochs=8)))
    assert re.search(r"JAX is [\d.–]+ times as fast as TensorFlow, ", said.sentence)
    assert not said.settled


def test_backends_measured_in_blocks_are_not_ranked(answered):
    blocks = [
        one
        for backend in ("jax", "torch")
        for one in campaign(rounds=6, backends=(backend,), run_id=f"run-{backend}")
    ]
    said = answered(blocks)
    assert said.sentence.startswith("No verdict: the backends ran one after the other")
    assert said.next_step.startswith("harness run ranking --backend jax,torch")
    assert not said.settled


def test_backends_on_different_machines_are_not_ranked(answered):
    apart = [
        one
        for backend in ("jax", "torch")
        for one in campaign(rounds=6, backends=(backend,), machine_id=f"machine-of-{backend}")
    ]
    assert "come from different machines" in answered(apart).sentence


def test_a_faster_backend_that_learns_worse_is_not_called_fastest(answered):
    records = [
        msgspec.structs.replace(
            one, quality=msgspec.structs.replace(one.quality, value=one.quality.value + 0.01)
        )
        if one.cell.backend == "jax"
        else one
        for one in campaign(rounds=8, backends=("jax", "torch"))
    ]
    said = answered(records)
    assert not said.settled
    assert "but learns worse" in said.sentence
    assert said.sentence.endswith("They do NOT all learn the same. TensorFlow was not measured.")
    assert "JAX learns worse than PyTorch" in said.quality


def test_a_backend_that_was_not_measured_is_named(answered):
    said = answered(list(campaign(rounds=6, backends=("jax", "torch"))))
    assert said.sentence.endswith("TensorFlow was not measured.")


def test_a_backend_whose_trials_all_failed_is_named(answered):
    records = [failed(one) if one.cell.backend == "torch" else one for one in campaign(rounds=6)]
    assert "No trial of PyTorch succeeded." in answered(records).sentence


def test_a_single_backend_is_no_ranking(answered):
    assert "only JAX was measured" in answered(list(campaign(rounds=6, backends=("jax",)))).sentence


def test_no_records_and_only_failed_ones_are_told_apart(answered):
    assert "no records yet" in answered([]).sentence
    lost = answered([failed(o) for o in campaign(rounds=1)])
    assert "no trial left a measurement" in lost.sentence


def test_the_command_repeats_the_campaign(answered):
    said = answered(list(campaign(rounds=6, backends=("jax", "tensorflow"))))
    assert said.repeat.startswith("harness run ranking --backend jax,tf --device cpu")
    assert "--seeds 42-47" in said.repeat
