"""How long a campaign takes: guessed until there are records, then told from them."""

from __future__ import annotations

from harness.backends import BACKENDS, FACTS
from harness.launch.campaign.forecast import (
    EPOCH_GUESS_S,
    Durations,
    describe,
    expected_rounds,
    spell_duration,
    stopping,
)
from tests.launch.fakes import make_plan


def plan_of(make_cell, backends=BACKENDS, **changes):
    return make_plan([make_cell(backend=backend) for backend in backends], **changes)


def described(plan, records=(), rounds=None, **more):
    return list(describe(plan, Durations(records), rounds or plan.rounds, **more))


def test_without_records_the_duration_is_a_guess(make_cell):
    durations = Durations()
    cell = make_cell(backend="torch")
    assert not durations.knows(cell)
    expected = FACTS["torch"].start_up_guess_s + 5 * EPOCH_GUESS_S + 3.0
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


def test_a_fixed_campaign_has_the_rounds_that_are_left_of_its_plan(make_cell):
    plan = plan_of(make_cell, rounds=5)
    rest = {"next_round": 4, "further": None, "left_s": None}
    assert expected_rounds(plan, 10.0, **rest) == 2


def test_an_adaptive_one_ends_by_its_precision_or_its_budget_whichever_comes_first(make_cell):
    plan = plan_of(make_cell, rounds=None, precision=0.02, budget_s=100.0)
    by_precision = expected_rounds(plan, 10.0, next_round=1, further=7, left_s=100.0)
    by_budget = expected_rounds(plan, 10.0, next_round=1, further=70, left_s=100.0)
    assert (by_precision, by_budget) == (7, 10)


def test_a_printed_plan_tells_what_how_often_and_how_long(make_cell):
    lines = described(plan_of(make_cell, seeds=[1, 2, 3, 7], rounds=4, time_budget_s=5.0))
    assert lines[0] == (
        "ranking: 4 rounds of 3 cells = 12 trials, seeds 1-3, 7, 5 s of timed training in each"
    )
    assert lines[1] == "  jax cpu fit (init common)"
    assert lines[-1].startswith("about ")
    assert lines[-1].endswith("(a guess)")


def test_a_printed_adaptive_plan_tells_when_it_ends_and_why_so_many_rounds(make_cell):
    plan = plan_of(make_cell, rounds=None, precision=0.02, budget_s=300.0)
    lines = described(plan, rounds=9, why="9 rounds if paired times spread by 3.0%, a guess")
    assert lines[0].startswith("ranking: about 9 rounds of 3 cells, seeds 1-2, ")
    assert lines[-2] == (
        "until the ratio of every pair of backends is known to ±2%, at most 5 min 00 s in all "
        "(9 rounds if paired times spread by 3.0%, a guess)"
    )


def test_a_plan_of_one_backend_speaks_of_its_step_time(make_cell):
    plan = plan_of(make_cell, ["jax"], rounds=None, precision=0.025)
    assert stopping(plan) == "until each step time is known to ±2.5%"


def test_a_plan_that_goes_on_tells_from_where_and_what_is_missing_before(make_cell):
    plan = plan_of(make_cell, rounds=6, first_round=4)
    line = described(plan, rounds=3, gaps=plan.round(3)[:1])[0]
    assert "from round 4 on 3 rounds of 3 cells, 1 trial of rounds before = 10 trials" in line


def test_a_printed_plan_names_the_settings_that_differ(make_cell):
    matrix = [make_cell(settings={"batch_size": size, "epochs": 5}) for size in (500, 1000)]
    lines = described(make_plan(matrix))
    assert "batch_size=500" in lines[1]
    assert "epochs" not in lines[1]


def test_a_printed_plan_says_how_much_of_the_estimate_is_known(make_cell, make_record):
    plan = plan_of(make_cell)
    records = [make_record(backend=backend) for backend in BACKENDS]
    assert described(plan, records)[-1].endswith("(from earlier records)")
    assert described(plan, records[:1])[-1].endswith(
        "(from earlier records for 1 of 3 cells, guessed for the rest)"
    )


def test_durations_are_spelled_as_a_person_says_them():
    spelled = [spell_duration(s) for s in (-3, 0.4, 45, 59.6, 150, 3600, 3900)]
    assert spelled == ["0 s", "0 s", "45 s", "1 min 00 s", "2 min 30 s", "1 h 00 min", "1 h 05 min"]
