"""Several machines together: the random-effects model, and what a folder of several has of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from harness.analysis.speed.machines import combined, pooled
from harness.analysis.speed.pairs import CellPair, Judging, judged
from harness.analysis.study import study_of
from harness.records.cell import Cell
from studies.machines.coverage import held, simulate, without_floor
from tests.report.made_up import campaign, failed

RULE = Judging(margin=0.02, sequential=False)
JAX, TORCH = (Cell(scenario="ranking", backend=name, device="cpu") for name in ("jax", "torch"))


def pair(machine, log_ratios, first=TORCH, second=JAX, **apart):
    return CellPair(
        first=first,
        second=second,
        machine_id=machine,
        log_ratios=tuple(log_ratios),
        disturbed=0,
        incomplete=0,
        first_apart={"machine": machine} | apart,
        second_apart={"machine": machine},
    )


def of(samples, **more):
    """The combination of machines that measured these log-ratios, by name."""
    verdicts = judged([pair(m, s, **more) for m, s in samples.items()])
    return combined({"a pair": verdicts}, RULE)["a pair"]


def drawn(centres, *, noise=0.02, rounds=6, seed=0):
    draws = np.random.default_rng(seed)
    return {f"m{i}": c + noise * draws.normal(size=rounds) for i, c in enumerate(centres)}


class TestTheModel:
    @pytest.mark.filterwarnings("ignore:`use_t=True` requires `nobs`")
    @pytest.mark.parametrize("seed", range(20))
    def test_it_is_that_of_statsmodels(self, seed):
        draws = np.random.default_rng(seed)
        count = int(draws.integers(2, 30))
        variances = 0.05**2 * draws.uniform(0.1, 2.0, size=count)
        effects = 0.3 + 0.1 * draws.normal(size=count)
        found = pooled(effects, variances, confidence=0.98)
        said = combine_effects(effects, variances, method_re="dl", use_t=True, alpha=0.02)
        *_, knapp = said.conf_int(alpha=0.02)
        assert said.tau2 > 0  # else statsmodels lets it be negative
        assert found.variance == pytest.approx(said.tau2)
        assert found.mean == pytest.approx(said.mean_effect_re)
        excess = said.var_hksj_re / said.sd_eff_w_re**2
        wider = math.sqrt(max(1.0, excess) / excess)
        assert found.high - found.mean == pytest.approx(wider * (knapp[1] - found.mean))
        assert found.low + found.high == pytest.approx(2 * found.mean)

    def test_machines_that_agree_by_chance_have_the_model_s_own_error(self):
        found = pooled([0.3] * 5, [0.01**2] * 5)
        assert found.variance == 0.0
        t = 2.776  # of four degrees of freedom, at 95%
        assert found.high - found.mean == pytest.approx(t * 0.01 / math.sqrt(5), rel=1e-3)

    def test_rounds_that_are_equal_to_the_last_digit_are_no_division_by_zero(self):
        alike = pooled([0.3] * 3, [0.0] * 3)
        assert (alike.mean, alike.variance) == (pytest.approx(0.3), 0.0)
        assert alike.high - alike.low < 1e-4
        apart = pooled([0.2, 0.3, 0.4], [0.0] * 3)
        assert math.sqrt(apart.variance) == pytest.approx(0.1, rel=1e-4)
        assert apart.low == pytest.approx(0.3 - 4.303 * 0.1 / math.sqrt(3), abs=1e-3)

    def test_one_exact_machine_does_not_outvote_the_others(self):
        found = pooled([0.0, 0.3, 0.3, 0.3], [0.0, 0.01**2, 0.01**2, 0.01**2])
        assert found.mean > 0.15

    @pytest.mark.parametrize("noise", [0.02, 0.05])
    @pytest.mark.parametrize("spread", [0.0, 0.02, 0.05])
    def test_the_interval_of_100_machines_holds_the_truth_in_93_to_97_percent(self, noise, spread):
        share, _ = held(simulate(100, rounds=(4, 12), spread=spread, noise=noise))
        assert 0.93 <= share <= 0.97

    @pytest.mark.parametrize("machines", [3, 5, 10])
    @pytest.mark.parametrize("spread", [0.02, 0.05, 0.2])
    def test_that_of_a_few_machines_holds_it_where_it_would_not_without_a_floor(
        self, machines, spread
    ):
        sample = simulate(machines, rounds=(4, 12), spread=spread)
        assert 0.93 <= held(sample)[0] <= 0.97
        assert without_floor(sample)[0] < held(sample)[0]

    @pytest.mark.parametrize("spread", [0.0, 0.05])
    def test_rare_slow_rounds_leave_it_its_truth(self, spread):
        share, _ = held(simulate(100, rounds=(4, 12), spread=spread, heavy=True))
        assert 0.92 <= share <= 0.97


class TestPairs:
    def test_the_slower_one_comes_first_and_every_machine_keeps_its_figures(self):
        samples = drawn([math.log(2.0), math.log(2.2), math.log(1.8)])
        found = of({name: -each for name, each in samples.items()}, first=JAX, second=TORCH)
        assert (found.first, found.second, found.kind) == (TORCH, JAX, "slower")
        alone = judged([pair(name, each) for name, each in samples.items()])
        assert [one.ratio for one in found.machines] == [
            pytest.approx(one.verdict.ratio) for one in alone
        ]
        assert [one.low for one in found.machines] == [
            pytest.approx(one.verdict.low) for one in alone
        ]
        assert found.low < 2.0 < found.high
        assert found.range == (found.machines[2].ratio, found.machines[1].ratio)

    def test_the_spread_is_that_between_machines_without_that_of_rounds(self):
        draws = np.random.default_rng(2)
        centres = 0.5 + 0.10 * draws.normal(size=400)
        found = of(drawn(centres, noise=0.10, rounds=8))
        assert found.spread == pytest.approx(math.expm1(0.10), rel=0.15)
        assert of(drawn([0.5] * 400, noise=0.10, rounds=8)).spread < 0.03

    def test_machines_that_disagree_make_the_interval_wide(self):
        found = of(drawn([math.log(2), math.log(0.5), math.log(2), math.log(0.5)]))
        assert found.kind == "inconclusive"
        assert {one.kind for one in found.machines} == {"slower", "faster"}

    def test_a_machine_of_three_rounds_is_listed_and_in_no_figure(self):
        samples = drawn([0.7, 0.7, 0.7])
        found = of(samples | {"short": [3.0, 3.0, 3.0], "empty": []})
        assert len(found.counting) == 3
        assert found.ratio == of(samples).ratio
        assert [(one.machine_id, one.rounds, one.low) for one in found.machines[3:]] == [
            ("short", 3, None),
            ("empty", 0, None),
        ]
        assert found.machines[-1].ratio is None

    def test_two_machines_have_a_ratio_and_no_interval(self):
        found = of(drawn([0.6, 0.8]))
        assert (found.low, found.high, found.kind) == (None, None, "inconclusive")
        assert found.ratio == pytest.approx(math.exp(0.7), rel=0.03)

    def test_one_machine_is_no_combination(self):
        alone = judged([pair("a", [0.7] * 6), pair("b", [0.7] * 3)])
        assert combined({"a pair": alone}, RULE) == {}
        assert combined({}, RULE) == {}

    def test_pairs_share_the_error(self):
        samples = drawn([0.6, 0.7, 0.8, 0.7])
        verdicts = judged([pair(name, each) for name, each in samples.items()])
        wide = combined({"a pair": verdicts, "another": verdicts}, RULE)["a pair"]
        narrow = combined({"a pair": verdicts}, RULE)["a pair"]
        assert wide.low < narrow.low < narrow.high < wide.high

    def test_what_every_machine_says_of_a_row_stays(self):
        found = of(drawn([0.6, 0.7, 0.8]), keras="3.15.1")
        assert found.first_apart == {"keras": "3.15.1"}
        assert found.second_apart == {}


class TestAFolder:
    @staticmethod
    def cluster(names="abc", rounds=6, **more):
        return [
            record
            for name in names
            for record in campaign(rounds=rounds, machine_id=name, run_id=f"run {name}", **more)
        ]

    def test_of_three_machines_has_every_pair_of_backends(self):
        found = study_of(self.cluster()).combined
        assert [(one.first.backend, one.second.backend) for one in found] == [
            ("tensorflow", "jax"),
            ("torch", "jax"),
            ("torch", "tensorflow"),
        ]
        assert [m.machine_id for m in found[0].machines] == ["a", "b", "c"]
        assert {one.kind for one in found} == {"slower"}

    def test_of_one_machine_has_none(self):
        assert study_of(self.cluster("a")).combined == []

    def test_two_slots_of_a_machine_are_that_machine(self):
        slot = list(campaign(rounds=3, machine_id="a", run_id="another slot"))
        records = [*self.cluster(rounds=3), *slot]
        counted = study_of(records).combined
        assert counted == []  # machine a has six rounds now, and no other has four
        (first, *_) = study_of([*self.cluster(rounds=4), *slot]).combined
        assert [m.rounds for m in first.machines] == [7, 4, 4]

    def test_backends_of_different_machines_are_no_pair(self):
        records = [
            record
            for name, backend in (("a", "jax"), ("b", "torch"), ("c", "jax"), ("d", "torch"))
            for record in campaign(rounds=6, machine_id=name, backends=[backend], run_id=name)
        ]
        assert study_of(records).combined == []

    def test_of_two_sets_of_versions_mixes_none(self):
        new = {"keras": "3.16.0"}
        records = self.cluster("ab") + self.cluster("cd", packages=new)
        found = study_of(records).combined
        assert len(found) == 6
        assert {one.first_apart["keras"] for one in found} == {"3.15.1", "3.16.0"}
        assert {tuple(m.machine_id for m in one.machines) for one in found} == {
            ("a", "b"),
            ("c", "d"),
        }

    def test_a_machine_where_nothing_succeeded_takes_nothing_away(self):
        alone = study_of(self.cluster()).combined
        broken = [failed(r) for r in campaign(rounds=6, machine_id="broken", run_id="broken")]
        study = study_of([*self.cluster(), *broken])
        assert study.combined == alone
        assert [(r.machine_id, r.good, r.failed) for r in study.rows if not r.good] == [
            ("broken", 0, 6)
        ] * 3

    def test_what_a_machine_says_does_not_hang_on_how_many_there_are(self):
        alone = study_of(self.cluster("a")).verdicts
        among = study_of(self.cluster("abcdef")).verdicts
        assert next(one for one in among if one.pair.machine_id == "a").verdict == alone[0].verdict
