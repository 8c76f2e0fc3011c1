"""Going on after a kill: what is there is skipped, and what no longer counts is named."""

from __future__ import annotations

import msgspec
import pytest

from harness.errors import HarnessError
from harness.launch.campaign.resume import UNDER_WAY_S, Circumstances, resume
from harness.records.trial import Failure
from tests.launch.fakes import environment, make_plan

NOW_S = 1767225600.0  # 2026-01-01T00:00:00Z
PACKAGES = {"python": "CPython 3.11.7", "numpy": "2.4.6", "keras": "3.15.1"}


@pytest.fixture
def begun(make_cell):
    """The plan of the run that was killed: three rounds of two cells."""
    cells = [make_cell(backend=backend) for backend in ("jax", "torch")]
    return make_plan(cells, run_id="begun", rounds=3, shuffle_seed=5)


@pytest.fixture
def asked(begun):
    """What the command with --resume asks for, with an id and a shuffle of its own."""
    return msgspec.structs.replace(begun, run_id="now", shuffle_seed=99)


@pytest.fixture
def records_of(make_record):
    def make(trials, **changes):
        fields = {"started_at": "2026-01-01T00:00:00Z", "environment": environment()} | changes
        return [
            make_record(cell=t.cell, seed=t.seed, round=t.round, run_id=t.run_id, **fields)
            for t in trials
        ]

    return make


def going_on(asked, begun, records, *, later_s=20.0, **now):
    facts = {"scenario_version": 1, "table_sha256": "a" * 64, "packages": PACKAGES} | now
    circumstances = {cell.digest: Circumstances(**facts) for cell in asked.cells}
    return resume(asked, [begun], records, circumstances, now_s=NOW_S + later_s)


def test_rounds_that_are_there_are_skipped_and_the_numbering_goes_on(asked, begun, records_of):
    left = going_on(asked, begun, records_of(begun.trials(2)))
    assert (left.gaps, left.plan.first_round) == ([], 3)
    assert len(left.present) == 4
    assert left.remarks == []


def test_the_order_of_the_rounds_to_come_is_the_one_that_was_planned(asked, begun, records_of):
    left = going_on(asked, begun, records_of(begun.trials(1)))
    order = [trial.cell for trial in begun.round(2)]
    assert [trial.cell for trial in left.plan.round(2)] == order
    assert {trial.run_id for trial in left.plan.round(2)} == {"now"}


def test_the_round_that_was_under_way_is_completed(asked, begun, records_of):
    left = going_on(asked, begun, records_of(begun.trials(2)[:3]))
    assert left.gaps == [begun.round(2)[1:]], "with the id of the run that began it"


def test_a_round_from_long_ago_is_measured_anew(asked, begun, records_of):
    left = going_on(asked, begun, records_of(begun.trials(2)[:3]), later_s=UNDER_WAY_S + 60)
    assert left.gaps == [left.plan.round(2)]


def test_an_interrupted_trial_is_run_again(asked, begun, records_of):
    *done, last = begun.trials(2)
    records = records_of(done) + records_of([last], status="interrupted")
    left = going_on(asked, begun, records)
    assert left.gaps == [[last]]
    assert left.remarks == [
        f"does not count: {last.cell.label}, round 2: it was interrupted",
        "measured again: 1 trial that left no measurement",
    ]


@pytest.mark.parametrize(
    ("status", "why"),
    [("failed", "it failed"), ("crashed", "it crashed"), ("timeout", "it ran into its timeout")],
)
def test_a_trial_that_left_no_measurement_is_run_again(asked, begun, records_of, status, why):
    bad, *good = begun.trials(1)
    left = going_on(asked, begun, records_of([bad], status=status) + records_of(good))
    assert left.gaps == [[bad]]
    assert left.unmeasured == 1
    assert left.remarks == [
        f"does not count: {bad.cell.label}, round 1: {why}",
        "measured again: 1 trial that left no measurement",
    ]


