"""What a folder of records answers: verdicts between backends, with what each of them learned."""

from __future__ import annotations

import statistics

import msgspec
import pytest

from harness.analysis.answers import turned
from harness.analysis.study import About, study_of
from harness.records.trial import Quality
from harness.scenario import Metric

TWO = {"jax": 0.002, "torch": 0.004}
METRIC = Metric(
    name="rmse",
    label="RMSE",
    direction="lower",
    reference=None,
    source="",
    target=None,
    tolerance=5e-4,
)
ABOUT = {"ranking": About(metric=METRIC, defaults={})}


def answers(records, about=ABOUT):
    return study_of(records, about=about).answers


class TestPairs:
    def test_say_which_is_faster_and_whether_they_learn_alike(self, make_campaign):
        (pair,) = answers(make_campaign(TWO, 8)).pairs
        assert (pair.first.backend, pair.second.backend) == ("torch", "jax")
        assert (pair.outcome, pair.quality.kind, pair.why) == ("slower", "equivalent", None)

    def test_the_faster_one_that_learns_worse_is_not_called_faster(self, make_campaign):
        (pair,) = answers(make_campaign(TWO, 8, rmse={"jax": 0.003})).pairs
        assert (pair.first.backend, pair.outcome) == ("torch", "slower, but learns better")
        assert pair.quality.kind == "better"

    def test_nor_is_it_when_it_stands_second(self, make_campaign):
        step_time_s = {"jax": 0.004, "torch": 0.002}
        (pair,) = answers(make_campaign(step_time_s, 8, rmse={"torch": 0.003})).pairs
        assert pair.outcome == "slower, but learns better"

    def test_are_all_of_three_backends(self, make_campaign):
        three = TWO | {"tensorflow": 0.003}
        names = [(p.first.backend, p.second.backend) for p in answers(make_campaign(three)).pairs]
        assert names == [("tensorflow", "jax"), ("torch", "jax"), ("torch", "tensorflow")]

    def test_name_the_slower_one_first_whichever_comes_first_by_name(self, make_campaign):
        level = {"jax": 0.004, "tensorflow": 0.003, "torch": 0.002}
        pairs = answers(make_campaign(level, 8)).pairs
        assert [(p.first.backend, p.second.backend) for p in pairs] == [
            ("jax", "tensorflow"), ("jax", "torch"), ("tensorflow", "torch"),
        ]  # fmt: skip
        for pair in pairs:
            found = pair.speed.verdict
            assert (pair.outcome, found.kind) == ("slower", "slower")
            assert 1 < found.low <= found.ratio <= found.high
            assert statistics.fmean(pair.speed.pair.log_ratios) > 0

    def test_turned_round_twice_is_the_same(self, make_campaign):
        (pair,) = answers(make_campaign(TWO, 8, rmse={"jax": 0.003})).pairs
        back = turned(turned(pair.speed.verdict))
        assert msgspec.structs.asdict(back) == pytest.approx(
            msgspec.structs.asdict(pair.speed.verdict)
        )

    def test_come_in_the_order_of_numbers_where_a_setting_is_one(self, make_campaign):
        records = [
            record
            for size in (16384, 256, 1000)
            for record in make_campaign(TWO, settings={"batch_size": size})
        ]
        study = study_of(records, about=ABOUT)
        sizes = [row.cell.settings["batch_size"] for row in study.rows]
        assert sizes == [256, 256, 1000, 1000, 16384, 16384]
        pairs = [pair.first.settings["batch_size"] for pair in study.answers.pairs]
        assert pairs == [256, 1000, 16384]

    def test_of_different_settings_are_none(self, make_campaign):
        records = make_campaign({"jax": 0.002}) + make_campaign({"torch": 0.004}, threads=2)
        assert answers(records).pairs == []


