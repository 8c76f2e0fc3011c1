"""The estimate of a ratio and its interval."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.analysis.speed.interval import (
    bounds,
    interval,
    method_at,
    relative_half_width,
    signed_rank_order,
    walsh_averages,
)

samples = st.lists(st.floats(-1, 1).map(lambda x: round(x, 6)), min_size=4, max_size=20)


class TestEstimate:
    def test_it_is_the_median_of_the_means_of_all_pairs(self):
        values = [0.1, 0.4, 0.2, 0.9]
        means = [(values[i] + values[j]) / 2 for i in range(4) for j in range(i, 4)]
        assert interval(values).estimate == pytest.approx(np.median(means))

    def test_one_process_of_eight_at_twice_the_time_moves_it_by_less_than_half_the_spread(self):
        quiet = [-0.03, -0.02, -0.01, 0.0, 0.01, 0.02, 0.03, 0.0]
        disturbed = [*quiet[:-1], math.log(2)]
        moved = interval(disturbed).estimate - interval(quiet).estimate
        assert 0 < moved < np.std(quiet) / 2
        assert np.mean(disturbed) - np.mean(quiet) > 0.08

    @given(samples)
    def test_exchanging_the_cells_turns_estimate_and_interval_round(self, values):
        forward, backward = interval(values), interval([-v for v in values])
        assert backward.estimate == pytest.approx(-forward.estimate, abs=1e-12)
        assert (backward.low, backward.high) == pytest.approx((-forward.high, -forward.low))

    @given(samples, st.floats(-2, 2))
    def test_a_factor_on_one_cell_moves_all_three_alike(self, values, shift):
        before, after = interval(values), interval([v + shift for v in values])
        moved = (after.estimate, after.low, after.high)
        expected = (before.estimate + shift, before.low + shift, before.high + shift)
        assert moved == pytest.approx(expected, abs=1e-9)

    @given(samples)
    def test_the_interval_holds_the_estimate(self, values):
        found = interval(values)
        assert found.low <= found.estimate <= found.high

    @given(samples, st.randoms(use_true_random=False))
    def test_the_order_of_the_rounds_is_of_no_account(self, values, random):
        shuffled = random.sample(values, len(values))
        assert interval(shuffled).estimate == pytest.approx(interval(values).estimate, abs=1e-12)


class TestInterval:
    @pytest.mark.parametrize("rounds", [4, 5, 6, 7])
    def test_below_eight_rounds_it_has_the_width_of_students_t(self, rounds):
        values = np.random.default_rng(rounds).normal(size=rounds)
        found = interval(values)
        low, high = stats.t.interval(0.95, rounds - 1, scale=stats.sem(values))
        assert found.method == "t"
        assert found.half_width == pytest.approx((high - low) / 2)

    @pytest.mark.parametrize(("rounds", "order"), [(6, 1), (8, 4), (14, 22), (20, 53)])
    def test_from_eight_rounds_it_is_the_exact_signed_rank_interval(self, rounds, order):
        # Critical values of Hollander, Wolfe & Chicken, table A.4, plus one.
        assert signed_rank_order(rounds, 0.95) == order
        if rounds >= 8:
            values = np.random.default_rng(rounds).normal(size=rounds)
            averages = np.sort(walsh_averages(values))
            found = interval(values)
            assert found.method == "signed-rank"
            assert (found.low, found.high) == (averages[order - 1], averages[-order])

    @pytest.mark.parametrize("rounds", [8, 9, 10, 11])
    def test_it_holds_its_confidence_over_all_signs_of_the_values(self, rounds):
        # Under symmetry every sign is as likely as the other: the coverage can be counted out.
        sizes = np.random.default_rng(3).exponential(size=rounds)
        signs = np.array(list(product([-1, 1], repeat=rounds)))
        _, low, high = bounds(signs * sizes)
        assert 0.95 <= np.mean((low <= 0) & (high >= 0)) <= 0.97

    def test_signed_ranks_alone_cannot_reach_95_percent_below_six_rounds(self):
        assert [signed_rank_order(rounds, 0.95) for rounds in (4, 5, 6)] == [0, 0, 1]

    def test_more_confidence_than_the_signed_ranks_have_falls_back_on_t(self):
        assert method_at(8, 0.95) == method_at(8, 1 - 0.05 / 3) == "signed-rank"
        assert method_at(8, 0.999) == "t"
        assert interval(np.arange(8.0), confidence=0.999).method == "t"

    def test_many_rounds_use_the_normal_approximation(self, monkeypatch):
        approximate = signed_rank_order(200, 0.95)
        monkeypatch.setattr("harness.analysis.speed.interval.NORMAL_FROM", 1000)
        assert abs(signed_rank_order.__wrapped__(200, 0.95) - approximate) <= 4

    def test_many_campaigns_at_once_give_what_each_gives_alone(self):
        values = np.random.default_rng(5).normal(size=(3, 9))
        alone = [interval(row) for row in values]
        together = np.array(bounds(values)).T
        assert together.tolist() == [[a.estimate, a.low, a.high] for a in alone]

    @pytest.mark.parametrize("rounds", [4, 7, 8, 14, 40])
    def test_its_expected_width_is_foretold(self, rounds):
        _, low, high = bounds(np.random.default_rng(6).normal(size=(4000, rounds)))
        ratio = np.median(high - low) / 2 / relative_half_width(rounds, 0.95)
        assert ratio == pytest.approx(1, abs=0.13 if rounds == 4 else 0.06)

    def test_equal_rounds_give_an_interval_of_no_width(self):
        found = interval([0.5] * 9)
        assert (found.low, found.estimate, found.high) == (0.5, 0.5, 0.5)

    @pytest.mark.parametrize("values", [[], [0.1], [0.1, 0.2, 0.3]])
    def test_fewer_than_four_rounds_give_none(self, values):
        with pytest.raises(ValueError, match="at least 4 rounds"):
            interval(values)

    def test_a_value_that_is_no_number_is_refused(self):
        with pytest.raises(ValueError, match="finite"):
            interval([0.1, 0.2, math.nan, 0.3])
