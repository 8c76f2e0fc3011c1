"""Which processes may be alive at once: by what their cells are known to need, or a guess."""

from __future__ import annotations

import pytest

from harness.launch.campaign.room import Free, Room, free
from harness.records.trial import Memory, Provenance, Trial
from tests.launch.fakes import make_plan

GB = 1_000_000_000


@pytest.fixture
def make_trial(make_cell):
    def make(**fields):
        return Trial(
            cell=make_cell(**fields),
            seed=1,
            repetition=1,
            campaign="test",
            round=1,
            time_budget_s=0.0,
            table=None,
            harness=Provenance(version="test"),
        )

    return make


def now(**changes):
    fields = {
        "total_bytes": 20 * GB,
        "available_bytes": 12 * GB,
        "gpu_bytes": 0,
        "largest_bytes": 1 * GB,
    }
    return lambda: Free(**fields | changes)


def needing(make_record, peak_bytes, device_bytes=None, **fields):
    peaks = Memory(peak_rss_bytes=peak_bytes, peak_device_bytes=device_bytes)
    return make_record(memory=peaks, **fields)


def test_the_first_always_runs(make_trial):
    assert Room(look=pytest.fail).fits(make_trial(), [])


@pytest.mark.parametrize(("peak_bytes", "fits"), [(9 * GB, True), (11 * GB, False)])
def test_a_known_cell_needs_its_peak_and_a_tenth_of_all_is_left_free(
    make_trial, make_record, peak_bytes, fits
):
    room = Room([needing(make_record, peak_bytes, backend="torch")], now())
    assert room.fits(make_trial(backend="torch"), [make_trial(backend="jax")]) is fits


def test_the_largest_of_several_peaks_counts(make_trial, make_record):
    peaks = (11 * GB, 1 * GB)
    records = [needing(make_record, peak, backend="torch", seed=i) for i, peak in enumerate(peaks)]
    room = Room(records, now())
    assert not room.fits(make_trial(backend="torch"), [make_trial(backend="jax")])


@pytest.mark.parametrize(("largest_bytes", "fits"), [(6 * GB, True), (7 * GB, False)])
def test_an_unknown_cell_is_guessed_by_the_largest_of_the_same_settings(
    make_trial, largest_bytes, fits
):
    room = Room(look=now(largest_bytes=largest_bytes))
    assert room.fits(make_trial(backend="torch"), [make_trial(backend="jax")]) is fits


@pytest.mark.parametrize("fields", [{"settings": {"rows": 10_000_000}}, {"threads": 7}])
def test_nothing_is_guessed_of_other_settings(make_trial, make_record, fields):
    large = make_trial(**fields)
    assert not Room(look=now()).fits(large, [make_trial()])
    learned = Room(look=now())
    learned.learn(needing(make_record, 2 * GB, cell=large.cell))
    assert learned.fits(large, [make_trial()])


class TestGpu:
    """Nobody guesses of a GPU: the first round runs in blocks, and tells."""

    @pytest.fixture
    def both(self, make_trial):
        return [make_trial(backend=name, device="gpu") for name in ("jax", "torch")]

    def room(self, make_record, both, *device_bytes, gpu_bytes=24 * GB):
        records = [
            needing(make_record, GB, used, cell=trial.cell)
            for trial, used in zip(both, device_bytes, strict=False)
        ]
        return Room(records, now(gpu_bytes=gpu_bytes))

    def test_known_peaks_fit_beside_each_other(self, make_record, both):
        assert self.room(make_record, both, 5 * GB, 5 * GB).fits(both[1], both[:1])

    def test_peaks_beyond_its_memory_do_not(self, make_record, both):
        assert not self.room(make_record, both, 5 * GB, 12 * GB).fits(both[1], both[:1])

    @pytest.mark.parametrize("known", [(), (GB,), (GB, None)])
    def test_without_the_peaks_of_all_it_is_not_tried(self, make_record, both, known):
        assert not self.room(make_record, both, *known).fits(both[1], both[:1])


def test_the_reason_is_said_in_a_sentence(make_cell):
    matrix = [make_cell(backend=name) for name in ("jax", "tensorflow", "torch")]
    trials = make_plan(matrix).round(1)
    room = Room(look=now(available_bytes=1.5 * GB))
    assert room.why_in_groups([trials[:2], trials[2:]]) == (
        "the 3 trials of a round may not fit into memory together (1.5 GB are free), so they ran "
        "in groups of 2 at most: trials of different groups are compared less closely"
    )
    assert "ran one after the other" in room.why_in_groups([[one] for one in trials])


def test_this_machine_has_memory():
    there = free()
    assert 0 < there.available_bytes <= there.total_bytes
