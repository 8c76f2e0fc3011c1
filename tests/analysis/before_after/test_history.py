"""Timelines: a change counts only by the verdict's rule."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.before_after.history import Campaign, timelines
from tests.report.made_up import BEGAN, campaign, failed


def one(name, month, **changes):
    began = BEGAN.replace(month=1 + month)
    changes = {"rounds": 8, "epochs": 8, "backends": ("jax",), **changes}
    return Campaign(name=name, records=list(campaign(run_id=name, began=began, **changes)))


def moved(timeline):
    return [moment.campaign for moment in timeline.moments if moment.moved]


def test_an_even_history_has_no_change():
    (timeline,) = timelines([one(f"c{i}", i) for i in range(6)])
    assert len(timeline.moments) == 6
    assert moved(timeline) == []


def test_a_step_is_found_once_where_it_came():
    steps = [1.0, 1.0, 1.15, 1.15, 1.15]
    (timeline,) = timelines([one(f"c{i}", i, slower={"jax": s}) for i, s in enumerate(steps)])
    assert moved(timeline) == ["c2"]
    assert timeline.moments[2].speed.kind == "slower"
    assert timeline.moments[2].speed.low > 1.02


def test_a_slow_drift_is_found_once_it_has_added_up():
    (timeline,) = timelines(
        [one(f"c{i}", i, slower={"jax": 1.025**i}, rounds=12) for i in range(7)]
    )
    assert moved(timeline)


def test_a_difference_within_the_margin_is_no_change():
    found = timelines(
        [one("a", 0, rounds=40), one("b", 1, rounds=40, slower={"jax": 1.05})], margin=0.2
    )
    assert moved(found[0]) == []


def test_campaigns_are_ordered_by_time_not_by_name():
    (timeline,) = timelines([one("z", 0), one("a", 1)])
    assert [moment.campaign for moment in timeline.moments] == ["z", "a"]


def test_the_order_of_the_folders_does_not_matter():
    given = [one(f"c{i}", i, slower={"jax": 1 + i / 10}) for i in range(4)]
    assert timelines(given) == timelines(given[::-1])


@pytest.mark.parametrize("changes", [{"machine_id": "another"}, {"scenario_version": 2}])
def test_other_machines_and_other_work_are_timelines_of_their_own(changes):
    found = timelines([one("a", 0), one("b", 1, **changes)])
    assert [len(timeline.moments) for timeline in found] == [1, 1]


def test_below_four_trials_there_is_no_change():
    (timeline,) = timelines([one("a", 0, rounds=3), one("b", 1, rounds=3, slower={"jax": 2.0})])
    assert moved(timeline) == []
    assert timeline.moments[1].speed.low is None


def test_failed_trials_are_counted_and_in_no_step_time():
    given = one("a", 0)
    lost = Campaign(name="a", records=[failed(given.records[0]), *given.records[1:]])
    (timeline,) = timelines([lost])
    assert (timeline.moments[0].trials, timeline.moments[0].failed) == (7, 1)


def test_learning_worse_is_a_change_too():
    before, after = one("a", 0), one("b", 1)
    values = {record.seed: record.quality.value for record in before.records}
    worse = [
        msgspec.structs.replace(
            record,
            quality=msgspec.structs.replace(record.quality, value=values[record.seed] + 0.01),
        )
        for record in after.records
    ]
    (timeline,) = timelines(
        [before, Campaign(name="b", records=worse)], tolerances={"ranking": 5e-4}
    )
    assert timeline.moments[1].quality.kind == "worse"
    assert moved(timeline) == ["b"]


def test_versions_that_ran_are_told():
    (timeline,) = timelines([one("a", 0), one("b", 1, packages={"keras": "3.16.0"})])
    assert [m.versions["keras"] for m in timeline.moments] == [["3.15.1"], ["3.16.0"]]
