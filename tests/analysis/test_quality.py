"""Whether two backends learn equally well."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.analysis.quality import compare_quality, equivalent, over_seeds
from harness.analysis.speed.interval import interval

SEEDS = range(10)
RMSE = dict(zip(SEEDS, 0.259 + 0.0026 * np.random.default_rng(1).normal(size=10), strict=True))
ROUND_OFF = dict(zip(SEEDS, 5e-5 * np.random.default_rng(2).normal(size=10), strict=True))


def moved(by: float, *, noise: float = 1.0) -> dict[int, float]:
    """The same seeds on another backend: round-off, times ``noise``, and a true difference."""
    return {seed: RMSE[seed] + noise * ROUND_OFF[seed] + by for seed in SEEDS}


class TestOverSeeds:
    def test_the_metric_keeps_its_unit(self):
        found = over_seeds(list(RMSE.values()))
        assert found.low < 0.2595 < found.high
        assert found.estimate == pytest.approx(0.259, abs=0.002)
        assert found.rounds == 10

    def test_fewer_than_four_seeds_give_no_interval(self):
        with pytest.raises(ValueError, match="at least 4"):
            over_seeds([0.259, 0.260, 0.258])


class TestComparison:
    def test_equal_learning_within_the_tolerance_is_equivalent(self):
        found = compare_quality(moved(0), RMSE, tolerance=0.002, direction="lower")
        assert (found.kind, found.difference_found) == ("equivalent", False)
        assert found.reason == "any difference is within the tolerance"

    def test_a_real_difference_may_be_equivalent_too(self):
        found = compare_quality(moved(0.0005), RMSE, tolerance=0.002, direction="lower")
        assert (found.kind, found.difference_found) == ("equivalent", True)
        assert found.difference == pytest.approx(0.0005, abs=1e-4)

    def test_no_difference_found_is_not_called_equivalent(self):
        found = compare_quality(moved(0, noise=100), RMSE, tolerance=0.002, direction="lower")
        assert (found.kind, found.difference_found) == ("undecided", False)
        assert "run more seeds" in found.reason

    def test_a_difference_that_may_or_may_not_matter_is_undecided(self):
        found = compare_quality(moved(0.002), RMSE, tolerance=0.002, direction="lower")
        assert (found.kind, found.difference_found) == ("undecided", True)

    @pytest.mark.parametrize(
        ("by", "direction", "kind"),
        [(0.005, "lower", "worse"), (-0.005, "lower", "better"),
         (0.005, "higher", "better"), (-0.005, "higher", "worse")],
    )  # fmt: skip
    def test_the_metric_s_direction_tells_better_from_worse(self, by, direction, kind):
        found = compare_quality(moved(by), RMSE, tolerance=0.002, direction=direction)
        assert found.kind == kind

    def test_pairing_by_seed_resolves_what_seeds_would_hide(self):
        found = compare_quality(moved(0), RMSE, tolerance=0.002, direction="lower")
        assert found.low is not None
        assert found.high is not None
        assert found.high - found.low < over_seeds(list(RMSE.values())).half_width / 10

    def test_only_seeds_that_both_have_are_compared(self):
        others = {seed: value for seed, value in moved(0).items() if seed > 3} | {99: 5.0}
        assert compare_quality(others, RMSE, tolerance=0.002, direction="lower").seeds == 6

    def test_too_few_common_seeds_are_undecided(self):
        found = compare_quality({1: 0.259}, {1: 0.259}, tolerance=0.002, direction="lower")
        assert (found.kind, found.difference, found.seeds) == ("undecided", None, 1)

    @pytest.mark.parametrize("tolerance", [0.0, -1.0, math.nan])
    def test_without_a_tolerance_nothing_is_equivalent(self, tolerance):
        with pytest.raises(ValueError, match="tolerance"):
            compare_quality(RMSE, RMSE, tolerance=tolerance, direction="lower")


class TestTwoOneSidedTests:
    def test_they_are_the_90_percent_interval_within_the_tolerance(self):
        differences = np.random.default_rng(4).normal(size=12)
        found = interval(differences, confidence=0.90)
        reach = max(-found.low, found.high)
        assert equivalent(differences.tolist(), tolerance=reach * 1.001)
        assert not equivalent(differences.tolist(), tolerance=reach * 0.999)

    @pytest.mark.parametrize("seeds", [4, 6, 10, 20])
    def test_a_difference_as_large_as_the_tolerance_passes_in_at_most_5_percent(self, seeds):
        rng = np.random.default_rng(seeds)
        samples = rng.normal(1.0, 0.3, size=(2000, seeds))
        passed = np.mean([equivalent(sample, tolerance=1.0) for sample in samples])
        assert passed <= 0.06  # 5%, and two standard errors of 2,000 campaigns

    def test_equal_backends_pass_with_four_seeds(self):
        # Round-off moves one seed by up to 1.4e-4 (docs/method.md); the tolerance is 0.002.
        rng = np.random.default_rng(9)
        samples = rng.normal(0, 1.4e-4, size=(1000, 4))
        assert all(equivalent(sample, tolerance=0.002) for sample in samples)
