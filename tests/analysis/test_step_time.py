"""A trial's step time: from the epochs that its own samples show to be steady."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.step_time import SHORT, examples_per_s, steadiness, step_time_s


@pytest.fixture
def trial(make_record):
    """Makes a trial whose epochs of 80 steps take these milliseconds per step."""

    def make(steps_ms, quality=5):
        template = make_record().epochs[0]
        epochs = [
            msgspec.structs.replace(
                template,
                index=i,
                wall_s=80 * ms / 1000,
                phase="quality" if i < quality else "timing",
                warm_up=i in {0, quality},
            )
            for i, ms in enumerate(steps_ms)
        ]
        return make_record(epochs=epochs)

    return make


def test_epochs_for_quality_count_as_well_as_those_for_timing(trial):
    # Marked as warm-up in the record, and as quick as the rest: so they count.
    assert steadiness(trial([2.0] * 5 + [2.1] * 4)).warm_up == (False,) * 9
    assert step_time_s(trial([2.0] * 5 + [2.1] * 4)) == pytest.approx(0.002)


def test_the_samples_decide_the_warm_up_not_the_marks(trial):
    found = steadiness(trial([9.0, 4.0] + [2.0] * 10))
    assert found.warm_up[:3] == (True, True, False)
    assert step_time_s(trial([9.0, 4.0] + [2.0] * 10)) == pytest.approx(0.002)


def test_the_first_epoch_of_the_second_fit_may_be_warm_up_again(trial):
    found = steadiness(trial([5.0] + [2.0] * 4 + [3.5] + [2.0] * 6))
    assert [i for i, mark in enumerate(found.warm_up) if mark] == [0, 5]


def test_in_a_short_trial_the_marks_decide(trial):
    short = trial([9.0, 2.0, 2.0, 2.0], quality=4)
    assert len(short.epochs) < SHORT
    assert steadiness(short) is None
    assert step_time_s(short) == pytest.approx(0.002)


def test_a_trial_that_slows_to_the_end_never_settles_and_has_a_figure_all_the_same(trial):
    record = trial([2.0 * 1.1**i for i in range(12)])
    assert not steadiness(record).settled
    assert step_time_s(record) > 0.002


def test_the_rate_speaks_of_the_same_epochs(trial):
    record = trial([9.0, 4.0] + [2.0] * 10)
    assert examples_per_s(record) == pytest.approx(1000 / 0.002)


def test_without_epochs_there_is_no_figure(make_record):
    nothing = make_record(epochs=[])
    assert (step_time_s(nothing), examples_per_s(nothing)) == (None, None)
