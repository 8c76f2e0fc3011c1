"""A disturbed trial is known by the noise beside it, and never by its own step time."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.analysis.speed.disturbed import (
    FOREIGN_SHARE,
    PROBE_FLOOR,
    STEAL_SHARE,
    SWITCH_FLOOR_PER_S,
    reasons,
    taken_by_others,
)
from harness.records.machine import Disturbance, Noise
from harness.records.trial import Turns
from tests.launch.fakes import environment, noise


@pytest.fixture
def trials(make_record):
    """Makes a trial for each noise, of one run on one machine."""

    def make(noises, **changes):
        fields = {"run_id": "run", "environment": environment()} | changes
        return [make_record(noise=one, **fields) for one in noises]

    return make


def quiet(count=8):
    return [noise() for _ in range(count)]


def test_quiet_trials_are_not_disturbed(trials):
    assert reasons(trials(quiet())) == [None] * 8


def test_records_without_noise_are_not_judged(trials):
    assert reasons(trials([None, Noise()])) == [None, None]


def test_no_records_give_no_answer():
    assert reasons([]) == []


@pytest.mark.parametrize(("when", "field"), [("before", "before_s"), ("after", "after_s")])
def test_a_probe_that_takes_longer_than_is_typical_disturbs(trials, when, field):
    found = reasons(trials([*quiet(), noise(**{field: 0.3})]))
    assert found[-1] == f"the speed probe {when} it took 50% longer than is typical"
    assert found[:-1] == [None] * 8


def test_the_probes_around_a_round_in_turns_disturb_none_of_it(trials):
    shared = Turns(group="0a1b2c3d", place=0, waited_s=1.0, waiting_cpu_s=0.0)
    slow = noise(before_s=0.5)
    assert reasons(trials([*quiet(), slow]))[-1] is not None
    in_turns = [msgspec.structs.replace(r, turns=shared) for r in trials([*quiet(), slow])]
    assert reasons(in_turns) == [None] * 9
    by_itself = msgspec.structs.replace(shared, processes=1)
    in_blocks = [msgspec.structs.replace(record, turns=by_itself) for record in in_turns]
    assert reasons(in_blocks)[-1] is not None
    busy = msgspec.structs.replace(trials([noise(foreign_cores=0.9)])[0], turns=shared)
    assert reasons([busy]) == ["other programs used 0.9 of 2 cores beside it"]


def test_a_probe_within_the_floor_is_typical_however_even_the_others_are(trials):
    almost = noise(after_s=0.2 * (1 + PROBE_FLOOR))
    assert reasons(trials([*quiet(), almost]))[-1] is None


def test_where_probes_scatter_one_must_be_further_off(trials):
    uneven = [noise(before_s=0.2 + 0.01 * i, after_s=0.2 + 0.01 * i) for i in range(8)]
    assert reasons(trials([*uneven, noise(after_s=0.32)]))[-1] is None
    assert reasons(trials([*uneven, noise(after_s=0.5)]))[-1] is not None


def test_a_faster_probe_does_not_disturb(trials):
    assert reasons(trials([*quiet(), noise(before_s=0.1)]))[-1] is None


def test_two_probes_are_too_few_to_say_what_is_typical(trials):
    assert reasons(trials([noise(before_s=0.2, after_s=0.9)])) == [None]


def test_other_programs_beside_the_training_disturb(trials):
    found = reasons(trials([*quiet(), noise(foreign_cores=0.9)]))
    assert found[-1] == "other programs used 0.9 of 2 cores beside it"


def test_of_a_part_of_the_cpus_that_part_counts():
    busy = Disturbance(
        elapsed_s=10.0,
        involuntary_switches=0,
        steal_share=0.0,
        busy_share=1.0,
        load_average=None,
        frequency_mhz=None,
        own_cpu_s=9.9,
    )
    assert taken_by_others(busy, 2) == ["other programs used 1.0 of 2 cores beside it"]
    assert taken_by_others(msgspec.structs.replace(busy, cpus=1), 2) == []


def test_a_little_use_by_others_is_let_pass(trials):
    assert reasons(trials([noise(foreign_cores=2 * FOREIGN_SHARE - 0.01)])) == [None]


def test_where_others_are_busy_most_of_the_time_their_probes_are_not_the_typical_ones(trials):
    busy = [noise(foreign_cores=1.0, before_s=0.4, after_s=0.4) for _ in range(9)]
    one_slow_probe = noise(after_s=0.4)
    found = reasons(trials([*busy, noise(), noise(), one_slow_probe]))
    assert found[-1] is not None, "0.2 s is typical of this machine when it is quiet"


def test_stolen_time_disturbs(trials):
    assert reasons(trials([noise(steal_share=STEAL_SHARE)])) == [None]
    assert reasons(trials([noise(steal_share=0.08)])) == ["the host took 8% of the CPU time away"]


def test_a_trial_is_held_against_the_preemption_typical_of_its_own_cell(trials):
    calm = trials([noise(switches=50) for _ in range(5)])
    lively = trials([noise(switches=9000) for _ in range(5)], backend="torch")
    assert reasons(calm + lively) == [None] * 10
    preempted = trials([noise(switches=9000)])
    assert reasons(calm + lively + preempted)[-1] == (
        "it made way for others 900 times a second, typical is 5"
    )


def test_a_few_more_switches_are_no_matter(trials):
    calm = trials([noise(switches=10) for _ in range(5)])
    more = trials([noise(switches=int(10 * SWITCH_FLOOR_PER_S))])
    assert reasons(calm + more)[-1] is None


def test_runs_and_machines_have_their_own_typical_probe(trials):
    slow = [noise(before_s=0.5, after_s=0.5)] * 4
    assert reasons(trials(quiet()) + trials(slow, run_id="other")) == [None] * 12


# The fixture makes records and keeps nothing.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    noises=st.lists(
        st.builds(
            noise,
            foreign_cores=st.floats(0, 1),
            steal_share=st.floats(0, 0.1),
            switches=st.integers(0, 100_000),
            before_s=st.floats(0.1, 1),
            after_s=st.floats(0.1, 1),
        ),
        max_size=8,
    ),
    factor=st.floats(0.1, 50),
)
def test_the_step_time_has_no_say(make_record, noises, factor):
    def judged(step_time_s):
        return reasons(
            [
                make_record(noise=one, environment=environment(), step_time_s=step_time_s * (1 + i))
                for i, one in enumerate(noises)
            ]
        )

    assert judged(0.001) == judged(0.001 * factor)


@pytest.mark.parametrize(
    ("share", "why"),
    [(None, None), (0.02, None), (0.51, "its CPU quota was used up in 51% of the periods")],
)
def test_a_trial_that_stood_still_for_its_quota_is_disturbed(trials, share, why):
    quiet = noise()
    training = msgspec.structs.replace(quiet.training, throttled_share=share)
    assert reasons(trials([msgspec.structs.replace(quiet, training=training)])) == [why]
