"""A plan: every cell once in each round, in shuffled order, made anew from its recipe."""

from __future__ import annotations

import itertools
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backends import BACKENDS
from harness.records.cell import INITS
from harness.records.plan import Axes, Campaign, Plan, cells
from harness.words import ranges

any_axes = st.builds(
    Axes,
    scenario=st.just("ranking"),
    devices=st.dictionaries(st.sampled_from(BACKENDS), st.sampled_from(["cpu", "gpu"]), min_size=1),
    modes=st.just(["fit"]),
    inits=st.lists(st.sampled_from(INITS), min_size=1, unique=True),
    settings=st.lists(
        st.fixed_dictionaries({"batch_size": st.integers(1, 5), "epochs": st.just(5)}), min_size=1
    ),
)


def axes(**changes):
    fields = {
        "scenario": "ranking",
        "devices": dict.fromkeys(BACKENDS, "cpu"),
        "modes": ["fit"],
        "inits": ["common"],
        "settings": [{"batch_size": 1000, "epochs": 5}],
    }
    return Axes(**(fields | changes))


def plan_of(matrix, **changes):
    fields = {
        "run_id": "run",
        "started_at": "2026-01-01T00:00:00+00:00",
        "cells": matrix,
        "seeds": [1, 2, 3],
        "shuffle_seed": 7,
        "time_budget_s": 1.0,
        "margin": 0.02,
    }
    return Plan(**(fields | changes))


@given(any_axes, st.integers(), st.integers(1, 1000))
def test_every_round_holds_every_cell_once_with_one_seed(some_axes, shuffle_seed, number):
    matrix = cells(some_axes)
    trials = plan_of(matrix, shuffle_seed=shuffle_seed).round(number)
    assert sorted(t.cell.digest for t in trials) == sorted(cell.digest for cell in matrix)
    assert {t.round for t in trials} == {number}
    assert len({t.seed for t in trials}) == 1
    assert {t.run_id for t in trials} == {"run"}


@given(st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True), st.integers(1, 3))
def test_all_seeds_take_their_turn_before_any_is_repeated(seeds, times):
    plan = plan_of(cells(axes()), seeds=seeds)
    rounds = [plan.round(number)[0].seed for number in range(1, times * len(seeds) + 1)]
    assert rounds == seeds * times


def test_a_round_can_be_made_again_from_the_plan_and_its_number():
    plan = plan_of(cells(axes()), rounds=9)
    kept = msgspec.json.decode(msgspec.json.encode(Campaign(runs=[plan])), type=Campaign)
    assert kept.runs[0].round(9) == plan.round(9)


def test_rounds_are_not_all_in_the_same_order():
    plan = plan_of(cells(axes()))
    orders = {tuple(t.cell.backend for t in plan.round(number)) for number in range(1, 41)}
    assert len(orders) == 6, "40 rounds of three cells should show every order"


@pytest.mark.parametrize("count", range(1, 8))
def test_every_cell_takes_every_place_and_follows_every_other_equally_often(count):
    settings = [{"batch_size": size, "epochs": 5} for size in range(count)]
    matrix = cells(axes(devices={"jax": "cpu"}, settings=settings))
    plan = plan_of(matrix)
    for first in range(1, 6 * count, count):
        rounds = [[t.cell.digest for t in plan.round(first + row)] for row in range(count)]
        assert all(len(set(place)) == count for place in zip(*rounds, strict=True))
    for first in range(1, 6 * count, 2 * count):
        followed = Counter(
            pair
            for row in range(2 * count)
            for pair in itertools.pairwise(t.cell.digest for t in plan.round(first + row))
        )
        assert set(followed.values()) <= {2}
        assert len(followed) == count * (count - 1)


def test_a_plan_without_a_number_of_rounds_is_adaptive():
    assert not plan_of(cells(axes()), rounds=3).adaptive
    assert plan_of(cells(axes()), precision=0.02).adaptive


def test_only_a_campaign_that_looks_at_its_intervals_needs_wider_ones():
    assert plan_of(cells(axes()), precision=0.02, budget_s=60.0).sequential
    assert not plan_of(cells(axes()), budget_s=60.0).sequential
    assert not plan_of(cells(axes()), rounds=3).sequential


def test_a_run_that_goes_on_makes_the_trials_after_those_that_are_there():
    plan = plan_of(cells(axes()), first_round=4)
    assert [t.round for t in plan.trials(2)] == [4] * 3 + [5] * 3


def test_equal_settings_make_one_cell():
    assert len(cells(axes(devices={"jax": "cpu"}, settings=[{"epochs": 5}, {"epochs": 5}]))) == 1


def test_each_backend_gets_its_own_device():
    found = cells(axes(devices={"jax": "gpu", "torch": "cpu"}))
    assert {cell.backend: cell.device for cell in found} == {"jax": "gpu", "torch": "cpu"}


def test_cells_stand_in_the_order_of_their_labels():
    found = cells(axes(devices={"torch": "cpu", "jax": "cpu"}))
    assert [cell.backend for cell in found] == ["jax", "torch"]


def test_neighbouring_numbers_are_drawn_together():
    assert [ranges(n) for n in ([1, 2, 3, 7], [5], [])] == ["1-3, 7", "5", ""]
