"""Which processes may be alive at once: by what their cells are known to need, or a guess."""

from __future__ import annotations

import msgspec
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


class TestRemark:
    """Why a round ran in groups: what is said is the true reason, each once."""

    @pytest.fixture
    def trials(self, make_cell):
        def make(device):
            names = ("jax", "tensorflow", "torch")
            return make_plan([make_cell(backend=name, device=device) for name in names]).round(1)

        return make

    @pytest.fixture
    def tried(self, make_trial):
        """A room that was asked for each trial beside the first."""

        def tried(room, trials):
            whole = [msgspec.structs.replace(make_trial(), cell=one.cell) for one in trials]
            assert not room.fits(whole[1], whole[:1])
            return room

        return tried

    def known(self, make_record, trials, device_bytes=None):
        return [needing(make_record, GB, device_bytes, cell=one.cell) for one in trials]

    def test_memory_is_short(self, trials, tried):
        three = trials("cpu")
        room = tried(Room(look=now(available_bytes=1.5 * GB)), three)
        assert room.remark([three[:2], three[2:]]) == (
            "the 3 trials of a round may not fit into memory together (1.5 GB are free), so they "
            "ran in groups of 2 at most: trials of different groups are compared less closely"
        )

    def test_the_memory_of_the_gpu_is_short(self, trials, tried, make_record):
        three = trials("gpu")
        room = tried(Room(self.known(make_record, three, 9 * GB), now(gpu_bytes=24 * GB)), three)
        said = room.remark([[one] for one in three])
        assert "may not fit into the GPU's memory (24 GB), so they ran one after the other" in said

    def test_in_the_first_round_on_a_gpu_it_is_not_known_and_then_it_is(
        self, trials, tried, make_record
    ):
        three = trials("gpu")
        room = tried(Room(look=now(gpu_bytes=80 * GB)), three)
        for record in self.known(make_record, three, GB):
            room.learn(record)
        said = room.remark([[one] for one in three])
        assert said.startswith(
            "it was not known how much of the GPU's memory each of the 3 trials of a round takes, "
            "so they ran one after the other"
        )
        assert said.endswith("Now it is known: further rounds take turns, as far as they fit")
        assert "free" not in said

    @pytest.mark.parametrize(("device_bytes", "gpu_bytes"), [(None, 80 * GB), (GB, 0)])
    def test_turns_are_not_promised_where_nothing_tells(
        self, trials, tried, make_record, device_bytes, gpu_bytes
    ):
        three = trials("gpu")
        room = tried(Room(look=now(gpu_bytes=gpu_bytes)), three)
        for record in self.known(make_record, three, device_bytes):
            room.learn(record)
        said = room.remark([[one] for one in three])
        assert said.startswith("it is not known how much of the GPU's memory each of the 3 trials")
        assert "further rounds" not in said

    def test_nor_where_a_trial_failed(self, trials, tried, make_record):
        three = trials("gpu")
        room = tried(Room(look=now(gpu_bytes=80 * GB)), three)
        for record in self.known(make_record, three[1:], GB):
            room.learn(record)
        assert "further rounds" not in room.remark([[one] for one in three])

    def test_other_settings_on_the_cpu_are_not_known_either(self, make_cell, make_record, tried):
        cells = [make_cell(), make_cell(settings={"rows": 10_000_000})]
        two = make_plan(cells).round(1)
        room = tried(Room(look=now()), two)
        for record in self.known(make_record, two):
            room.learn(record)
        said = room.remark([[one] for one in two])
        assert said.startswith("it was not known how much memory each of the 2 trials")

    def test_a_reason_is_told_once_and_a_new_one_again(self, trials, tried, make_record):
        three = trials("gpu")
        alone = [[one] for one in three]
        room = tried(Room(look=now(gpu_bytes=24 * GB)), three)
        assert room.remark(alone)
        assert not tried(room, three).remark(alone)
        for record in self.known(make_record, three, 9 * GB):
            room.learn(record)
        assert "fit into the GPU's memory" in tried(room, three).remark(alone)

    def test_nothing_is_said_of_one_group(self, trials):
        assert Room(look=now()).remark([trials("cpu")]) == ""


def test_this_machine_has_memory():
    there = free()
    assert 0 < there.available_bytes <= there.total_bytes
