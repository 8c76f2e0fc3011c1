"""Several scenarios together: geometric means with their intervals, and the performance profile."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from harness.analysis.speed.across import across, mean, relative
from harness.analysis.speed.pairs import CellPair, Judging
from harness.analysis.study import study_of
from harness.records.cell import Cell
from tests.launch.fakes import environment, noise

RULE = Judging(margin=0.02, sequential=False)
NAMES = ["jax", "tensorflow", "torch"]


def pair(first, second, log_ratios, scenario="ranking"):
    one, other = (
        Cell(scenario=scenario, backend=backend, device="cpu") for backend in (first, second)
    )
    return CellPair(
        first=one,
        second=other,
        machine_id="m",
        log_ratios=tuple(log_ratios),
        disturbed=0,
        incomplete=0,
        first_apart={},
        second_apart={},
    )


def pairs(positions, *, noise=0.0, rounds=4, seed=0):
    """The pairs of backends whose log step times are `positions`."""
    draws = np.random.default_rng(seed)
    names = list(positions)
    return {
        (a, b): pair(a, b, positions[a] - positions[b] + noise * draws.normal(size=rounds))
        for i, a in enumerate(names)
        for b in names[i + 1 :]
    }


def test_the_mean_is_that_of_logarithms_and_the_slower_one_comes_first():
    found = across(
        {
            "one": pairs({"jax": 0.0, "torch": math.log(2)}),
            "two": pairs({"jax": 0.0, "torch": math.log(8)}),
        },
        RULE,
        order=NAMES,
        worse={},
    )
    (only,) = found.means
    assert (only.first, only.second, only.kind) == ("torch", "jax", "slower")
    assert only.ratio == pytest.approx(4.0)
    assert (only.low, only.high) == (pytest.approx(4.0), pytest.approx(4.0))
    assert found.fastest == "jax"


def test_backends_that_win_and_lose_alike_are_equal_in_the_mean():
    found = across(
        {
            "one": pairs({"jax": 0.0, "torch": math.log(3)}),
            "two": pairs({"jax": math.log(3), "torch": 0.0}),
        },
        RULE,
        order=NAMES,
        worse={},
    )
    assert found.means[0].kind == "equivalent"
    assert found.fastest is None
    assert found.profile("jax", 1.0) == found.profile("torch", 1.0) == 0.5
    assert found.profile("jax", 3.01) == 1.0


def test_each_scenario_has_its_own_fastest():
    found = across(
        {
            "one": pairs({"jax": 0.0, "tensorflow": math.log(2), "torch": math.log(4)}),
            "two": pairs({"jax": math.log(1.5), "tensorflow": 0.0, "torch": math.log(3)}),
        },
        RULE,
        order=NAMES,
        worse={},
    )
    assert found.relative["one"] == pytest.approx({"jax": 1.0, "tensorflow": 2.0, "torch": 4.0})
    assert found.relative["two"] == pytest.approx({"jax": 1.5, "tensorflow": 1.0, "torch": 3.0})
    assert [found.profile(name, 1.0) for name in NAMES] == [0.5, 0.5, 0.0]
    assert [found.profile(name, 2.0) for name in NAMES] == [1.0, 1.0, 0.0]


def test_one_scenario_says_nothing_of_several():
    one = {"one": pairs({"jax": 0.0, "torch": 1.0}), "two": {}}
    assert across(one, RULE, order=NAMES, worse={}) is None
    disturbed = {"two": pairs({"jax": 0.0, "torch": 1.0}, rounds=0)}
    assert across(one | disturbed, RULE, order=NAMES, worse={}) is None
    assert across(disturbed, RULE, order=NAMES, worse={}) is None


def test_fewer_than_four_rounds_anywhere_give_no_mean():
    found = across(
        {
            "one": pairs({"jax": 0.0, "torch": 1.0}),
            "two": pairs({"jax": 0.0, "torch": 1.0}, rounds=3),
        },
        RULE,
        order=NAMES,
        worse={},
    )
    assert found.means == []
    assert found.fastest is None
    assert found.relative["two"]["torch"] == pytest.approx(math.e)


def test_a_backend_that_a_scenario_lacks_is_in_no_mean_and_within_nothing_there():
    found = across(
        {
            "one": pairs({"jax": 0.0, "tensorflow": 0.5, "torch": 1.0}),
            "two": pairs({"jax": 0.0, "tensorflow": 0.5}),
        },
        RULE,
        order=NAMES,
        worse={},
    )
    assert [(one.first, one.second) for one in found.means] == [("tensorflow", "jax")]
    assert found.fastest is None  # of the third nobody knows
    assert found.profile("torch", 100.0) == 0.5


@pytest.mark.parametrize("rounds", [4, 8])
def test_the_interval_of_a_mean_holds_what_it_says(rounds):
    draws = np.random.default_rng(1)
    spreads = np.array([0.02, 0.03, 0.05, 0.08, 0.02, 0.15, 0.04])  # scenarios differ in noise
    truth, campaigns = 0.3, 1_000
    held = 0
    for _ in range(campaigns):
        centres = draws.normal(size=len(spreads))
        centres += truth - centres.mean()
        samples = centres[:, None] + spreads[:, None] * draws.normal(size=(len(spreads), rounds))
        found = mean("a", "b", samples.tolist(), confidence=0.95, margin=0.02)
        held += found.low <= math.exp(truth) <= found.high
    assert 0.93 <= held / campaigns <= 0.985


def test_a_pair_that_is_turned_round_says_the_same():
    turned = {("torch", "jax"): pair("torch", "jax", [1.0] * 4)}
    assert relative(turned, ["jax", "torch"]) == pytest.approx({"jax": 1.0, "torch": math.e})


@pytest.fixture
def family(make_record):
    """Four rounds of two scenarios; JAX is twice as fast in both."""
    return [
        make_record(
            scenario=name,
            backend=backend,
            round=number,
            seed=number,
            run_id=name,
            step_time_s=step_s,
            started_at=f"2026-01-01T0{hour}:{number:02}:{second:02}+00:00",
            environment=environment(),
            noise=noise(),
        )
        for hour, name in enumerate(("dcn", "ranking"))
        for number in range(1, 5)
        for second, (backend, step_s) in enumerate({"jax": 0.002, "torch": 0.004}.items())
    ]


def test_a_folder_of_several_scenarios_has_their_mean(family):
    found = study_of(family).across
    assert list(found.relative) == ["dcn", "ranking"]
    assert found.means[0].ratio == pytest.approx(2.0)


def test_what_learns_worse_somewhere_is_not_called_the_fastest(family, about):
    worse = [
        msgspec.structs.replace(record, quality=msgspec.structs.replace(record.quality, value=0.9))
        if (record.cell.scenario, record.cell.backend) == ("dcn", "jax")
        else record
        for record in family
    ]
    known = {"dcn": about["ranking"], "ranking": about["ranking"]}
    found = study_of(worse, about=known).across
    assert found.worse == {"jax": ["dcn"]}
    assert found.fastest is None
    assert study_of(family, about=known).across.fastest == "jax"


def test_a_folder_of_one_scenario_has_none(family):
    one = [record for record in family if record.cell.scenario == "dcn"]
    assert study_of(one).across is None
