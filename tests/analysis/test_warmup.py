"""Which epochs of a trial are warm-up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.warmup import change_of_level, steady_state
from studies.intervals.simulated import step_times

STEADY = [1.00, 1.02, 0.99, 1.01, 0.98, 1.00, 1.03, 0.99, 1.01, 1.00]


class TestWarmUp:
    def test_an_epoch_that_compiles_is_warm_up(self):
        found = steady_state([5.0, *STEADY])
        assert (found.first, found.settled) == (1, True)
        assert found.warm_up == (True,) + 10 * (False,)

    def test_so_are_several(self):
        assert steady_state([5.0, 2.0, *STEADY]).first == 2

    def test_a_trial_that_is_steady_at_once_has_none(self):
        found = steady_state(STEADY)
        assert (found.first, found.reason) == (0, "steady from the first epoch on")

    def test_a_lone_slow_epoch_later_on_is_no_warm_up_and_leaves_the_figure_alone(self):
        found = steady_state([5.0, 1.0, 1.0, 2.0, *STEADY])
        assert (found.first, found.settled) == (1, True)
        assert found.step_time_s == pytest.approx(1.0)

    def test_a_slow_level_that_ends_in_the_first_half_is_warm_up(self):
        slow = [1.10, 1.12, 1.09, 1.11, 1.10]
        found = steady_state([5.0, *slow, *STEADY, *STEADY])
        assert (found.first, found.settled) == (6, True)

    def test_also_where_the_level_is_within_the_scatter_of_the_later_epochs(self):
        wide = [1.00, 1.06, 0.95, 1.03, 0.97, 1.05, 0.94, 1.00, 1.04, 0.96]
        found = steady_state([5.0, *[1.12 * t for t in wide[:8]], *wide, *wide])
        assert found.settled
        assert 8 <= found.first <= 11
        assert "level changed by" in found.reason

    def test_so_is_a_fast_one_since_a_machine_may_slow_down_when_warm(self):
        fast = [0.80, 0.82, 0.79, 0.81, 0.80]
        assert steady_state([5.0, *fast, *STEADY, *STEADY]).first == 6

    def test_the_epoch_after_a_restart_is_warm_up_if_it_is_out_of_the_band(self):
        times = [5.0, 1.0, 1.0, 1.0, 1.0, 3.0, *STEADY]
        assert steady_state(times, restarts=[5]).warm_up[5]
        assert not steady_state([1.0] * 15, restarts=[5]).warm_up[5]


class TestNeverSettled:
    def test_a_level_that_moves_in_the_second_half(self):
        late = [1.25, 1.27, 1.24, 1.26]
        found = steady_state([5.0, *STEADY, *late])
        assert not found.settled
        assert found.reason == "the step time moved by +25% at epoch 11"

    def test_a_level_that_is_reached_only_late(self):
        falling = [3.0, 2.7, 2.4, 2.1, 1.8, 1.5, 1.2]
        found = steady_state([5.0, *falling, *STEADY[:6]])
        assert not found.settled
        assert found.reason == "a level is held only from epoch 8 of 14 on"

    def test_two_levels_by_turns(self):
        found = steady_state([5.0, *6 * [1.0, 2.0]])
        assert not found.settled
        assert "no level in common" in found.reason

    @pytest.mark.parametrize("times", [[1.0], [5.0, 1.0, 1.0, 1.0]])
    def test_too_few_epochs_to_tell(self, times):
        found = steady_state(times)
        assert not found.settled
        assert "epochs are left as steady" in found.reason

    def test_its_step_time_is_given_all_the_same(self):
        assert 1.0 <= steady_state([5.0, *6 * [1.0, 2.0]]).step_time_s <= 2.0


class TestRealProcesses:
    """The verdicts on 75 processes of the tutorial's fit, 12 epochs each."""

    @pytest.mark.parametrize(
        ("backend", "firsts"),
        [("jax", {1: 22, 2: 1, 3: 2}), ("tensorflow", {1: 19, 2: 5}),
         ("torch", {0: 15, 1: 7, 3: 2})],
    )  # fmt: skip
    def test_backends_need_different_warm_up(self, backend, firsts):
        states = [steady_state(times.tolist()) for times in step_times(backend)]
        found = [state.first for state in states if state.settled]
        assert {first: found.count(first) for first in sorted(set(found))} == firsts

    @pytest.mark.parametrize(
        ("backend", "unsettled"),
        [
            ("jax", []),
            ("tensorflow", [12]),  # alternates between 4.6 and 8 ms
            ("torch", [0]),  # slows from 4.7 to 7.3 ms in its last epochs
        ],
    )
    def test_those_that_never_settled_are_named(self, backend, unsettled):
        states = [steady_state(times.tolist()) for times in step_times(backend)]
        assert [i for i, state in enumerate(states) if not state.settled] == unsettled

    @pytest.mark.parametrize(("backend", "most"), [("jax", 0.031), ("torch", 0.043)])
    def test_the_figures_spread_no_more_than_was_measured(self, backend, most):
        figures = [steady_state(times.tolist()).step_time_s for times in step_times(backend)]
        assert np.std(np.log(figures)) < most


class TestFalseAlarms:
    @pytest.mark.parametrize("epochs", [8, 12, 30, 100])
    @pytest.mark.parametrize(("correlation", "most"), [(0.0, 0.01), (0.3, 0.04)])
    def test_a_trial_with_one_level_is_seldom_called_unsettled(self, epochs, correlation, most):
        rng = np.random.default_rng(epochs)
        noise = rng.normal(size=(1000, epochs))
        for epoch in range(1, epochs):
            fresh = math.sqrt(1 - correlation**2) * noise[:, epoch]
            noise[:, epoch] = correlation * noise[:, epoch - 1] + fresh
        times = np.exp(0.04 * noise) * np.where(np.arange(epochs) == 0, 4.0, 1.0)
        states = [steady_state(row.tolist()) for row in times]
        assert np.mean([not state.settled for state in states]) <= most
        assert np.median([state.first for state in states]) == 1


class TestRules:
    def test_the_change_is_put_where_the_level_moves(self):
        position, shift = change_of_level(np.log([1.0] * 6 + [1.2] * 6))
        assert position == 6
        assert shift == pytest.approx(math.log(1.2))

    def test_equal_values_hold_no_change(self):
        assert change_of_level(np.zeros(12)) == (0, 0.0)

    def test_a_shift_within_the_scatter_of_epochs_is_no_change(self):
        assert change_of_level(np.log([1.0] * 20 + [1.04] * 20)) == (0, 0.0)

    @given(st.lists(st.floats(1e-5, 1e3), min_size=1, max_size=30), st.floats(0.01, 100))
    def test_the_unit_of_time_is_of_no_account(self, times, factor):
        one, other = steady_state(times), steady_state([factor * t for t in times])
        assert other.step_time_s == pytest.approx(factor * one.step_time_s)
        assert len(one.warm_up) == len(times)

    @pytest.mark.parametrize("times", [[], [1.0, 0.0], [1.0, math.nan], [-1.0]])
    def test_step_times_must_be_positive(self, times):
        with pytest.raises(ValueError, match="positive numbers"):
            steady_state(times)
