"""What is said of the values of an axis of names: over common rounds, or not at all."""

from __future__ import annotations

import pytest

from harness.analysis.study import study_of
from harness.report import leads

DEFAULTS = {"batch_size": 1000, "epochs": 5, "embedding_dimension": 32, "learning_rate": 0.1}


@pytest.fixture
def by_optimizer(make_campaign):
    """The study of rounds in which each backend trains with each optimizer, by its step times."""

    def make(times, rounds=8, *, together=True, **changes):
        records = []
        for number, (optimizer, step_time_s) in enumerate(times.items()):
            records += make_campaign(
                step_time_s,
                rounds,
                seed=number + 1,
                run_id="run" if together else f"run-{optimizer}",
                settings=DEFAULTS | {"optimizer": optimizer},
                **changes,
            )
        return study_of(records)

    return make


def over_first(study):
    """Of the one sweep: the verdict on each value but the first, by backend and value."""
    (sweep,) = study.sweeps
    return {
        (course.backend, point.value): point.over_first
        for course in sweep.courses
        for point in course.points[1:]
    }


def grown(study):
    (sweep,) = study.sweeps
    return leads.grown(sweep)


def test_a_difference_is_claimed_where_a_verdict_says_it_and_nowhere_else(by_optimizer):
    study = by_optimizer(
        {
            "adagrad": {"jax": 1e-3, "torch": 3e-3},
            "adam": {"jax": 1.3e-3, "torch": 3e-3},
        }
    )
    said = over_first(study)
    assert said["jax", "adam"].kind == "slower"
    assert said["jax", "adam"].low < 1.3 < said["jax", "adam"].high
    assert said["torch", "adam"].kind in {"equivalent", "inconclusive"}
    text = grown(study)
    assert text.startswith("Optimizer changes a step: adam over adagrad 1.3")
    assert "× on JAX (" in text
    assert text.endswith(" No difference in a step by optimizer was shown on PyTorch.")


def test_what_differs_most_from_the_first_is_named_whichever_way(by_optimizer):
    study = by_optimizer(
        {"adagrad": {"jax": 2e-3}, "adam": {"jax": 2.4e-3}, "sgd": {"jax": 1e-3}}, rounds=12
    )
    assert grown(study).startswith("Optimizer changes a step: sgd over adagrad 0.50")


def test_one_thing_under_two_names_shows_no_difference(by_optimizer):
    study = by_optimizer({"a": {"jax": 1e-3}, "b": {"jax": 1e-3}}, spread=0.05)
    assert grown(study) == "No difference in a step by optimizer was shown on JAX."


@pytest.mark.parametrize(("rounds", "together"), [(3, True), (8, False)])
def test_too_few_common_rounds_claim_nothing_however_far_apart(by_optimizer, rounds, together):
    study = by_optimizer(
        {"adagrad": {"jax": 1e-3}, "adam": {"jax": 2e-3}}, rounds, together=together
    )
    assert all(given is None or given.low is None for given in over_first(study).values())
    assert grown(study) == ""


def test_a_backend_with_too_few_common_rounds_is_named_beside_one_that_has_them(by_optimizer):
    study = by_optimizer(
        {"adagrad": {"jax": 1e-3, "torch": 2e-3}, "adam": {"jax": 2e-3, "torch": 2e-3}}
    )
    few = [r for r in study.records if r.cell.backend == "jax" or r.round < 4]
    assert grown(study_of(few)).endswith(
        " By optimizer there is no verdict on PyTorch: two values need 4 complete rounds in common."
    )


def test_of_one_backend_it_is_the_verdict_that_the_folder_gives_anyway(by_optimizer):
    study = by_optimizer(
        {"adagrad": {"jax": 1e-3}, "adam": {"jax": 1.1e-3}, "sgd": {"jax": 1.2e-3}}
    )
    given = {
        (one.pair.first.settings["optimizer"], one.pair.second.settings["optimizer"]): one.verdict
        for one in study.verdicts
    }
    assert len(given) == 3
    assert over_first(study) == {
        ("jax", "adam"): given["adam", "adagrad"],
        ("jax", "sgd"): given["sgd", "adagrad"],
    }


def test_values_beside_backends_are_a_family_of_their_own(by_optimizer):
    study = by_optimizer(
        {name: {"jax": 1e-3, "torch": 2e-3} for name in ("adagrad", "adam", "sgd")}
    )
    assert {one.confidence for one in over_first(study).values()} == {1 - 0.05 / 4}
    assert {one.verdict.confidence for one in study.verdicts} == {1 - 0.05 / 3}


def test_an_axis_of_numbers_has_growth_and_no_verdicts(make_campaign):
    records = [
        record
        for size in (256, 1000, 4096)
        for record in make_campaign({"jax": 1e-6 * size}, settings=DEFAULTS | {"batch_size": size})
    ]
    (sweep,) = study_of(records).sweeps
    points = [point for course in sweep.courses for point in course.points]
    assert [point.over_first for point in points] == [None] * 3