class TestModes:
    @pytest.fixture
    def records(self, make_campaign):
        native = {"jax": 0.001, "torch": 0.001}
        return make_campaign(TWO, 12, spread=0.004) + make_campaign(
            native, 12, spread=0.004, seed=2, mode="native"
        )

    def test_pairs_are_of_backends_in_one_mode_then_of_modes_on_one_backend(self, records):
        names = [
            (p.first.backend, p.first.mode, p.second.backend, p.second.mode, p.outcome)
            for p in answers(records).pairs
        ]
        assert names == [
            ("torch", "fit", "jax", "fit", "slower"),
            names[1],
            ("jax", "fit", "jax", "native", "slower"),
            ("torch", "fit", "torch", "native", "slower"),
        ]
        # Which of two equal ones seems slower is chance.
        assert {names[1][0], names[1][2]} == {"jax", "torch"}
        assert (names[1][1], names[1][4]) == ("native", "equivalent")

    def test_learn_the_same_if_they_end_alike_on_equal_seeds(self, records):
        assert {pair.quality.kind for pair in answers(records).pairs} == {"equivalent"}

    def test_what_each_learned_is_told_mode_by_mode(self, records):
        cells = [(one.cell.mode, one.cell.backend) for one in answers(records).learned]
        assert cells == [
            ("fit", "jax"), ("fit", "torch"), ("native", "jax"), ("native", "torch"),
        ]  # fmt: skip

    def test_measured_in_runs_of_their_own_cannot_be_ranked(self, make_campaign):
        records = [
            *make_campaign({"jax": 0.002}, run_id="first"),
            *make_campaign({"jax": 0.001}, run_id="second", mode="native"),
        ]
        (pair,) = answers(records).pairs
        assert (pair.speed, pair.why) == (
            None,
            "not measured in common rounds, so that they may have drifted apart",
        )


class TestNoVerdict:
    def test_below_four_rounds(self, make_campaign):
        (pair,) = answers(make_campaign(TWO, 3)).pairs
        assert pair.why == "needs at least 4 complete rounds, here are 3"

    def test_of_backends_that_were_measured_one_after_the_other(self, make_campaign):
        records = [
            *make_campaign({"jax": 0.002}, run_id="first"),
            *make_campaign({"torch": 0.004}, run_id="second"),
        ]
        (pair,) = answers(records).pairs
        assert pair.speed is None
        assert pair.why == "not measured in common rounds, so that they may have drifted apart"
        assert pair.quality.kind == "equivalent"

    def test_of_different_machines(self, make_campaign):
        records = [
            *make_campaign({"jax": 0.002}),
            *make_campaign({"torch": 0.004}, machine_id="machine-b"),
        ]
        (pair,) = answers(records).pairs
        assert pair.why == "measured on different machines, which cannot be ranked"


class TestQuality:
    def test_of_a_cell_is_told_by_seed_and_over_seeds(self, make_campaign):
        (jax, _) = answers(make_campaign(TWO, 6)).learned
        assert list(jax.seeds) == [1, 2, 3, 4, 5, 6]
        assert jax.location.low < 0.259 < jax.location.high

    def test_below_four_seeds_has_no_interval(self, make_campaign):
        assert answers(make_campaign(TWO, 3)).learned[0].location is None

    def test_time_to_target_is_that_of_the_trials_that_got_there(self, make_campaign):
        records = make_campaign({"jax": 0.002}, 5)
        never = msgspec.structs.replace(records[0].quality, time_to_target_s=None)
        records[0] = msgspec.structs.replace(records[0], quality=never)
        (jax,) = answers(records).learned
        assert (jax.reached, jax.trials, jax.time_to_target_s.n) == (4, 5, 4)

    def test_without_a_target_there_is_none(self, make_campaign):
        quality = Quality(metric="recall", direction="higher", value=0.3)
        (jax,) = answers(make_campaign({"jax": 0.002}, quality=quality)).learned
        assert (jax.reached, jax.time_to_target_s) == (None, None)

    def test_without_a_tolerance_pairs_are_not_judged_by_it(self, make_campaign):
        (pair,) = answers(make_campaign(TWO), about={}).pairs
        assert pair.quality is None

    def test_of_several_pairs_is_one_family(self, make_campaign):
        three = TWO | {"tensorflow": 0.003}
        (pair, *_) = answers(make_campaign(three, 8)).pairs
        assert pair.quality.confidence == pytest.approx(1 - 0.05 / 3)


def test_an_empty_folder_answers_nothing():
    found = answers([])
    assert found.pairs == found.learned == []


def test_failed_trials_answer_nothing(make_campaign):
    records = [msgspec.structs.replace(r, status="timeout") for r in make_campaign(TWO)]
    assert answers(records).pairs == []
