"""How small a difference a machine can resolve: told from equal processes, for a minute."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.errors import UnavailableError
from harness.launch.campaign import resolution
from tests.launch.fakes import FakeClock


def even(count, spread, seed=0):
    return list(np.random.default_rng(seed).normal(0, spread, count))


def test_what_all_pairs_have_in_common_is_no_noise():
    assert resolution.resolved("work", [0.1] * 8).spread == pytest.approx(0, abs=1e-9)


def test_two_processes_one_after_the_other_are_compared_by_their_ratio():
    times_s = iter([1.1, 1.0, 3.0, 3.0])
    compare = resolution.one_after_the_other(lambda: next(times_s))
    assert [compare(), compare()] == pytest.approx([math.log(1.1), 0.0])


def test_the_noisier_the_processes_the_larger_the_smallest_difference():
    calm, noisy = (resolution.resolved("work", even(20, spread)) for spread in (0.01, 0.05))
    assert calm.pairs == noisy.pairs == 20
    assert noisy.spread == pytest.approx(5 * calm.spread)
    assert 0 < calm.smallest < noisy.smallest
    assert str(calm) == (
        f"work: 20 pairs of equal processes in a minute, spread {calm.spread:.1%}: a difference "
        f"of {calm.smallest:.1%} or more is found in 9 of 10 minutes, a smaller one takes longer "
        "or is lost"
    )


def test_too_few_processes_say_so_in_place_of_a_figure():
    found = resolution.resolved("work", even(3, 0.01))
    assert (found.pairs, found.smallest) == (3, None)
    assert "too few" in str(found)


def test_it_measures_for_a_minute_and_no_longer():
    clock = FakeClock()
    begun_s = clock.now_s

    def compare():
        clock.now_s += 14.0
        return 0.002

    found = resolution.resolution("work", compare, clock=clock)
    assert clock.now_s - begun_s == 56.0
    assert found.pairs == 4


def test_without_any_framework_plain_arithmetic_is_measured(tmp_path):
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho 0.25 > "$3/answer.json"\n', encoding="utf-8")
    python.chmod(0o755)
    assert resolution.by_arithmetic(str(python)) == 0.25


@pytest.mark.usefixtures("throwaway_scenario")
class TestTraining:
    @pytest.fixture(autouse=True)
    def scenario(self, monkeypatch):
        monkeypatch.setattr(resolution, "SCENARIO", "throwaway")
        monkeypatch.setattr(resolution, "SETTINGS", {"epochs": "1"})

    def test_two_equal_trials_are_compared(self, fake_python):
        assert resolution.by_training(fake_python())() == pytest.approx(0.0)

    def test_they_take_turns(self, fake_python):
        python = fake_python("assert trial.seat is not None\nleave(good)")
        assert resolution.by_training(python)() == pytest.approx(0.0)

    def test_where_two_do_not_fit_beside_each_other_they_run_one_after_the_other(
        self, fake_python, monkeypatch
    ):
        monkeypatch.setattr(resolution.Room, "fits", lambda *_: False)
        assert resolution.by_training(fake_python())() == pytest.approx(0.0)

    def test_a_trial_that_fails_says_why(self, fake_python):
        with pytest.raises(UnavailableError, match="left no measurement: ended with exit code 3"):
            resolution.by_training(fake_python("sys.exit(3)"))()
