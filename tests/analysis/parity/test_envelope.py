"""How large a difference may be and still be round-off."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from harness.analysis.parity import envelope

finite_arrays = hnp.arrays(
    np.float32, hnp.array_shapes(max_dims=2), elements=st.floats(-100, 100, width=32)
)
drifts = st.lists(st.floats(0, 1), max_size=5)


@given(finite_arrays, drifts)
def test_it_is_never_zero_and_never_below_the_drift(values, found):
    limit = envelope.of_array(found, values, values)
    assert limit > 0
    assert limit >= envelope.MARGIN * max(found, default=0)


@given(finite_arrays)
def test_a_quantity_that_does_not_drift_may_be_off_by_units_in_its_last_place(values):
    largest = np.abs(values).max()
    one_off = largest + np.spacing(largest)
    assert one_off - largest <= envelope.of_array([0.0], values, values)


@given(finite_arrays, st.integers(0, 1000))
def test_it_grows_with_the_steps_that_led_there(values, steps):
    shorter = envelope.of_array([], values, values, steps=steps)
    assert envelope.of_array([], values, values, steps=steps + 1) > shorter


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_along_a_series_it_never_shrinks(found):
    figures = [0.5] * len(found)
    limits = envelope.of_series([found], figures, figures)
    assert limits == sorted(limits)
    assert all(limit >= envelope.MARGIN * d for limit, d in zip(limits, found, strict=True))


@given(st.integers(100, 10_000))
def test_the_mean_of_many_elements_has_a_smaller_one_than_each_of_them(elements):
    moved = [np.full(elements, 1e-7)]
    assert envelope.of_mean(moved, elements) < envelope.of_elements(moved)


def test_what_moves_all_elements_alike_widens_the_mean_and_what_goes_both_ways_does_not():
    up_and_down = np.tile([6e-8, -6e-8], 8_192)
    norm_off_by_a_unit = up_and_down + 6e-8
    assert envelope.of_mean([norm_off_by_a_unit], 16_384) > 4 * envelope.of_mean(
        [up_and_down], 16_384
    )


def test_a_moved_training_that_diverges_makes_it_infinite():
    ones = np.ones(3, np.float32)
    assert envelope.of_array([None, 0.1], ones, ones) == math.inf
    assert envelope.of_elements([np.array([math.nan])]) == math.inf


@given(finite_arrays)
def test_an_array_does_not_differ_from_itself(values):
    assert envelope.difference(values, values) == 0
    assert not envelope.relative(values, values).any()


@given(finite_arrays, st.floats(-1, 1, width=32))
def test_it_is_the_same_both_ways(values, amount):
    other = values + np.float32(amount)
    assert envelope.difference(values, other) == envelope.difference(other, values)


def test_what_is_no_number_on_both_sides_does_not_differ():
    values = np.array([1.0, math.nan, math.inf, -math.inf], np.float32)
    assert envelope.difference(values, values) == 0
    assert not envelope.relative(values, values).any()


@pytest.mark.parametrize("odd", [math.nan, math.inf])
def test_what_is_a_number_on_one_side_only_has_no_difference(odd):
    assert envelope.difference(np.ones(2), np.array([1.0, odd])) is None


def test_it_counts_far_below_float32s_range_too():
    tiny = np.float32(1e-45)
    assert envelope.difference(np.array([tiny]), np.zeros(1, np.float32)) > 0
