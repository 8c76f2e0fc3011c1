"""Which cells of two campaigns are held against each other, and what is said of the others."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.before_after.match import Matches, match
from harness.records.trial import Failure, Hashes

BOTH = {"jax": 0.002, "torch": 0.004}


def hashes(table="a", split="b"):
    return Hashes(table=table * 64, split=split * 64, initial_weights="", final_weights="")


def backends(cells):
    return [one.cell.backend for one in cells]


def failed(records, status="crashed"):
    failure = Failure(reason="out of memory\nthe rest of the log")
    return [msgspec.structs.replace(r, status=status, failure=failure, epochs=[]) for r in records]


class TestEqualCells:
    def test_are_matched_with_all_their_good_trials(self, make_campaign):
        before, after = make_campaign(BOTH, 4), make_campaign(BOTH, 6, seed=2)
        found = match(before, after)
        assert backends(found.matched) == ["jax", "torch"]
        assert [(len(m.before), len(m.after)) for m in found.matched] == [(4, 6)] * 2
        assert [found.apart, found.only_before, found.only_after] == [[], [], []]

    @pytest.mark.parametrize(
        "change",
        [{"threads": 2}, {"init": "keras"}, {"device": "gpu"}, {"settings": {"batch_size": 9}}],
    )
    def test_differ_in_nothing_that_was_asked(self, make_campaign, change):
        found = match(make_campaign(BOTH), make_campaign(BOTH, **change))
        assert not found.matched
        assert len(found.only_before) == len(found.only_after) == 2

    def test_come_in_the_order_of_their_names_whatever_the_order_of_records(self, make_campaign):
        before, after = make_campaign(BOTH), make_campaign({"torch": 0.001, "jax": 0.009})
        assert backends(match(before[::-1], after).matched) == ["jax", "torch"]

    def test_of_several_machines_are_matched_on_each_that_has_both(self, make_campaign):
        one, other = make_campaign(BOTH), make_campaign(BOTH, machine_id="machine-b")
        found = match([*one, *other], one)
        assert {m.machine_id for m in found.matched} == {"machine-a"}
        assert all(len(m.before) == len(m.after) for m in found.matched)


class TestOtherMachines:
    def test_leave_a_match_without_a_machine(self, make_campaign):
        found = match(make_campaign(BOTH), make_campaign(BOTH, machine_id="machine-b"))
        assert [m.machine_id for m in found.matched] == [None, None]

    def test_a_machine_that_is_not_told_is_no_machine_in_common(self, make_campaign):
        found = match(make_campaign(BOTH, machine_id=None), make_campaign(BOTH, machine_id=None))
        assert [m.machine_id for m in found.matched] == [None, None]


class TestNotTheSameWork:
    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"scenario_version": 2}, "scenario version 1 before, scenario version 2 after"),
            ({"hashes": hashes(table="e")}, "table aaaaaaaaaaaa before, table eeeeeeeeeeee after"),
            ({"hashes": hashes(split="e")}, "split bbbbbbbbbbbb before, split eeeeeeeeeeee after"),
            ({"synthetic": True}, "synthetic data False before, synthetic data True after"),
        ],
    )
    def test_is_said_of_each_cell(self, make_campaign, change, told):
        found = match(make_campaign(BOTH), make_campaign(BOTH, **change))
        assert not found.matched
        assert [apart.reason for apart in found.apart] == [f"not the same work: {told}"] * 2

    def test_beside_trials_of_the_same_work_is_left_out(self, make_campaign):
        before = make_campaign(BOTH)
        after = [*make_campaign(BOTH), *make_campaign(BOTH, scenario_version=2)]
        assert [len(m.after) for m in match(before, after).matched] == [6, 6]

    def test_in_every_combination_is_told_too(self, make_campaign):
        before = [
            *make_campaign(BOTH, hashes=hashes("a", "b")),
            *make_campaign(BOTH, hashes=hashes("c", "d")),
        ]
        found = match(before, make_campaign(BOTH, hashes=hashes("a", "d")))
        assert "the version, data and split" in found.apart[0].reason


class TestAMixedSide:
    def test_of_several_package_versions_is_no_single_thing_to_compare_with(self, make_campaign):
        before = [*make_campaign(BOTH), *make_campaign(BOTH, packages={"keras": "3.16.0"})]
        found = match(before, make_campaign(BOTH))
        assert "before mixes versions (keras 3.15.1 and 3.16.0)" in found.apart[0].reason
        assert "name a folder that holds one" in found.apart[0].reason

    def test_of_several_works_that_both_have_is_none_either(self, make_campaign):
        both = [*make_campaign(BOTH), *make_campaign(BOTH, scenario_version=2)]
        assert "2 scenario versions" in match(both, both).apart[0].reason


class TestOneSided:
    def test_lists_tell_what_only_one_campaign_has(self, make_campaign):
        found = match(make_campaign(BOTH), make_campaign({"jax": 0.002, "tensorflow": 0.003}))
        assert backends(found.only_before) == ["torch"]
        assert backends(found.only_after) == ["tensorflow"]
        assert found.only_before[0].trials == 6
        assert found.only_before[0].reason == "no record"

    def test_a_cell_that_only_failed_after_was_measured_before_only(self, make_campaign):
        found = match(make_campaign(BOTH), failed(make_campaign(BOTH, 3)))
        assert backends(found.only_before) == ["jax", "torch"]
        assert found.only_before[0].reason == "no good trial (3 crashed: out of memory)"

    def test_a_cell_that_failed_on_both_sides_is_told_apart(self, make_campaign):
        records = failed(make_campaign({"jax": 0.002}))
        (apart,) = match(records, records).apart
        assert apart.reason == "no trial left a measurement, before or after"

    def test_failed_trials_beside_good_ones_are_no_trials(self, make_campaign):
        records = make_campaign({"jax": 0.002})
        after = [*records[:4], *failed(records[4:])]
        assert len(match(records, after).matched[0].after) == 4


def test_two_empty_campaigns_have_nothing_in_common():
    assert match([], []) == Matches(matched=[], apart=[], only_before=[], only_after=[])
