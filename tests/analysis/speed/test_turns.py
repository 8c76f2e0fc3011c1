"""What a round says of two cells whose processes took turns, and of two that did not."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.analysis.speed.pairs import paired, verdicts_within
from harness.analysis.speed.turns import (
    CPU,
    LEAST_TURNS,
    log_ratio,
    step_times_s,
    turn_log_ratios,
)
from harness.analysis.step_time import step_time_s
from harness.records.trial import Epoch, Turns
from tests.launch.fakes import environment, noise

STEPS = 80


@pytest.fixture
def in_turns(make_record):
    """Makes a trial from the step time of each epoch, in seconds; epoch `i` ran in turn `i`."""

    def make(steps_s, *, backend="jax", group="0123abcd", turns=None, cpu_s=None, **changes):
        numbers = range(len(steps_s)) if turns is None else turns
        cpus_s = [None] * len(steps_s) if cpu_s is None else cpu_s
        epochs = [
            Epoch(
                index=i,
                phase="timing",
                steps=STEPS,
                examples=1000 * STEPS,
                wall_s=STEPS * step_s,
                warm_up=i == 0,
                train_loss=0.1,
                cpu_s=None if used_s is None else STEPS * used_s,
                turn=turn,
                began_s=float(i),
            )
            for i, (step_s, turn, used_s) in enumerate(zip(steps_s, numbers, cpus_s, strict=True))
        ]
        mine = Turns(group=group, place=0, waited_s=1.0, waiting_cpu_s=0.0) if group else None
        fields = {"environment": environment(), "noise": noise()} | changes
        return make_record(backend=backend, epochs=epochs, turns=mine, **fields)

    return make


MACHINE = (1.0, 1.0, 1.3, 0.9, 1.2, 1.1, 1.4, 1.0, 1.3, 0.8)
"""How many times slower than usual the machine is, turn by turn."""


def steps_s(usual_s, *, machine=MACHINE, **spikes):
    return [usual_s * slow * spikes.get(f"turn_{i}", 1.0) for i, slow in enumerate(machine)]


class TestRatioOfARound:
    def test_it_is_the_median_of_the_log_ratios_of_neighbouring_turns(self, in_turns):
        ours = [1.0, 1.1, 1.0, 1.2, 1.0, 1.1, 1.0, 1.2, 1.1]
        theirs = [2.0, 2.0, 2.2, 2.0, 2.2, 2.4, 2.0, 2.0, 2.0]
        first = in_turns([one / 1000 for one in ours])
        second = in_turns([one / 1000 for one in theirs], backend="torch")
        ratios = [0.5, 0.55, 1 / 2.2, 0.6, 1 / 2.2, 1.1 / 2.4, 0.5, 0.6, 0.55]
        assert turn_log_ratios(first, second) == pytest.approx([math.log(r) for r in ratios])
        assert log_ratio(first, second) == pytest.approx(math.log(0.5))
        assert step_time_s(first) / step_time_s(second) == pytest.approx(0.55)

    def test_what_hits_both_in_a_turn_cancels(self, in_turns):
        first, second = in_turns(steps_s(0.002)), in_turns(steps_s(0.003), backend="torch")
        assert log_ratio(first, second) == pytest.approx(math.log(2 / 3))

    def test_a_spike_in_one_turn_does_not_enter(self, in_turns):
        first = in_turns(steps_s(0.002, turn_7=5.0))
        second = in_turns(steps_s(0.003, turn_4=3.0), backend="torch")
        assert log_ratio(first, second) == pytest.approx(math.log(2 / 3))

    def test_turned_round_only_its_sign_changes(self, in_turns):
        first, second = in_turns(steps_s(0.002, turn_3=1.5)), in_turns(steps_s(0.003))
        assert log_ratio(first, second) == pytest.approx(-log_ratio(second, first))

    def test_turns_are_matched_by_number_not_by_place(self, in_turns):
        machine = (1.0, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0, 1.0, 3.0, 1.0)
        first = in_turns(steps_s(0.002, machine=machine))
        # It lost turn 3, so that all that follow stand one place earlier.
        left = [i for i in range(10) if i != 3]
        second = in_turns([0.004 * machine[i] for i in left], turns=left, backend="torch")
        assert turn_log_ratios(first, second) == pytest.approx([math.log(0.5)] * 9)

    def test_a_change_of_the_machine_is_no_warm_up(self, in_turns):
        machine = [1.0] * 6 + [1.5] * 8
        first = in_turns(steps_s(0.002, machine=machine))
        second = in_turns(steps_s(0.004, machine=machine), backend="torch")
        assert len(turn_log_ratios(first, second)) == 14

    def test_of_a_short_trial_the_marks_of_either_record_decide(self, in_turns):
        first = in_turns([0.002] * 6)
        second = in_turns([0.009, *[0.004] * 5], backend="torch")
        assert turn_log_ratios(first, second) == pytest.approx([math.log(0.5)] * 5)

    def test_warm_up_turns_of_either_are_left_out(self, in_turns):
        first = in_turns([0.02, *[0.002] * 9])
        second = in_turns([0.09, 0.01, *[0.004] * 8], backend="torch")
        assert turn_log_ratios(first, second) == pytest.approx([math.log(0.5)] * 8)

    def test_one_that_trained_longer_is_compared_in_the_common_turns_alone(self, in_turns):
        first = in_turns([*[0.002] * 8, *[0.009] * 8])
        second = in_turns([0.004] * 8, backend="torch")
        assert log_ratio(first, second) == pytest.approx(math.log(0.5))

    def test_short_epochs_that_shared_a_turn_are_one_sample(self, in_turns):
        turns = [0, 0, 1, 1, 2, 2, 3, 3]
        first = in_turns([0.002, 0.002, 0.001, 0.003] + [0.002] * 4, turns=turns)
        second = in_turns([0.004] * 4, turns=[0, 1, 2, 3], backend="torch")
        ratios = turn_log_ratios(first, second)
        assert ratios == pytest.approx([math.log(0.5)] * len(ratios))
        assert len(ratios) >= LEAST_TURNS


class TestWithoutTurns:
    def trials(self, in_turns, **how):
        first = in_turns(steps_s(0.002), **how)
        return first, in_turns(steps_s(0.003, machine=[2 * m for m in MACHINE]), backend="torch")

    def of_medians(self, first, second):
        return pytest.approx(math.log(step_time_s(first) / step_time_s(second)))

    def test_records_without_turns_give_the_ratio_of_their_step_times(self, in_turns):
        first, second = self.trials(in_turns, group=None)
        assert turn_log_ratios(first, second) == []
        assert log_ratio(first, second) == self.of_medians(first, second)

    def test_so_do_those_that_took_turns_with_others(self, in_turns):
        first, second = self.trials(in_turns, group="ffffffff")
        assert log_ratio(first, second) == self.of_medians(first, second)

    def test_and_those_with_fewer_common_turns_than_withstand_a_spike(self, in_turns):
        first = in_turns(steps_s(0.002))
        elsewhere = [*range(LEAST_TURNS - 1), *range(100, 111 - LEAST_TURNS)]
        second = in_turns([0.004] * 10, turns=elsewhere, backend="torch")
        assert log_ratio(first, second) == self.of_medians(first, second)

    def test_a_trial_that_failed_has_no_ratio(self, in_turns):
        first, second = in_turns(steps_s(0.002), status="crashed"), in_turns(steps_s(0.003))
        assert log_ratio(first, second) is None


class TestCpuTime:
    def test_it_is_paired_turn_by_turn_as_well(self, in_turns):
        first = in_turns([0.002] * 10, cpu_s=steps_s(0.004))
        second = in_turns([0.003] * 10, cpu_s=steps_s(0.002), backend="torch")
        assert log_ratio(first, second, CPU) == pytest.approx(math.log(2))

    @pytest.mark.parametrize("unknown", [None, [0.0] * 10])
    def test_none_where_a_record_does_not_tell_or_saw_none(self, in_turns, unknown):
        first = in_turns([0.002] * 10, cpu_s=[0.004] * 10)
        second = in_turns([0.003] * 10, cpu_s=unknown, backend="torch")
        assert log_ratio(first, second, CPU) is None


class TestStepTimesOfARound:
    def test_their_ratio_is_that_of_the_verdict_and_their_middle_that_of_the_trials(self, in_turns):
        rng = np.random.default_rng(1)
        first = in_turns(list(0.002 * np.exp(rng.normal(0, 0.2, 12))))
        second = in_turns(list(0.003 * np.exp(rng.normal(0, 0.2, 12))), backend="torch")
        ours, theirs = step_times_s(first, second)
        assert math.log(ours / theirs) == pytest.approx(log_ratio(first, second))
        assert ours * theirs == pytest.approx(step_time_s(first) * step_time_s(second))

    def test_without_turns_they_are_those_of_the_trials(self, in_turns):
        first, second = in_turns([0.002] * 10, group=None), in_turns([0.003] * 10, group=None)
        assert step_times_s(first, second) == (step_time_s(first), step_time_s(second))


@pytest.fixture
def rounds(in_turns):
    """Rounds of two backends, each round on a machine of its own speed for every turn."""

    def make(count, ratio=1.5, *, first=1, turns=True, seed=1):
        rng = np.random.default_rng(seed)
        records = []
        for number in range(first, first + count):
            machine = list(np.exp(rng.normal(0, 0.3, 12)))
            for minute, (backend, usual_s) in enumerate(
                {"jax": 0.002, "torch": 0.002 * ratio}.items()
            ):
                records.append(
                    in_turns(
                        steps_s(usual_s, machine=machine if turns else machine[minute:] + machine),
                        backend=backend,
                        group=f"{number:08x}" if turns else None,
                        round=number,
                        seed=number,
                        run_id="run",
                        started_at=f"2026-01-01T{number:02}:{minute:02}:00+00:00",
                    )
                )
        return records

    return make


def test_a_noisy_machine_that_is_equally_slow_for_both_leaves_a_narrow_interval(rounds):
    (found,) = verdicts_within(rounds(6))
    assert found.verdict.kind == "faster"
    assert found.verdict.high - found.verdict.low < 1e-6


def test_a_folder_may_hold_rounds_with_turns_and_without(rounds):
    (found,) = paired([*rounds(4), *rounds(4, first=5, turns=False)])
    assert (len(found.log_ratios), found.in_turns) == (8, 4)
    assert found.log_ratios[:4] == pytest.approx([math.log(2 / 3)] * 4)


def test_of_repeated_trials_those_that_took_turns_with_one_another_are_paired(rounds):
    records = rounds(4)
    again = [
        msgspec.structs.replace(
            record,
            repetition=2,
            turns=msgspec.structs.replace(record.turns, group="eeeeeeee"),
            started_at="2026-01-01T01:30:00+00:00",
        )
        for record in records[:2]
    ]
    disturbed = msgspec.structs.replace(again[1], noise=noise(foreign_cores=1.0))
    (found,) = paired([*records, again[0], disturbed])
    assert found.log_ratios == pytest.approx([math.log(2 / 3)] * 4)


positive = st.floats(1e-4, 1e-1)


@given(
    machine=st.lists(st.floats(0.5, 2.0), min_size=8, max_size=20),
    ratio=st.floats(0.2, 5.0),
    usual_s=positive,
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_machine_does_to_both_the_ratio_is_found(in_turns, machine, ratio, usual_s):
    first = in_turns([usual_s * ratio * slow for slow in machine])
    second = in_turns([usual_s * slow for slow in machine], backend="torch")
    assert log_ratio(first, second) == pytest.approx(math.log(ratio), abs=1e-9)
