"""An adaptive campaign: when it stops, what it repeats, and that neither looks at the outcome."""

from __future__ import annotations

import functools

import msgspec
import pytest

from harness.analysis.speed.verdict import STOP_FROM
from harness.launch.campaign.forecast import Durations, expected_rounds
from harness.launch.campaign.loop import run_campaign
from harness.records.trial import Provenance
from harness.store import folder as store
from tests.launch.fakes import FakeClock, FakeLauncher, FakeObserver, environment, make_plan, wobble

TRIAL_S = 10.0


@pytest.fixture
def matrix(make_cell):
    return [make_cell(backend=backend) for backend in ("jax", "torch")]


@pytest.fixture
def measure(make_record, tmp_path, matrix):
    """Runs an adaptive campaign with fakes; gives its outcome and the launcher."""

    def run(*, cells=None, outcomes=(), observer=None, started_s=None, how=None, **plan):
        clock = FakeClock()
        fields = {"rounds": None, "time_budget_s": 0.0} | plan
        launcher = FakeLauncher(
            functools.partial(make_record, environment=environment()),
            outcomes,
            clock=clock,
            duration_s=TRIAL_S,
            **(how or {}),
        )
        outcome = run_campaign(
            make_plan(cells or matrix, **fields),
            launcher,
            tmp_path / "campaign",
            observer or FakeObserver(),
            durations=Durations(),
            table=None,
            harness=Provenance(version="0.1.0"),
            clock=clock,
            started_s=None if started_s is None else clock.now_s + started_s,
        )
        return outcome, launcher

    return run


def scattering(spread):
    return {"step_time_s": functools.partial(wobble, spread=spread)}


def rounds(launcher):
    return max(trial.round for trial in launcher.trials)


def test_it_stops_as_soon_as_the_interval_is_as_narrow_as_asked(measure):
    outcome, launcher = measure(precision=0.02, how=scattering(0.001))
    assert rounds(launcher) == STOP_FROM
    assert outcome.standing.precise
    assert outcome.ended == "every interval is as narrow as asked"


def test_with_several_modes_the_precision_speaks_of_those_pairs_too(measure, make_cell):
    cells = [make_cell(backend="jax", mode=mode) for mode in ("fit", "native")]
    cells += [make_cell(backend="torch")]

    def only_native_scatters(trial):
        return wobble(trial, spread=0.04) if trial.cell.mode == "native" else 0.002

    outcome, launcher = measure(
        cells=cells, precision=0.02, how={"step_time_s": only_native_scatters}
    )
    assert rounds(launcher) > STOP_FROM
    assert [(one.pair.first.label, one.pair.second.label) for one in outcome.standing.verdicts] == [
        ("jax cpu fit", "torch cpu fit"),
        ("jax cpu fit", "jax cpu native"),
    ]


def test_it_goes_on_while_the_interval_is_wide(measure):
    outcome, launcher = measure(precision=0.02, how=scattering(0.04))
    assert rounds(launcher) > STOP_FROM
    assert outcome.standing.half_width <= 0.02


def test_a_difference_that_shows_early_stops_nothing(measure):
    def step_time_s(trial):
        return wobble(trial, spread=0.04) * (3 if trial.cell.backend == "torch" else 1)

    _, without = measure(precision=0.02, how=scattering(0.04))
    _, with_difference = measure(precision=0.02, how={"step_time_s": step_time_s})
    assert rounds(with_difference) == rounds(without)


def test_every_pair_must_be_known(measure, make_cell):
    def step_time_s(trial):
        return wobble(trial, spread=0.06 if trial.cell.backend == "torch" else 0.001)

    three = [make_cell(backend=backend) for backend in ("jax", "tensorflow", "torch")]
    outcome, launcher = measure(cells=three, precision=0.03, how={"step_time_s": step_time_s})
    assert rounds(launcher) > STOP_FROM
    assert len(outcome.standing.verdicts) == 3


def test_a_single_backend_is_measured_until_its_own_step_time_is_known(measure, make_cell):
    outcome, launcher = measure(cells=[make_cell()], precision=0.02, how=scattering(0.001))
    assert rounds(launcher) == STOP_FROM
    assert outcome.standing.verdicts == []


def test_no_round_is_begun_that_would_not_end_within_the_budget(measure):
    outcome, launcher = measure(precision=0.0001, budget_s=95.0, how=scattering(0.05))
    # Four rounds of 20 s fit into 95 s, and the first trials are only guessed to be as quick.
    assert rounds(launcher) == 4
    assert outcome.ended == "another round does not fit into the budget"


def test_the_budget_counts_from_the_command_not_from_the_first_trial(measure):
    _, launcher = measure(precision=0.0001, budget_s=95.0, started_s=-40.0, how=scattering(0.05))
    assert rounds(launcher) == 2


def test_a_budget_alone_is_used_whatever_the_intervals(measure):
    _, launcher = measure(budget_s=200.0, how=scattering(0.0))
    assert rounds(launcher) == 10


