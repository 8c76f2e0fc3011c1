"""Campaign against campaign: what became slower, hungrier or less accurate."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.analysis.before_after.compare import Limits, compare
from harness.records.machine import Disturbance, Noise
from harness.records.trial import Memory

THREE = {"jax": 0.0018, "tensorflow": 0.0034, "torch": 0.0045}
TOLERANCES = {"ranking": 5e-4}


def moved(by, **changes):
    """The true step times with one backend moved by a factor."""
    return {name: s * by.get(name, 1.0) for name, s in THREE.items()} | changes


def by_backend(comparison):
    return {cell.cell.backend: cell for cell in comparison.cells}


@pytest.fixture
def versus(make_campaign):
    """Compare a campaign of three backends with another one that has these differences."""

    def make(by=None, *, limits=None, rounds=14, **changes):
        before = make_campaign(THREE, rounds)
        after = make_campaign(moved(by or {}), rounds, seed=2, run_id="after", **changes)
        return compare(before, after, limits=limits, tolerances=TOLERANCES)

    return make


class TestSpeed:
    def test_a_backend_that_takes_longer_is_slower_and_the_others_are_equivalent(self, versus):
        cells = by_backend(versus({"torch": 1.08}))
        assert cells["torch"].outcome == "slower"
        assert cells["torch"].speed.low < 1.08 < cells["torch"].speed.high
        assert cells["jax"].outcome == cells["tensorflow"].outcome == "equivalent"

    def test_one_that_takes_less_is_faster(self, versus):
        assert by_backend(versus({"jax": 0.9}))["jax"].outcome == "faster"

    def test_the_whole_interval_must_be_beyond_the_margin(self, versus):
        wide = versus({"torch": 1.08}, limits=Limits(margin=0.075))
        assert by_backend(wide)["torch"].outcome == "inconclusive"
        assert by_backend(wide)["torch"].speed.trials_needed > 14

    def test_before_and_after_are_medians_in_seconds(self, versus):
        speed = by_backend(versus())["jax"].speed
        assert (speed.before, speed.after) == pytest.approx((0.0018, 0.0018), rel=0.02)

    def test_cells_side_by_side_share_the_error(self, versus):
        assert by_backend(versus())["jax"].speed.confidence == pytest.approx(1 - 0.05 / 3)

    def test_cells_that_cannot_be_judged_take_no_share_of_it(self, make_campaign):
        before = [*make_campaign({"jax": 0.002}, 6), *make_campaign({"torch": 0.004}, 3)]
        cells = by_backend(compare(before, before))
        assert cells["jax"].speed.confidence == pytest.approx(0.95)
        assert cells["torch"].speed.kind == "inconclusive"
        assert cells["torch"].speed.reason == "needs 4 trials on each side, here are 3 and 3"

    def test_other_machines_are_not_ranked_but_what_they_learned_is_compared(self, versus):
        comparison = versus({"torch": 3.0}, machine_id="machine-b")
        torch = by_backend(comparison)["torch"]
        assert not comparison.ranked
        assert (torch.speed, torch.memory, torch.outcome) == (None, None, "not compared")
        assert "different machines (host of machine-a machine-" in torch.unranked
        assert torch.quality.kind == "equivalent"


class TestDisturbedTrials:
    @pytest.fixture
    def disturbed(self):
        beside = Disturbance(
            elapsed_s=10.0,
            involuntary_switches=5,
            steal_share=0.5,
            busy_share=0.5,
            load_average=1.0,
            frequency_mhz=None,
        )
        return Noise(training=beside)

    def test_are_counted_and_left_out_of_the_step_times(self, make_campaign, disturbed):
        before, after = make_campaign({"jax": 0.002}, 6), make_campaign({"jax": 0.002}, 6, seed=2)
        slow = make_campaign({"jax": 0.08}, 2, seed=3, noise=disturbed)
        (cell,) = compare(before, [*after, *slow]).cells
        assert (cell.trials_after, cell.disturbed, cell.outcome) == (8, (0, 2), "equivalent")
        assert cell.memory.trials_after == 8

    def test_without_any_other_leave_no_verdict(self, make_campaign, disturbed):
        before = make_campaign({"jax": 0.002}, 6)
        (cell,) = compare(before, make_campaign({"jax": 0.002}, 6, noise=disturbed)).cells
        assert cell.speed is None
        assert cell.unranked == "every trial after was disturbed: repeat on a quiet machine"


class TestMemory:
    def test_more_is_told_beyond_the_margin(self, versus):
        memory = by_backend(versus(peak_rss_bytes=700_000_000))["jax"].memory
        assert memory.kind == "more"
        assert memory.ratio == pytest.approx(7 / 6, rel=0.01)

    def test_and_so_is_less(self, versus):
        assert by_backend(versus(peak_rss_bytes=500_000_000))["jax"].memory.kind == "less"

    def test_of_a_device_is_judged_by_itself(self, versus):
        memory = Memory(peak_rss_bytes=600_000_000, peak_device_bytes=2_000_000_000)
        cells = by_backend(versus(memory=memory))
        assert cells["jax"].memory is not None
        assert cells["jax"].device_memory is None  # before there was none


class TestQuality:
    def test_is_paired_by_seed_and_equivalent_where_only_round_off_differs(self, versus):
        quality = by_backend(versus())["jax"].quality
        assert (quality.kind, quality.seeds) == ("equivalent", 14)

    def test_a_faster_backend_that_learns_worse_is_not_called_faster(self, versus):
        jax = by_backend(versus({"jax": 0.8}, rmse={"jax": 0.003}))["jax"]
        assert jax.speed.kind == "faster"
        assert jax.quality.kind == "worse"
        assert jax.outcome == "faster, but learns worse"

    def test_a_slower_one_that_learns_better_is_both(self, versus):
        jax = by_backend(versus({"jax": 1.2}, rmse={"jax": -0.003}))["jax"]
        assert jax.outcome == "slower, but learns better"

    def test_the_tolerance_that_is_asked_for_goes_before_the_scenario_s(self, versus):
        loose = versus(rmse={"jax": 0.003}, limits=Limits(tolerance=0.005))
        assert by_backend(loose)["jax"].quality.kind == "equivalent"

    def test_without_any_tolerance_is_not_judged(self, make_campaign):
        records = make_campaign({"jax": 0.002})
        assert compare(records, records).cells[0].quality is None

    def test_means_are_over_the_seeds_that_both_have(self, make_campaign):
        many, few = make_campaign({"jax": 0.002}, 12), make_campaign({"jax": 0.002}, 5)
        (cell,) = compare(many, few, tolerances=TOLERANCES).cells
        assert cell.quality_before.value == pytest.approx(cell.quality_after.value, abs=1e-4)
        assert cell.quality_before.n == 5


class TestWhatElseChanged:
    def test_packages_that_differ_are_listed_for_each_backend(self, versus):
        found = versus(packages={"keras": "3.16.0", "new": "1.0"}).packages
        told = [(one.name, one.before, one.after) for one in found["torch"]]
        assert told == [("keras", "3.15.1", "3.16.0"), ("new", "absent", "1.0")]
        assert list(found) == ["jax", "tensorflow", "torch"]

    def test_that_drift_looks_like_software_is_always_said(self, versus):
        (note,) = [note for note in versus().notes if note.code == "drift"]
        assert "looks the same as a change of software" in note.text
        assert "no speed probe" in note.text

    def test_the_speed_probe_is_a_hint_where_there_is_one(self, make_campaign):
        sides = [
            make_campaign(THREE, 4, noise=Noise(probe_before_s=s, probe_after_s=s))
            for s in (0.200, 0.212)
        ]
        (note,) = [note for note in compare(*sides).notes if note.code == "drift"]
        assert "changed by +6.0% (200 ms before, 212 ms after" in note.text

    def test_what_ran_in_the_engine(self, versus):
        (note,) = [n for n in versus(engine={"jit_compile": False}).notes if n.code == "engine"]
        assert "jit_compile True before, False after" in note.text
        assert "jax cpu fit" in note.text

    def test_a_machine_that_was_changed_in_between(self, make_campaign):
        before = make_campaign({"jax": 0.002})
        environment = msgspec.structs.replace(before[0].environment, os="Linux 6.12")
        after = make_campaign({"jax": 0.002}, environment=environment)
        (note,) = [note for note in compare(before, after).notes if note.code == "machine-state"]
        assert "operating system Linux 6.1 before, Linux 6.12 after" in note.text

    def test_failed_trials_of_either_side(self, make_campaign):
        before = make_campaign({"jax": 0.002})
        after = [*before[1:], msgspec.structs.replace(before[0], status="timeout")]
        texts = [note.text for note in compare(before, after).notes]
        assert any(text.startswith("1 of 6 trials after left no measurement") for text in texts)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(random=st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(make_campaign, random):
    before, after = make_campaign(THREE, 4), make_campaign(moved({"jax": 1.1}), 5, seed=2)
    mixed = random.sample(before, len(before)), random.sample(after, len(after))
    first, second = (compare(*sides, tolerances=TOLERANCES) for sides in ((before, after), mixed))
    assert first == second


def test_a_campaign_against_itself_is_equivalent_in_everything(make_campaign):
    records = make_campaign(THREE, 14)
    comparison = compare(records, records, tolerances=TOLERANCES)
    assert {cell.outcome for cell in comparison.cells} == {"equivalent"}
    assert {cell.memory.kind for cell in comparison.cells} == {"equivalent"}
    assert {cell.quality.difference for cell in comparison.cells} == {0.0}
    assert not comparison.packages
