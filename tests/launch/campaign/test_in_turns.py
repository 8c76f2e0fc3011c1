"""A campaign whose processes take turns: launched together, kept, repeated and resumed together."""

from __future__ import annotations

import pytest

from harness.launch.campaign import loop, room
from harness.launch.campaign.forecast import Durations
from harness.launch.campaign.loop import run_campaign
from harness.launch.campaign.resume import Circumstances, resume
from harness.launch.campaign.room import Free
from harness.records.trial import Provenance, Trial
from harness.store import folder as store
from tests.launch.fakes import PLENTY, FakeClock, FakeLauncher, FakeObserver, make_plan


@pytest.fixture
def matrix(make_cell):
    return [make_cell(backend=backend) for backend in ("jax", "tensorflow", "torch")]


@pytest.fixture
def plan(matrix):
    return make_plan(matrix, turns=True)


@pytest.fixture
def observer():
    return FakeObserver()


@pytest.fixture(autouse=True)
def plenty_of_memory(monkeypatch):
    """Tells what memory is free; plenty unless a test says otherwise."""

    def say(available_bytes):
        there = Free(
            total_bytes=10**11,
            available_bytes=available_bytes,
            gpu_bytes=0,
            largest_bytes=10**9,
        )
        monkeypatch.setattr(room, "free", lambda: there)

    say(10**11)
    return say


@pytest.fixture
def run(plan, tmp_path, observer):
    def run(launcher, **more):
        return run_campaign(
            more.pop("plan", plan),
            launcher,
            tmp_path / "laptop",
            observer,
            durations=more.pop("durations", Durations()),
            table=None,
            harness=Provenance(version="0.1.0"),
            **more,
        )

    return run


def test_the_trials_of_a_round_are_launched_together_in_the_plans_order(run, plan, make_record):
    launcher = FakeLauncher(make_record)
    outcome = run(launcher)
    assert launcher.groups == [3, 3]
    assert [trial.cell for trial in launcher.trials] == [trial.cell for trial in plan.trials(2)]
    assert outcome.planned == len(outcome.saved) == 6


def test_each_record_is_stored_and_told(run, make_record, tmp_path, observer):
    run(FakeLauncher(make_record, ["ok", "crashed"]))
    assert len(store.load(tmp_path / "laptop").records) == 6
    finished = [told for told in observer.told if told[0] == "finished"]
    assert [number for _, number, _ in finished] == list(range(1, 7))
    assert [told for told in observer.told if told[0] == "starting"] == [
        ("starting", 1, 6),
        ("starting", 4, 6),
    ]
    assert observer.remarks == []


def test_a_plan_without_turns_runs_one_after_the_other(run, matrix, make_record):
    launcher = FakeLauncher(make_record)
    run(launcher, plan=make_plan(matrix))
    assert launcher.groups == []
    assert len(launcher.trials) == 6


def test_a_campaign_of_one_cell_has_no_turns_to_take(run, matrix, make_record):
    launcher = FakeLauncher(make_record)
    run(launcher, plan=make_plan(matrix[:1], turns=True))
    assert launcher.groups == []


def test_what_does_not_fit_runs_in_groups_and_that_is_said_once(
    run, make_record, observer, plenty_of_memory
):
    plenty_of_memory(10**9)
    launcher = FakeLauncher(make_record)
    run(launcher)
    assert set(launcher.groups) == {1}
    assert len(launcher.trials) == 6
    assert len(observer.remarks) == 1
    assert observer.remarks[0].startswith(
        "the 3 trials of a round may not fit into memory together"
    )


def test_the_speed_probe_runs_around_the_whole_round(run, make_record):
    calls = []
    launcher = FakeLauncher(make_record)

    def probe():
        calls.append(len(launcher.trials))
        return 0.2

    outcome = run(launcher, speed_probe=probe, clock=FakeClock())
    assert set(calls) == {0, 3, 6}, "never between trials that take turns"
    assert all(saved.record.noise.probe_before_s == 0.2 for saved in outcome.saved)


def test_ctrl_c_keeps_the_records_of_all_that_were_started(run, make_record):
    outcome = run(FakeLauncher(make_record, ["ok", "interrupted"]))
    assert outcome.interrupted
    assert [saved.record.status for saved in outcome.saved] == ["ok", "interrupted"]


def test_one_that_was_disturbed_is_repeated_with_those_it_took_turns_with(
    run, matrix, make_record, monkeypatch
):
    # One of the first pass through round 5.
    monkeypatch.setattr(
        loop, "was_disturbed", lambda _, one: one.round == 5 and one.cell == matrix[1]
    )
    launcher = FakeLauncher(make_record)
    outcome = run(launcher, plan=make_plan(matrix, rounds=5, turns=True))
    assert launcher.groups == [3] * 6
    rounds = [trial.round for trial in launcher.trials]
    assert rounds == [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3 + [5] * 6
    assert (outcome.repeated, outcome.planned) == (3, 18)


def test_a_round_is_repeated_only_while_repeats_are_a_quarter_of_all(run, make_record, monkeypatch):
    monkeypatch.setattr(loop, "was_disturbed", lambda *_: True)
    launcher = FakeLauncher(make_record)
    assert run(launcher).repeated == 0


def test_the_forecast_learns_that_fast_processes_use_less_of_their_budget(make_record, make_cell):
    cell = make_cell(backend="jax")
    durations = Durations()
    alone = make_record(cell=cell, duration_s=10.0)
    durations.learn(alone)
    before_s = durations.expected_s(cell, 5.0)
    launcher = FakeLauncher(make_record)
    (first, _) = launcher.run_in_turns([as_trial(cell), as_trial(cell)], PLENTY)
    durations.learn(first)
    assert durations.expected_s(cell, 5.0) < before_s


def as_trial(cell):
    return Trial(
        cell=cell,
        seed=1,
        repetition=1,
        campaign="",
        round=1,
        time_budget_s=5.0,
        table=None,
        harness=Provenance(version=""),
    )


@pytest.mark.parametrize(("rounds", "again"), [(3, [[2, 2, 2]]), (None, [])])
def test_a_round_that_lacks_a_trial_is_measured_anew_as_a_whole_or_not_at_all(
    matrix, plan, make_record, rounds, again
):
    # One trial later would stand beside none of those that took turns.
    records = [
        make_record(cell=one.cell, round=one.round, seed=one.seed, run_id=one.run_id)
        for one in plan.trials(2)[:5]
    ]
    asked = make_plan(matrix, turns=True, rounds=rounds, precision=None if rounds else 0.02)
    now = {cell.digest: circumstances(records[0]) for cell in matrix}
    left = resume(asked, [plan], records, now, now_s=0.0)
    assert [[trial.round for trial in gap] for gap in left.gaps] == again


def circumstances(record):
    return Circumstances(scenario_version=record.scenario_version, table_sha256=None, packages={})
