"""Two samples: the estimate, the interval, and what they do not depend on."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.before_after.shift import (
    NORMAL_FROM,
    Shift,
    method_at,
    rank_sum_order,
    shift,
    trials_needed,
)
from harness.analysis.speed.interval import interval

# Multiples of a power of two: their sums and differences are exact, so that ties stay ties.
logs = st.integers(-8 * 2**16, 8 * 2**16).map(lambda value: value / 2**16)
samples = st.lists(logs, min_size=4, max_size=14)


def found(**changes):
    fields = {"estimate": 0.01, "low": -0.02, "high": 0.04, "confidence": 0.95}
    return Shift(**(fields | {"before": 6, "after": 6, "method": "rank-sum"} | changes))


class TestEstimate:
    def test_is_the_median_of_all_differences(self):
        before, after = [0.0, 1.0, 2.0, 7.0], [1.0, 1.5, 4.0, 9.0]
        every = [b - a for a, b in itertools.product(before, after)]
        assert shift(before, after).estimate == np.median(every)

    def test_one_slow_process_hardly_moves_it(self):
        before = [0.00, 0.01, 0.02, 0.03, 0.04, 0.05]
        calm = shift(before, before).estimate
        slow = shift(before, [*before[:-1], 3.0]).estimate
        assert abs(slow - calm) <= 0.01


class TestInterval:
    @given(samples, samples)
    def test_holds_the_estimate(self, before, after):
        result = shift(before, after)
        assert result.low <= result.estimate <= result.high

    @given(samples, samples)
    def test_exchanging_the_sides_turns_it_round(self, before, after):
        there, back = shift(before, after), shift(after, before)
        assert there.estimate == pytest.approx(-back.estimate, abs=1e-9)
        assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)

    @given(samples, samples, st.integers(-3, 3))
    def test_moves_with_what_is_added_to_all(self, before, after, by):
        here, there = shift(before, after), shift(before, [value + by for value in after])
        assert (there.low, there.high) == pytest.approx((here.low + by, here.high + by), abs=1e-6)

    @given(samples, samples)
    def test_more_confidence_is_never_narrower(self, before, after):
        narrow, wide = (shift(before, after, confidence=c) for c in (0.90, 0.95))
        assert wide.half_width >= narrow.half_width - 1e-9 or wide.method != narrow.method

    @given(samples, samples, st.randoms())
    def test_does_not_depend_on_the_order_of_trials(self, before, after, random):
        mixed = random.sample(before, len(before)), random.sample(after, len(after))
        assert shift(*mixed) == shift(before, after)

    def test_of_two_samples_without_scatter_is_a_point(self):
        result = shift([1.0] * 5, [1.5] * 7)
        assert (result.low, result.estimate, result.high) == (0.5, 0.5, 0.5)

    def test_is_wider_than_that_of_paired_rounds_where_the_machine_drifts(self):
        rng = np.random.default_rng(1)
        machine = np.linspace(0, 0.3, 12)
        before = machine + rng.normal(0, 0.01, 12)
        after = machine + rng.normal(0, 0.01, 12)
        paired = interval(after - before)
        assert shift(before, after).half_width > 5 * paired.half_width

    @pytest.mark.parametrize("sizes", [(3, 10), (10, 3), (0, 4)])
    def test_needs_four_trials_on_each_side(self, sizes):
        with pytest.raises(ValueError, match="4 trials on each side"):
            shift([1.0] * sizes[0], [1.0] * sizes[1])

    def test_refuses_what_is_not_finite(self):
        with pytest.raises(ValueError, match="finite"):
            shift([1.0, 2.0, 3.0, math.nan], [1.0] * 4)


class TestRankSum:
    @pytest.mark.parametrize("sizes", [(4, 4), (4, 6), (5, 5)])
    @pytest.mark.parametrize("confidence", [0.80, 0.90, 0.95])
    def test_the_order_is_that_of_all_arrangements(self, sizes, confidence):
        before, after = sizes
        total = before + after
        counts = [
            sum(ranks) - sum(range(after)) for ranks in itertools.combinations(range(total), after)
        ]
        tail = (1 - confidence) / 2
        below = [np.mean([count <= k - 1 for count in counts]) for k in range(1, 11)]
        assert rank_sum_order(before, after, confidence) == sum(share <= tail for share in below)

    def test_four_and_four_trials_hold_one_comparison_at_95_percent(self):
        assert method_at(4, 4, 0.95) == "rank-sum"

    def test_but_not_two_of_them_so_that_welch_stands_in(self):
        assert method_at(4, 4, 0.975) == "welch"
        assert shift([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], confidence=0.975).method == "welch"

    def test_the_normal_approximation_takes_over_without_a_jump(self):
        exact = rank_sum_order(NORMAL_FROM - 1, NORMAL_FROM + 1, 0.95)
        normal = rank_sum_order(NORMAL_FROM, NORMAL_FROM, 0.95)
        assert abs(exact - normal) <= 2


class TestTrialsNeeded:
    def test_an_interval_twice_as_wide_as_allowed_takes_four_times_the_trials(self):
        margin = math.log1p(0.02)
        wide = found(estimate=0.0, low=-2 * margin, high=2 * margin)
        assert trials_needed(wide, margin=0.02) == 25

    def test_an_estimate_at_the_margin_is_never_settled(self):
        assert trials_needed(found(estimate=math.log1p(0.02)), margin=0.02) is None

    @given(st.floats(-0.2, 0.2), st.floats(0.001, 0.2), st.integers(4, 40), st.integers(4, 40))
    def test_is_always_more_than_there_are(self, estimate, half, before, after):
        low, high = estimate - half, estimate + half
        open_one = found(estimate=estimate, low=low, high=high, before=before, after=after)
        needed = trials_needed(open_one, margin=0.02)
        assert needed is None or needed > max(before, after)