def test_what_was_refused_is_not_tried_again_and_still_no_measurement(asked, begun, records_of):
    refusal = Failure(reason="no such code", cause="refused")
    records = records_of(begun.trials(1)[:1], status="failed", failure=refusal)
    records += records_of(begun.trials(1)[1:])
    left = going_on(asked, begun, records)
    assert (left.gaps, left.remarks, left.unmeasured) == ([], [], 1)
    changed = [msgspec.structs.replace(one, scenario_sha256="c" * 64) for one in records]
    assert len(going_on(asked, begun, changed, scenario_sha256="d" * 64).gaps) == 1


def test_where_all_failed_all_of_it_is_run_again(asked, begun, records_of):
    left = going_on(asked, begun, records_of(begun.trials(3), status="failed"), later_s=9999.0)
    assert left.gaps == [left.plan.round(number) for number in (1, 2, 3)]
    assert left.plan.first_round == 4
    assert left.remarks[-1] == "measured again: 6 trials that left no measurement"


def test_a_failure_that_was_made_good_since_is_no_matter_any_more(asked, begun, records_of):
    trials = begun.trials(3)
    records = records_of(trials[:1], status="failed") + records_of(trials)
    left = going_on(asked, begun, records)
    assert (left.gaps, left.remarks, left.unmeasured) == ([], [], 0)


def test_a_mended_scenario_is_measured_anew(asked, begun, records_of):
    records = records_of(begun.trials(3), scenario_sha256="c" * 64)
    left = going_on(asked, begun, records, scenario_sha256="d" * 64, later_s=9999.0)
    assert left.present == []
    assert len(left.gaps) == 3
    assert all(
        "the scenario's source was another one (cccccccc… then, dddddddd… now)" in remark
        for remark in left.remarks
    )
    assert going_on(asked, begun, records, scenario_sha256="c" * 64).gaps == []


def test_a_record_from_before_there_was_a_hash_counts(asked, begun, records_of):
    left = going_on(asked, begun, records_of(begun.trials(3)), scenario_sha256="d" * 64)
    assert len(left.present) == 6


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (
            {"scenario_version": 2},
            "it measured version 1 of the scenario, which is at version 2 now",
        ),
        ({"table_sha256": "b" * 64}, "it trained on other data (aaaaaaaa… then, bbbbbbbb… now)"),
        (
            {"packages": PACKAGES | {"numpy": "2.5.0"}},
            "it ran with other packages (numpy 2.4.6 then, 2.5.0 now)",
        ),
    ],
)
def test_what_was_measured_under_other_circumstances_does_not_count(
    asked, begun, records_of, now, why
):
    left = going_on(asked, begun, records_of(begun.trials(2)), **now)
    assert left.present == []
    assert left.gaps == [left.plan.round(1), left.plan.round(2)]
    assert left.plan.first_round == 3
    assert sorted(left.remarks) == [
        f"does not count: {backend} cpu fit, rounds 1-2: {why}" for backend in ("jax", "torch")
    ]


def test_what_is_not_known_is_no_objection(asked, begun, records_of):
    records = records_of(begun.trials(1), environment=None, hashes=None)
    left = going_on(asked, begun, records, table_sha256=None)
    assert len(left.present) == 2


def test_an_adaptive_campaign_makes_new_rounds_in_place_of_lost_ones(asked, begun, records_of):
    adaptive = msgspec.structs.replace(asked, rounds=None, precision=0.02)
    left = going_on(adaptive, begun, records_of(begun.trials(2)), scenario_version=2)
    assert (left.gaps, left.plan.first_round) == ([], 3)


def test_records_of_other_runs_in_the_folder_do_not_count(asked, begun, records_of):
    other = msgspec.structs.replace(begun, run_id="other")
    left = going_on(asked, begun, records_of(other.trials(3)))
    assert (left.present, left.plan.first_round) == ([], 1)


def test_without_a_plan_there_is_nothing_to_go_on_with(asked):
    with pytest.raises(HarnessError, match="the results folder holds no plan"):
        resume(asked, [], [], {}, now_s=NOW_S)


def test_other_options_than_those_it_was_begun_with_are_refused(asked, begun):
    other = msgspec.structs.replace(asked, cells=asked.cells[:1], seeds=[7])
    with pytest.raises(HarnessError, match=r"as it was planned: .*Give the same options"):
        going_on(other, begun, [])
