"""The bounds that a comparison of two campaigns promises, in 2,000 seeded ones for each setting.

``docs/studies/two-campaigns.md`` has the same figures for the intervals that were not chosen.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.analysis.before_after.shift import shift_bounds
from harness.analysis.speed.verdict import STOP_FROM, judging_confidence
from studies.intervals.sequences import intervals_by_round, stop_at_precision
from studies.intervals.shift_candidates import rank_sum, welch
from studies.intervals.simulated import beyond, real, within
from studies.intervals.simulated_two import SETTINGS, SIZES, simulate

pytestmark = pytest.mark.once

MARGIN = math.log1p(0.02)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("setting", SETTINGS)
class TestTwoCampaigns:
    def test_95_percent_intervals_hold_the_truth_in_93_to_98_percent(self, setting, sizes):
        _, low, high = shift_bounds(*simulate(setting, *sizes))
        assert 0.93 <= within(low, high, 0.0) <= 0.98

    def test_equal_software_is_called_different_in_at_most_2_5_percent(self, setting, sizes):
        _, low, high = shift_bounds(*simulate(setting, *sizes))
        assert beyond(low, high, MARGIN) <= 0.025

    def test_a_true_5_percent_is_hardly_ever_called_faster(self, setting, sizes):
        _, low, high = shift_bounds(*simulate(setting, *sizes, ratio=1.05, seed=2))
        assert 0.93 <= within(low, high, math.log(1.05)) <= 0.98
        assert np.mean(high < -MARGIN) <= 0.001


class TestFamily:
    @pytest.mark.parametrize("sizes", [(4, 4), (6, 6), (14, 14)])
    @pytest.mark.parametrize("setting", ["normal, spread 5.2%", "real torch"])
    def test_three_unchanged_backends_get_a_false_verdict_in_at_most_2_5_percent(
        self, setting, sizes
    ):
        level = judging_confidence(0.95, 3)
        cells = [simulate(setting, *sizes, seed=seed) for seed in (11, 12, 13)]
        ends = [shift_bounds(*cell, confidence=level)[1:] for cell in cells]
        different = [(low > MARGIN) | (high < -MARGIN) for low, high in ends]
        assert np.any(different, axis=0).mean() <= 0.025


class TestPower:
    @pytest.mark.parametrize(
        ("setting", "least"), [("real jax", 0.95), ("real tensorflow", 0.85), ("real torch", 0.75)]
    )
    def test_forty_trials_a_side_find_a_true_5_percent_among_the_real_processes(
        self, setting, least
    ):
        _, low, _ = shift_bounds(*simulate(setting, 40, 40, ratio=1.05))
        assert np.mean(low > MARGIN) >= least

    def test_welch_would_find_a_quarter_of_that_beside_rare_slow_processes(self):
        samples = simulate("real tensorflow", 40, 40, ratio=1.05)
        _, low, _ = shift_bounds(*samples)
        low_welch, _ = welch(*samples, 0.95)
        assert np.mean(low > MARGIN) > 3 * np.mean(low_welch > MARGIN)


def test_the_exact_rank_sum_alone_is_too_narrow_where_a_disturbed_campaign_is_the_smaller_one():
    samples = simulate("quiet before, disturbed after", 10, 6)
    assert within(*rank_sum(*samples, 0.95), 0.0) < 0.93


@pytest.mark.parametrize("precision", [0.03, 0.05])
def test_campaigns_that_stopped_at_a_precision_need_no_allowance(precision):
    rng = np.random.default_rng(5)
    level = judging_confidence(0.95, sequential=True)
    sides = []
    for _ in ("before", "after"):
        ours, theirs = (real(name)(rng, (400, 40)) for name in ("jax", "tensorflow"))
        *_, stops = stop_at_precision(
            *intervals_by_round(ours - theirs, level), precision, STOP_FROM
        )
        sides.append([trials[: int(stop)] for trials, stop in zip(ours, stops, strict=True)])
    ends = [shift_bounds(*pair)[1:] for pair in zip(*sides, strict=True)]
    low, high = np.array(ends).T
    assert within(low, high, 0.0) >= 0.93
