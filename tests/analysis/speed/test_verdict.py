"""When one cell is called faster, and how many rounds that takes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.speed.interval import interval, relative_half_width
from harness.analysis.speed.rounds_needed import (
    further_rounds,
    rounds_for_precision,
    rounds_needed,
    smallest_difference,
    spread_of,
)
from harness.analysis.speed.verdict import (
    MARGIN,
    classify,
    judging_confidence,
    precise_enough,
    verdict,
)

NOISE = np.array([-0.004, 0.003, -0.002, 0.001, 0.002, -0.001, 0.004, -0.003])


def around(ratio: float, *, noise: float = 1.0) -> list[float]:
    """Eight rounds about this ratio."""
    return (math.log(ratio) + noise * NOISE).tolist()


class TestKind:
    def test_slower_is_a_whole_interval_beyond_the_margin(self):
        found = verdict(around(1.05))
        assert found.kind == "slower"
        assert found.low is not None
        assert found.low > 1 + MARGIN
        assert found.ratio == pytest.approx(1.05, rel=1e-3)
        assert found.further_rounds is None

    def test_faster_is_the_same_on_the_other_side(self):
        assert verdict(around(1 / 1.05)).kind == "faster"

    def test_a_difference_that_is_sure_but_too_small_to_matter_is_equivalent(self):
        found = verdict(around(1.01))
        assert found.kind == "equivalent"
        assert found.low is not None
        assert found.low > 1

    def test_an_interval_across_the_margin_is_inconclusive_and_asks_for_more_rounds(self):
        found = verdict(around(1.03, noise=10))
        assert found.kind == "inconclusive"
        assert found.further_rounds is not None
        assert found.reason.endswith(f"{found.further_rounds} further rounds would settle it at "
                                     "this estimate")  # fmt: skip

    def test_an_estimate_on_the_margin_is_said_to_be_beyond_settling(self):
        found = verdict(around(1.02))
        assert found.kind == "inconclusive"
        assert found.further_rounds is None
        assert "cannot be settled" in found.reason

    def test_too_few_rounds_give_a_ratio_without_interval_and_say_how_many_are_missing(self):
        found = verdict([0.5, 0.5, 0.5])
        assert (found.kind, found.rounds, found.further_rounds) == ("inconclusive", 3, 1)
        assert found.ratio == pytest.approx(math.exp(0.5))
        assert found.low is None
        assert found.high is None

    def test_no_round_at_all_gives_no_ratio(self):
        found = verdict([])
        assert (found.kind, found.ratio, found.further_rounds) == ("inconclusive", None, 4)

    @given(st.floats(-0.2, 0.2), st.floats(0, 0.2), st.floats(0, 0.1))
    def test_exchanging_the_cells_only_exchanges_faster_and_slower(self, low, width, margin):
        other = {"faster": "slower", "slower": "faster"}
        kind = classify(low, low + width, margin)
        assert classify(-low - width, -low, margin) == other.get(kind, kind)

    def test_a_wider_margin_never_makes_a_difference_of_what_was_none(self):
        assert verdict(around(1.05), margin=0.10).kind == "equivalent"
        assert verdict(around(1.05), margin=0.0).kind == "slower"

    def test_a_negative_margin_is_refused(self):
        with pytest.raises(ValueError, match="margin"):
            verdict(around(1.0), margin=-0.01)


class TestFamily:
    def test_three_pairs_share_the_error_of_one(self):
        assert judging_confidence(0.95, 3) == pytest.approx(1 - 0.05 / 3)

    def test_each_interval_of_a_family_is_wider_and_says_its_confidence(self):
        alone, one_of_three = verdict(around(1.03)), verdict(around(1.03), comparisons=3)
        assert one_of_three.confidence == pytest.approx(0.9833, abs=1e-4)
        assert alone.low is not None
        assert one_of_three.low is not None
        assert one_of_three.low < alone.low

    @pytest.mark.parametrize(("confidence", "comparisons"), [(0.95, 0), (0.0, 1), (1.0, 1)])
    def test_a_family_without_members_or_chance_is_refused(self, confidence, comparisons):
        with pytest.raises(ValueError, match=r"family|confidence"):
            judging_confidence(confidence, comparisons)


class TestStopping:
    def test_a_campaign_stops_when_its_interval_is_as_narrow_as_asked(self):
        assert precise_enough(around(1.5), 0.01)
        assert not precise_enough(around(1.5, noise=10), 0.01)

    def test_where_the_interval_lies_is_of_no_account(self):
        answers = {precise_enough(around(ratio), 0.003) for ratio in (0.5, 1.0, 1.02, 1.05, 2.0)}
        assert len(answers) == 1

    def test_five_rounds_never_stop_one_however_narrow(self):
        assert not precise_enough(around(1.0, noise=1e-6)[:5], 0.02)
        assert precise_enough(around(1.0, noise=1e-6)[:6], 0.02)

    def test_a_campaign_that_may_stop_is_judged_by_wider_intervals(self):
        fixed, sequential = verdict(around(1.0)[:7]), verdict(around(1.0)[:7], sequential=True)
        assert sequential.confidence == fixed.confidence == 0.95
        assert fixed.high is not None
        assert sequential.high is not None
        assert sequential.high > fixed.high
        assert judging_confidence(0.95, sequential=True) == pytest.approx(0.96)


class TestRounds:
    def test_the_spread_is_read_off_the_interval(self):
        rounds = np.random.default_rng(1).normal(0, 0.05, 400)
        assert spread_of(interval(rounds)) == pytest.approx(np.std(rounds), rel=0.1)

    def test_a_slow_process_does_not_enter_the_spread(self):
        rng = np.random.default_rng(1)
        rounds = rng.normal(0, 0.05, 40)
        rounds[7] += 2
        assert np.std(rounds) > 0.3
        assert spread_of(interval(rounds)) < 0.06

    def test_further_rounds_are_those_in_which_the_interval_clears_the_margin(self):
        found = interval(around(1.03, noise=10))
        further = further_rounds(found, margin=0.02)
        assert further is not None
        gap = found.estimate - math.log(1.02)
        widths = [relative_half_width(8 + rounds, 0.95) for rounds in (further - 1, further)]
        assert widths[1] * spread_of(found) < gap <= widths[0] * spread_of(found)

    def test_a_true_5_percent_at_a_spread_of_2_percent_takes_13_rounds(self):
        assert rounds_needed(math.sqrt(2) * 0.02, difference=0.05, margin=0.02) == 13

    @pytest.mark.parametrize(("spread", "rounds"), [(0.030, 26), (0.043, 51), (0.052, 74)])
    def test_and_at_the_measured_spreads_26_51_and_74(self, spread, rounds):
        assert rounds_needed(math.sqrt(2) * spread, difference=0.05, margin=0.02) == rounds

    def test_a_difference_within_the_margin_is_never_found(self):
        assert rounds_needed(0.01, difference=0.02, margin=0.02) is None

    @given(st.floats(0.005, 0.1), st.integers(4, 60))
    def test_the_smallest_difference_is_found_in_the_rounds_it_was_computed_for(
        self, spread, rounds
    ):
        smallest = smallest_difference(spread, rounds, margin=0.02)
        needed = rounds_needed(spread, difference=smallest * (1 + 1e-9), margin=0.02)
        assert needed is not None
        assert needed <= rounds

    @given(st.floats(0.001, 0.2), st.floats(0.005, 0.1))
    def test_more_precision_takes_more_rounds(self, spread, precision):
        coarse = rounds_for_precision(spread, precision, confidence=0.96) or 10**6
        fine = rounds_for_precision(spread, precision / 2, confidence=0.96) or 10**6
        assert 4 <= coarse <= fine
