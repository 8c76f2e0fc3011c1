"""Intervals against two oracles: R's wilcox.test, and the tests of scipy that they invert."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.analysis.before_after.shift import method_at as shift_method
from harness.analysis.before_after.shift import rank_sum_order, shift
from harness.analysis.speed.interval import bounds, interval, method_at

TABLE = Path(__file__).with_name("wilcoxon.csv")
"""Made by R, with the script of the same name."""

EPSILON = 1e-9
"""To step past an end of an interval; the samples are rounded to 1e-6."""


def rows(*, samples):
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# R version")
    found = []
    for row in csv.DictReader(lines[1:]):
        if bool(row["before"]) == (samples == 2):
            after, before = ([float(x) for x in row[side].split()] for side in ("after", "before"))
            told = {key: float(row[key]) for key in ("confidence", "estimate", "low", "high", "p")}
            size = f"{len(after)}" + (f" and {len(before)}" if before else "")
            name = f"{size} at {told['confidence']:.3%}"
            found.append(pytest.param(after, before, told, id=name))
    return found


def inverted_rank_sum(before, after, confidence):
    """The plain interval of the rank sum, without the allowance for unequal scatter."""
    differences = np.sort(np.subtract.outer(after, before).ravel())
    order = rank_sum_order(len(before), len(after), confidence)
    return differences[order - 1], differences[-order]


class TestAgainstR:
    def test_the_table_has_every_size_at_which_ranks_are_used(self):
        assert len(rows(samples=1)) >= 30
        assert len(rows(samples=2)) >= 20

    @pytest.mark.parametrize(("sample", "_", "r"), rows(samples=1))
    def test_the_interval_of_one_sample_is_the_same(self, sample, _, r):
        found = interval(sample, confidence=r["confidence"])
        assert found.method == "signed-rank"
        assert found.estimate == pytest.approx(r["estimate"], abs=EPSILON)
        assert (found.low, found.high) == pytest.approx((r["low"], r["high"]), abs=EPSILON)

    @pytest.mark.parametrize(("after", "before", "r"), rows(samples=2))
    def test_the_estimate_of_two_samples_is_the_same(self, after, before, r):
        assert shift(before, after).estimate == pytest.approx(r["estimate"], abs=EPSILON)

    @pytest.mark.parametrize(("after", "before", "r"), rows(samples=2))
    def test_the_rank_sum_of_two_samples_is_the_same(self, after, before, r):
        low, high = inverted_rank_sum(before, after, r["confidence"])
        assert (low, high) == pytest.approx((r["low"], r["high"]), abs=EPSILON)

    @pytest.mark.parametrize(("after", "before", "r"), rows(samples=2))
    def test_the_interval_of_two_samples_is_never_narrower(self, after, before, r):
        found = shift(before, after, confidence=r["confidence"])
        assert found.method == "rank-sum"
        assert found.low <= r["low"] + EPSILON
        assert found.high >= r["high"] - EPSILON

    @pytest.mark.parametrize(("after", "before", "r"), [*rows(samples=1), *rows(samples=2)])
    def test_scipy_has_the_p_values_of_r(self, after, before, r):
        found = (
            stats.mannwhitneyu(after, before, method="exact")
            if before
            else stats.wilcoxon(after, method="exact")
        )
        assert found.pvalue == pytest.approx(r["p"], rel=1e-6)


def drawn(seed, trials):
    """Values with heavy tails, no two alike."""
    return np.random.default_rng(seed).standard_t(3, size=trials) / 20


class TestAgainstTheTestsThatTheyInvert:
    @pytest.mark.parametrize("confidence", [0.95, 1 - 0.05 / 3, 0.99])
    @pytest.mark.parametrize("rounds", [8, 10, 13, 20, 31, 50])
    def test_a_value_inside_is_one_that_the_signed_rank_test_does_not_reject(
        self, rounds, confidence
    ):
        if method_at(rounds, confidence) != "signed-rank":
            pytest.skip("too few rounds for ranks at this confidence")
        for seed in range(5):
            sample = drawn(seed, rounds)
            _, low, high = bounds(sample, confidence=confidence)
            for end, outward in ((low, -1), (high, 1)):
                inside, outside = (
                    stats.wilcoxon(sample - end + outward * step, method="exact").pvalue
                    for step in (EPSILON, -EPSILON)
                )
                assert inside > 1 - confidence >= outside

    @pytest.mark.parametrize("confidence", [0.95, 1 - 0.05 / 3, 0.99])
    @pytest.mark.parametrize(("before", "after"), [(5, 5), (6, 9), (12, 12), (30, 11), (40, 45)])
    def test_a_shift_inside_is_one_that_the_rank_sum_test_does_not_reject(
        self, before, after, confidence
    ):
        if shift_method(before, after, confidence) != "rank-sum":
            pytest.skip("too few trials for ranks at this confidence")
        for seed in range(5):
            first, second = drawn(seed, before), drawn(1000 + seed, after)
            low, high = inverted_rank_sum(first, second, confidence)
            for end, outward in ((low, -1), (high, 1)):
                inside, outside = (
                    stats.mannwhitneyu(second - end + outward * step, first, method="exact").pvalue
                    for step in (EPSILON, -EPSILON)
                )
                assert inside > 1 - confidence >= outside
