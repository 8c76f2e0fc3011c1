"""Trials are named by what tells them from the others; failures and changed sources use it."""

from __future__ import annotations

import pytest

from harness.analysis.failures import failures
from harness.analysis.notes.sources import changed_between, changed_scenarios
from harness.analysis.rows import grouped
from harness.analysis.trial_names import name_of
from harness.records.trial import Failure


@pytest.fixture
def matrix(make_record):
    """Two backends, two batch sizes, three seeds."""
    return [
        make_record(
            backend=backend,
            seed=seed,
            repetition=1,
            settings={"batch_size": size, "epochs": 5},
        )
        for backend in ("jax", "torch")
        for size in (256, 1000)
        for seed in (1, 2, 3)
    ]


def of(matrix, **wanted):
    return [
        record
        for record in matrix
        if all(
            value in (record.cell.backend, record.seed, record.cell.settings["batch_size"])
            for value in wanted.values()
        )
    ]


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ({}, "jax cpu fit and torch cpu fit, seeds 1-3"),
        ({"backend": "torch"}, "torch cpu fit, seeds 1-3"),
        ({"size": 256}, "jax cpu fit and torch cpu fit, batch_size=256, seeds 1-3"),
        ({"backend": "jax", "size": 1000, "seed": 2}, "jax cpu fit, batch_size=1000, seed 2"),
    ],
)
def test_what_is_common_is_said_once_and_what_all_have_not_at_all(matrix, wanted, name):
    assert name_of(of(matrix, **wanted), matrix) == name


def test_what_no_single_phrase_covers_is_named_cell_by_cell(matrix):
    some = of(matrix, backend="jax", size=256) + of(matrix, backend="torch", size=1000, seed=3)
    assert name_of(some, matrix) == (
        "jax cpu fit, batch_size=256, seeds 1-3 and torch cpu fit, batch_size=1000, seed 3"
    )


def test_threads_of_the_frameworks_own_choice_have_a_name(make_record):
    trials = [make_record(threads=threads) for threads in (None, 2)]
    assert name_of(trials[:1], trials) == "jax cpu fit, threads=auto, seed 1"


def test_settings_of_several_scenarios_do_not_mix(make_record):
    trials = [
        make_record(scenario="images", settings={"size": 8}),
        make_record(scenario="texts", settings={"words": 9}),
    ]
    assert name_of(trials[1:], trials) == "jax cpu fit, scenario=texts, seed 1"


def test_failures_with_one_reason_stand_together(make_record):
    a, b = Failure(reason="a"), Failure(reason="b")
    trials = [
        make_record(),
        make_record(seed=2, status="failed", failure=a),
        make_record(seed=3, status="failed", failure=b),
        make_record(seed=4, status="failed", failure=a),
        make_record(seed=5, status="crashed", failure=a),
    ]
    assert [(one.status, one.reason, one.name) for one in failures(trials)] == [
        ("failed", "a", "jax cpu fit, seeds 2, 4"),
        ("failed", "b", "jax cpu fit, seed 3"),
        ("crashed", "a", "jax cpu fit, seed 5"),
    ]


class TestChangedScenarios:
    def notes(self, records):
        return list(changed_scenarios(grouped(records)))

    def test_trials_of_two_sources_are_named(self, make_record):
        (note,) = self.notes(
            [
                make_record(seed=seed, scenario_sha256=("c" if seed < 3 else "d") * 64)
                for seed in (1, 2, 3)
            ]
        )
        assert note.code == "scenario-changed"
        assert (
            "jax cpu fit, seeds 1-2 ran cccccccc… and jax cpu fit, seed 3 ran dddddddd…"
            in note.text
        )

    def test_one_source_is_nothing_to_say(self, make_record):
        assert (
            self.notes([make_record(seed=seed, scenario_sha256="c" * 64) for seed in (1, 2)]) == []
        )

    def test_records_from_before_say_nothing(self, make_record):
        assert self.notes([make_record(), make_record(seed=2, scenario_sha256="c" * 64)]) == []

    def test_two_scenarios_may_have_two_sources(self, make_record):
        records = [make_record(scenario=name, scenario_sha256=name * 32) for name in ("ab", "cd")]
        assert self.notes(records) == []

    def test_two_campaigns_that_are_compared_say_it_as_well(self, make_record):
        before, after = ([make_record(scenario_sha256=letter * 64)] for letter in "cd")
        (note,) = changed_between(before, after)
        assert note.code == "scenario-changed"
        assert "(cccccccc… before, dddddddd… after, SHA-256)" in note.text
        assert list(changed_between(before, before)) == []
        assert list(changed_between(before, [make_record()])) == []

    def test_a_failed_trial_changes_nothing_about_the_others(self, make_record):
        failed = make_record(seed=2, status="failed", scenario_sha256="d" * 64)
        assert self.notes([make_record(scenario_sha256="c" * 64), failed]) == []
