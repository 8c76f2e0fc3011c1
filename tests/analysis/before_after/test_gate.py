"""The gate: which findings there are, and with which code a script hears of them."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.before_after.compare import Limits, compare
from harness.analysis.before_after.gate import Rules, exit_code, findings, open_questions
from harness.errors import ExitCode, GateCode

TWO = {"jax": 0.002, "torch": 0.004}
ALL = Rules(slower=0.05, worse=0.002, memory=0.1, missing=True, inconclusive=True)


@pytest.fixture
def judged(make_campaign):
    """The findings of a gate on two backends before, and after with the differences given."""

    def make(rules, step_time_s=TWO, *, rounds=14, **changes):
        limits = Limits(
            margin=rules.slower if rules.slower is not None else 0.02,
            memory_margin=rules.memory or 0.05,
            tolerance=rules.worse or 5e-4,
        )
        after = make_campaign(step_time_s, rounds, seed=2, **changes)
        comparison = compare(make_campaign(TWO, 14), after, limits=limits)
        return findings(comparison, rules)

    return make


def told(found):
    return [(finding.rule, finding.cell and finding.cell.backend) for finding in found]


class TestCodes:
    def test_clash_with_no_other_exit_code(self):
        assert not {int(code) for code in GateCode} & {int(code) for code in ExitCode}
        assert len({int(code) for code in GateCode}) == len(GateCode)

    def test_without_a_finding_all_is_well(self):
        assert exit_code([]) == ExitCode.OK

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"rmse": {"jax": 0.004}}, GateCode.WORSE),
            ({"step_time_s": TWO | {"jax": 0.0024}}, GateCode.SLOWER),
            ({"peak_rss_bytes": 900_000_000}, GateCode.MEMORY),
            ({"step_time_s": {"jax": 0.002}}, GateCode.MISSING),
            ({"rounds": 3}, GateCode.INCONCLUSIVE),
            ({"machine_id": "machine-b"}, GateCode.INCONCLUSIVE),
        ],
    )
    def test_each_comes_of_its_own_fault(self, judged, changes, code):
        assert exit_code(judged(ALL, **changes)) == code

    def test_the_weightiest_wins_and_all_are_told_in_its_order(self, judged):
        found = judged(ALL, {"jax": 0.0024}, rmse={"jax": 0.004}, peak_rss_bytes=900_000_000)
        assert told(found) == [
            ("worse", "jax"),
            ("slower", "jax"),
            ("memory", "jax"),
            ("missing", "torch"),
        ]
        assert exit_code(found) == GateCode.WORSE


class TestSlower:
    def test_fails_only_where_the_whole_interval_is_beyond_the_limit(self, judged):
        after = TWO | {"jax": 0.002 * 1.052}
        assert judged(Rules(slower=0.05), after) == []
        assert told(judged(Rules(slower=0.02), after)) == [("slower", "jax")]

    def test_is_no_matter_of_faster_ones(self, judged):
        assert judged(Rules(slower=0.05), TWO | {"jax": 0.001}) == []

    def test_tells_the_figures_of_the_verdict(self, judged):
        (finding,) = judged(Rules(slower=0.05), TWO | {"jax": 0.0024})
        assert finding.figure == "step time"
        assert finding.change.low > 1.05
        assert finding.reason == "the whole interval is beyond the margin"


class TestWorse:
    def test_is_not_made_good_by_speed(self, judged):
        found = judged(Rules(worse=0.002), TWO | {"jax": 0.001}, rmse={"jax": 0.004})
        assert told(found) == [("worse", "jax")]

    def test_within_the_tolerance_is_no_finding(self, judged):
        assert judged(Rules(worse=0.005), rmse={"jax": 0.004}) == []

    def test_better_is_no_finding(self, judged):
        assert judged(Rules(worse=0.002), rmse={"jax": -0.004}) == []

    def test_is_judged_across_machines_too(self, judged):
        found = judged(Rules(worse=0.002), rmse={"jax": 0.004}, machine_id="machine-b")
        assert told(found) == [("worse", "jax")]
        assert judged(Rules(worse=0.002), machine_id="machine-b") == []


class TestMissing:
    def test_cells_that_are_new_after_are_no_finding(self, judged):
        assert judged(Rules(missing=True), TWO | {"tensorflow": 0.003}) == []

    def test_a_cell_whose_trials_all_failed_after_is_missing(self, make_campaign):
        after = [
            msgspec.structs.replace(r, status="crashed") if r.cell.backend == "torch" else r
            for r in make_campaign(TWO)
        ]
        (finding,) = findings(compare(make_campaign(TWO), after), Rules(missing=True))
        assert finding.reason == "measured before, after: no good trial (6 crashed)"


class TestInconclusive:
    def test_fails_only_where_it_is_asked_for(self, judged):
        assert judged(Rules(slower=0.05), rounds=3) == []
        found = judged(Rules(slower=0.05, inconclusive=True), rounds=3)
        assert told(found) == [("inconclusive", "jax"), ("inconclusive", "torch")]

    def test_slower_is_answered_with_no_where_only_faster_is_open(self, make_campaign):
        before, after = make_campaign(TWO, 8), make_campaign(TWO | {"jax": 0.0019}, 8, seed=2)
        comparison = compare(before, after, limits=Limits(margin=0.05))
        (jax, _) = comparison.cells
        assert jax.speed.kind == "inconclusive"
        assert findings(comparison, Rules(slower=0.05, inconclusive=True)) == []
        assert told(findings(comparison, Rules(inconclusive=True))) == [("inconclusive", "jax")]

    def test_alone_asks_for_the_verdict_on_speed(self, judged):
        assert {f.figure for f in judged(Rules(inconclusive=True), rounds=3)} == {"step time"}

    def test_beside_worse_asks_for_quality(self, judged):
        found = judged(Rules(worse=0.002, inconclusive=True), rounds=3)
        assert {f.figure for f in found} == {"quality"}

    def test_covers_cells_that_did_not_do_the_same_work(self, make_campaign):
        before = make_campaign(TWO, 14)
        after = [
            msgspec.structs.replace(r, scenario_version=2) if r.cell.backend == "torch" else r
            for r in before
        ]
        comparison = compare(before, after)
        (finding,) = findings(comparison, Rules(slower=0.05, inconclusive=True))
        assert "scenario version 1 before" in finding.reason

    def test_open_questions_are_known_to_a_gate_that_does_not_fail_on_them(self, make_campaign):
        comparison = compare(make_campaign(TWO, 3), make_campaign(TWO, 3))
        assert len(open_questions(comparison, Rules(slower=0.05))) == 2


class TestNothingToCompare:
    """A gate that judged nothing must not be green, whatever it was asked."""

    @pytest.mark.parametrize("rules", [Rules(), Rules(slower=0.05), Rules(memory=0.1)])
    def test_other_machines(self, judged, rules):
        (finding,) = judged(rules, machine_id="machine-b")
        assert finding.code == GateCode.NOT_COMPARABLE
        assert "measured on different machines" in finding.reason

    @pytest.mark.parametrize("rules", [Rules(), Rules(worse=0.002), Rules(missing=True)])
    def test_other_work(self, judged, rules):
        found = judged(rules, scenario_version=2)
        assert exit_code(found) == GateCode.NOT_COMPARABLE
        assert "scenario version 1 before" in found[-1].reason

    def test_no_cell_in_common(self, judged):
        (finding,) = judged(Rules(slower=0.05), {"tensorflow": 0.003})
        assert finding.reason == "the two campaigns have no cell in common"

    def test_no_quality_where_only_quality_is_asked(self, judged):
        (finding,) = judged(Rules(worse=0.002), quality=None)
        assert finding.reason == "no cell has a quality on both sides"