def test_one_round_always_runs(measure):
    _, launcher = measure(budget_s=1.0)
    assert len(launcher.trials) == 2


def test_a_cell_that_fails_again_and_again_is_waited_for_no_more(measure):
    outcomes = ["crashed"] * 6
    outcome, launcher = measure(precision=0.02, outcomes=outcomes)
    assert outcome.ended == "no cell could be measured"
    assert rounds(launcher) == 3


def test_the_number_of_trials_to_come_is_told_as_it_is_known(measure):
    observer = FakeObserver()
    measure(precision=0.02, how=scattering(0.001), observer=observer)
    totals = [total for what, _, total in observer.told if what == "starting"]
    assert totals[-1] == 2 * STOP_FROM


class TestRepeats:
    def test_a_disturbed_trial_is_repeated_at_the_end_of_its_round(self, measure, tmp_path):
        # The ninth trial is the first of round 5: by then two repeats are within a quarter.
        busy = {"foreign": lambda number: 1.0 if number == 9 else 0.0}
        outcome, launcher = measure(budget_s=140.0, how=busy)
        disturbed, between, again = launcher.trials[8:11]
        assert (disturbed.cell, disturbed.round) == (again.cell, again.round)
        assert between.round == again.round
        assert outcome.repeated == 1
        assert len(store.load(tmp_path / "campaign").records) == len(launcher.trials)

    def test_the_repeat_takes_the_place_of_what_it_repeats(self, measure):
        busy = {
            "foreign": lambda number: 1.0 if number == 9 else 0.0,
            "step_time_s": lambda _: 0.002,
        }
        outcome, _ = measure(budget_s=140.0, how=busy)
        (verdict,) = outcome.standing.verdicts
        assert (verdict.pair.disturbed, verdict.pair.incomplete) == (0, 0)

    def test_no_more_than_a_quarter_is_repeated(self, measure):
        outcome, launcher = measure(budget_s=400.0, how={"foreign": lambda _: 1.0})
        assert outcome.repeated <= 0.25 * (len(launcher.trials) - outcome.repeated)
        (verdict,) = outcome.standing.verdicts
        assert verdict.verdict.kind == "inconclusive"
        assert verdict.verdict.rounds == 0

    def test_nothing_is_repeated_for_being_slow(self, measure):
        slow = {"step_time_s": lambda trial: 0.02 if trial.round == 3 else 0.002}
        outcome, _ = measure(budget_s=200.0, how=slow)
        assert outcome.repeated == 0

    def test_nothing_is_repeated_beyond_the_budget(self, measure):
        busy = {"foreign": lambda number: 1.0 if number == 9 else 0.0}
        outcome, _ = measure(budget_s=102.0, how=busy)
        assert outcome.repeated == 0


def test_it_ends_where_no_two_cells_do_the_same_work(measure, matrix, make_record, monkeypatch):
    """No further round can tell anything, so a precision alone must not go on for 1,000 rounds."""
    other = make_record().hashes.split[::-1] + "0"
    made = FakeLauncher.run

    def run(self, trial):
        record = made(self, trial)
        if trial.cell.backend == "torch":
            hashes = msgspec.structs.replace(record.hashes, split=other)
            record = msgspec.structs.replace(record, hashes=hashes)
        return record

    monkeypatch.setattr(FakeLauncher, "run", run)
    outcome, launcher = measure(precision=0.03)
    assert len(launcher.trials) == len(matrix)
    assert outcome.ended.startswith("no two cells can be compared, not the same work: split")


class TestTheRoundsThatAVerdictNeeds:
    def test_are_run_however_short_the_time(self, measure):
        outcome, launcher = measure(
            precision=0.0001, budget_s=30.0, least_rounds=4, how=scattering(0.05)
        )
        assert rounds(launcher) == 4
        assert outcome.standing.rounds == 4
        assert outcome.ended == "another round does not fit into the budget"

    def test_are_no_more_than_the_time_has_room_for_beyond_them(self, measure):
        _, launcher = measure(
            precision=0.0001, budget_s=115.0, least_rounds=4, how=scattering(0.05)
        )
        assert rounds(launcher) == 5

    def test_are_waited_for_no_longer_than_twice_as_many(self, measure):
        def fails_every_other(trial):
            return wobble(trial, spread=0.05)

        outcomes = ["crashed", "ok", "ok", "ok"] * 20
        _, launcher = measure(
            precision=0.0001,
            budget_s=1.0,
            least_rounds=4,
            outcomes=outcomes,
            how={"step_time_s": fails_every_other},
        )
        assert 4 < rounds(launcher) <= 8

    def test_are_foretold(self, matrix):
        plan = make_plan(matrix, rounds=None, precision=0.05, budget_s=30.0, least_rounds=4)
        ahead = functools.partial(expected_rounds, plan, 20.0, further=12)
        assert ahead(next_round=1, left_s=30.0) == 4
        assert ahead(next_round=3, left_s=0.0) == 2
        assert ahead(next_round=9, left_s=0.0) == 0
        assert ahead(next_round=1, left_s=500.0) == 12
