"""The sentence on the first screen: never stronger than the verdicts behind it."""

from __future__ import annotations

import re
from importlib.util import find_spec

import msgspec
import pytest

from harness.analysis.study import study_of
from harness.backends import FACTS
from harness.report import format as fmt
from harness.report.outputs import markdown
from harness.report.sections.answer import answer, believable, facts
from harness.report.sections.compose import compose
from harness.report.sections.results import results
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
    assert said.quality == "Yes: test RMSE within 0.00050 on 10 common seeds."


def test_with_several_modes_the_answer_is_that_of_fit_and_the_command_repeats_all(answered):
    said = answered(list(ladder_campaign(rounds=12, modes=("native", "fit"))))
    assert said.settled
    assert re.match(
        r"Keras' fit takes [\d.]+× as long as native code on JAX \([\d.–]+\), [\d.]+× on "
        r"TensorFlow \([\d.–]+\), [\d.]+× on PyTorch \([\d.–]+\)\. JAX is fastest here under fit: ",
        said.sentence,
    )
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
    assert said.certainty == "Not as a ranking: there is no verdict."
    assert said.quality.startswith("Undecided: needs at least 4 seeds")


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
    assert "PyTorch learns better than JAX" in said.quality


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


def test_a_single_backend_is_measured_again_beside_the_missing_ones(answered):
    said = answered(list(campaign(rounds=6, backends=("torch",))))
    assert said.next_step.startswith("harness run ranking --backend jax,tf,torch --device cpu")
    assert said.next_step.endswith("--results results/interleaved")


def test_five_facts_answer_the_readers_questions(answered):
    said = answered(list(campaign(rounds=6)))
    told = {fact.question: fact for fact in facts(said)}
    assert list(told) == [
        "Do they learn the same?",
        "Can I believe it?",
        "What was compared?",
        "What next?",
        "What does it cost?",
    ]
    assert "6 interleaved rounds" in told["Can I believe it?"].text
    assert "First step: JAX " in told["What does it cost?"].text
    assert "jax 0.10.2, tensorflow 2.21.0, torch 2.13.0" in told["What was compared?"].text
    assert told["What next?"].command == said.repeat


def test_caveats_are_counted(answered):
    records = list(campaign(rounds=6))
    records[5] = failed(records[5])
    said = answered(records)
    assert "1 of 18 failed" in said.caveats
    assert "1 of 18 failed" in believable(said)


def test_every_note_says_itself_in_a_few_words(about):
    records = list(campaign(rounds=4, backends=("jax",), machine_id="a"))
    records += campaign(rounds=1, backends=("torch",), machine_id="b", run_id="other")
    records[0] = failed(records[0])
    records = [msgspec.structs.replace(record, synthetic=True) for record in records]
    notes = study_of(records, about=about).notes
    assert len(notes) > 4
    for note in notes:
        assert 1 <= len(note.brief.split()) <= 8


class TestASweep:
    def sweep(self, rounds, sizes=(16384, 256, 1000)):
        for place, size in enumerate(sizes):
            for record in campaign(rounds=rounds, run_id=f"run-{size}", epochs=8):
                settings = {**record.cell.settings, "batch_size": size}
                epochs = [
                    msgspec.structs.replace(epoch, wall_s=epoch.wall_s * size / 1000)
                    for epoch in record.epochs
                ]
                cell = msgspec.structs.replace(record.cell, settings=settings)
                yield msgspec.structs.replace(
                    record, cell=cell, epochs=epochs, round=record.round + 100 * place
                )

    def test_leads_with_how_a_step_grows_then_with_who_is_fastest_where(self, answered):
        said = answered(list(self.sweep(8)))
        assert re.match(
            r"From batch size 256 to 16,384 a step takes \d+× as long on JAX, \d+× on TensorFlow, "
            r"\d+× on PyTorch\. Fastest: JAX at 256, 1,000 and 16,384\. "
            r"At batch size 256, JAX is fastest here: ",
            said.sentence,
        )

    def test_without_a_verdict_says_so_at_its_value(self, answered):
        said = answered(list(self.sweep(3)))
        assert "At batch size 256 there is no verdict yet: each pair needs 4" in said.sentence


class TestRelative:
    def column(self, records, about):
        (table,) = results(study_of(records, about=about))
        place = [column.header for column in table.columns].index("relative")
        return {row[0]: row[place] for row in table.rows}

    def test_is_the_ratio_of_the_verdict_with_half_its_interval(self, about):
        records = list(campaign(rounds=10))
        told = self.column(records, about)
        assert told["jax"] == "1.00"
        for lead in answer(study_of(records, about=about)).leads:
            name = {"TensorFlow": "tensorflow", "PyTorch": "torch"}[lead.over]
            value, half = (float(part) for part in told[name].split(" ± "))
            assert value == pytest.approx(lead.ratio, abs=half)
            assert half == pytest.approx((lead.high - lead.low) / 2, rel=0.5)

    def test_has_no_interval_below_four_rounds_and_says_about(self, about):
        assert self.column(list(campaign(rounds=3)), about)["torch"].startswith("about 2.")

    def test_is_absent_where_no_two_share_a_round(self, about):
        blocks = [
            one
            for backend in ("jax", "torch")
            for one in campaign(rounds=6, backends=(backend,), run_id=f"run-{backend}")
        ]
        (table,) = results(study_of(blocks, about=about))
        assert "relative" not in [column.header for column in table.columns]


def test_every_output_has_the_same_figures_in_the_same_direction(about, printed):
    study = study_of(list(campaign(rounds=10)), about=about)
    said, document = answer(study), compose(study)
    json = msgspec.json.decode(msgspec.json.encode({"answer": said, "pairs": study.answers.pairs}))
    texts = {"terminal": printed(document, 200), "markdown": markdown.render(document)}
    if find_spec("altair") and find_spec("vl_convert"):
        from harness.report import html

        texts["page"] = re.sub(r"<[^>]+>", " ", html.render(document, study))
    margin = study.rule.margin
    for lead in said.leads:
        figure, interval = fmt.ratio(lead.ratio, lead.low, lead.high, margin=margin)
        relative = fmt.relative(lead.ratio, lead.low, lead.high, margin=margin)
        assert f"{figure} {lead.over} ({interval})" in said.sentence
        for name, text in texts.items():
            for shown in (figure, interval, relative):
                assert shown in text, (name, shown)
        (pair,) = [
            pair
            for pair in json["pairs"]
            if FACTS[pair["first"]["backend"]].label == lead.over
            and pair["second"]["backend"] == "jax"
        ]
        assert pair["speed"]["verdict"]["ratio"] == pytest.approx(lead.ratio)
        assert pair["speed"]["verdict"]["low"] == pytest.approx(lead.low)
        (standing,) = [one for one in json["answer"]["standings"] if one["name"] == lead.over]
        assert standing["relative"]["ratio"] == pytest.approx(lead.ratio)


def test_of_two_environments_with_names_no_other_backend_was_asked_for(answered):
    named = [
        msgspec.structs.replace(one, cell=msgspec.structs.replace(one.cell, name=name))
        for name, slower in (("old", 1.0), ("new", 1.3))
        for one in campaign(rounds=6, backends=("jax",), slower={"jax": slower})
    ]
    said = answered(named)
    assert said.sentence.startswith("JAX (old) is fastest here: ")
    assert "not measured" not in said.sentence
