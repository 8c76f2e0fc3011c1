"""What a plan promises: every cell once per round, in an order that anyone can repeat."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from harness.plan import (
    EPOCH_GUESS_S,
    START_UP_GUESS_S,
    Axes,
    Durations,
    cells,
    describe,
    make_plan,
    spell_duration,
)
from harness.record import BACKENDS


def axes(**changes):
    fields = {
        "scenario": "ranking",
        "devices": {"jax": "cpu", "tensorflow": "cpu", "torch": "cpu"},
        "modes": ["fit"],
        "inits": ["common"],
        "settings": [{"batch_size": 1000, "epochs": 5}],
        "seeds": [1, 2],
    }
    return Axes(**(fields | changes))


def shuffler(seed):
    return random.Random(seed)  # noqa: S311 - an order, no secret


def plan_of(shuffle_seed=0, time_budget_s=5.0, **changes):
    return make_plan(axes(**changes), time_budget_s=time_budget_s, shuffler=shuffler(shuffle_seed))


any_axes = st.builds(
    axes,
    devices=st.dictionaries(st.sampled_from(BACKENDS), st.sampled_from(["cpu", "gpu"]), min_size=1),
    inits=st.lists(st.sampled_from(["common", "keras"]), min_size=1, unique=True),
    settings=st.lists(
        st.fixed_dictionaries({"batch_size": st.integers(1, 5), "epochs": st.just(5)}), min_size=1
    ),
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=4, unique=True),
    repetitions=st.integers(1, 3),
)


@given(any_axes, st.integers())
def test_every_round_holds_every_cell_once_with_one_seed(some_axes, shuffle_seed):
    plan = make_plan(some_axes, time_budget_s=1.0, shuffler=shuffler(shuffle_seed))
    matrix = sorted(cell.digest for cell in cells(some_axes))
    for number, trials in enumerate(plan.rounds, start=1):
        assert sorted(trial.cell.digest for trial in trials) == matrix
        assert {trial.round for trial in trials} == {number}
        assert len({trial.seed for trial in trials}) == 1


@given(any_axes)
def test_every_seed_gets_as_many_rounds_as_repetitions_were_asked_for(some_axes):
    plan = make_plan(some_axes, time_budget_s=1.0, shuffler=shuffler(0))
    seeds = [trials[0].seed for trials in plan.rounds]
    assert sorted(seeds) == sorted(some_axes.seeds * some_axes.repetitions)


def test_all_seeds_come_before_any_of_them_is_repeated():
    plan = plan_of(seeds=[3, 1], repetitions=2)
    assert [trials[0].seed for trials in plan.rounds] == [3, 1, 3, 1]


def test_the_same_shuffler_gives_the_same_order():
    assert plan_of(shuffle_seed=7) == plan_of(shuffle_seed=7)


def test_rounds_are_not_all_in_the_same_order():
    plan = plan_of(seeds=list(range(20)))
    orders = {tuple(trial.cell.backend for trial in trials) for trials in plan.rounds}
    assert len(orders) == 6, "20 rounds of three cells should show every order"


def test_equal_settings_make_one_cell():
    assert len(cells(axes(devices={"jax": "cpu"}, settings=[{"epochs": 5}, {"epochs": 5}]))) == 1


def test_each_backend_gets_its_own_device():
    found = cells(axes(devices={"jax": "gpu", "torch": "cpu"}))
    assert {cell.backend: cell.device for cell in found} == {"jax": "gpu", "torch": "cpu"}


def test_without_records_the_duration_is_a_guess(make_cell):
    durations = Durations()
    cell = make_cell(backend="torch")
    assert not durations.knows(cell)
    expected = START_UP_GUESS_S["torch"] + 5 * EPOCH_GUESS_S + 3.0
    assert durations.expected_s(cell, 3.0) == expected


def test_records_replace_the_guess_whatever_their_time_budget_was(make_record):
    # 10 timed epochs of 80 steps of 2 ms are 1.6 s of the 12.5 s, and those were the budget.
    record = make_record(duration_s=12.5, timed_epochs=10, step_time_s=0.002)
    durations = Durations([record])
    assert durations.knows(record.cell)
    assert round(durations.expected_s(record.cell, 5.0), 6) == round(12.5 - 1.6 + 5.0, 6)


def test_the_median_of_several_records_counts(make_record):
    records = [make_record(duration_s=s, timed_epochs=0) for s in (10.0, 11.0, 90.0)]
    assert Durations(records).expected_s(records[0].cell, 0.0) == 11.0


def test_a_failed_trial_teaches_nothing(make_record):
    record = make_record(status="timeout", duration_s=600.0)
    assert not Durations([record]).knows(record.cell)


def test_a_printed_plan_tells_what_how_often_and_how_long():
    lines = list(describe(plan_of(seeds=[1, 2, 3, 7]), Durations()))
    assert lines[0] == (
        "ranking: 4 rounds of 3 cells = 12 trials, seeds 1-3, 7, 5 s of timed training in each"
    )
    assert lines[1] == "  jax cpu fit (init common)"
    assert lines[-1].startswith("about ")
    assert lines[-1].endswith("(a guess)")


def test_a_printed_plan_names_the_settings_that_differ():
    settings = [{"batch_size": size, "epochs": 5} for size in (500, 1000)]
    lines = list(describe(plan_of(devices={"jax": "cpu"}, settings=settings), Durations()))
    assert "batch_size=500" in lines[1]
    assert "epochs" not in lines[1]


def test_a_printed_plan_says_how_much_of_the_estimate_is_known(make_record):
    settings = make_record().cell.settings
    plan = plan_of(settings=[settings], seeds=[1])
    records = [make_record(backend=backend) for backend in BACKENDS]
    assert list(describe(plan, Durations(records)))[-1].endswith("(from earlier records)")
    assert list(describe(plan, Durations(records[:1])))[-1].endswith(
        "(from earlier records for 1 of 3 cells, guessed for the rest)"
    )


def test_durations_are_spelled_as_a_person_says_them():
    spelled = [spell_duration(s) for s in (-3, 0.4, 45, 59.6, 150, 3600, 3900)]
    assert spelled == ["0 s", "0 s", "45 s", "1 min 00 s", "2 min 30 s", "1 h 00 min", "1 h 05 min"]
