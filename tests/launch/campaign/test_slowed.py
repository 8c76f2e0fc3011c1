"""Trials that other work slows many times: when they are ended, and what becomes of their cell."""

from __future__ import annotations

import functools

import pytest

from harness.launch.campaign import steering
from harness.launch.campaign.forecast import Durations
from harness.launch.campaign.loop import run_campaign
from harness.records.trial import Failure, Provenance
from harness.store import folder as store
from tests.launch.fakes import FakeClock, FakeLauncher, FakeObserver, environment, make_plan, noise

TRIAL_S = 10.0


@pytest.fixture
def matrix(make_cell):
    return [make_cell(backend=backend) for backend in ("jax", "torch")]


@pytest.fixture
def measure(make_record, tmp_path, matrix):
    """Runs a campaign with fakes; gives its outcome and the launcher."""

    def run(outcomes=(), **plan):
        clock = FakeClock()
        launcher = FakeLauncher(
            functools.partial(make_record, environment=environment()),
            outcomes,
            clock=clock,
            duration_s=TRIAL_S,
        )
        outcome = run_campaign(
            make_plan(matrix, time_budget_s=0.0, **plan),
            launcher,
            tmp_path / "campaign",
            FakeObserver(),
            durations=Durations(),
            table=None,
            harness=Provenance(version="0.1.0"),
            clock=clock,
        )
        return outcome, launcher

    return run


class TestBound:
    """From which second on a trial may be ended for other work."""

    def bound(self, cell, records, left_s=None, sharers=2):
        return steering.slowed_after_s(
            cell, records, expected_s=5.0, left_s=left_s, sharers=sharers
        )

    def test_it_is_many_times_what_the_cell_took_undisturbed(self, make_cell, make_record):
        records = [make_record(duration_s=seconds, noise=noise()) for seconds in (4.0, 6.0, 5.0)]
        records.append(
            make_record(duration_s=90.0, noise=noise(foreign_cores=1.0), environment=environment())
        )
        assert self.bound(make_cell(), records, left_s=1e6) == steering.SLOWED_FACTOR * 5.0

    def test_a_short_trial_has_time_to_start(self, make_cell, make_record):
        records = [make_record(duration_s=0.1, noise=noise())]
        assert self.bound(make_cell(), records) == steering.SLOWED_LEAST_S

    def test_without_such_a_trial_it_is_a_fair_share_of_the_budget(self, make_cell, make_record):
        other = make_record(cell=make_cell(backend="torch"), duration_s=1.0)
        assert self.bound(make_cell(), [other], left_s=180.0, sharers=3) == 60.0

    def test_no_share_is_less_than_many_times_the_guess(self, make_cell):
        assert self.bound(make_cell(), [], left_s=1.0) == steering.SLOWED_FACTOR * 5.0

    def test_without_a_budget_nobody_waits_for_it(self, make_cell):
        assert self.bound(make_cell(), []) is None

    def test_a_campaign_gives_it_to_each_trial(self, measure):
        _, launcher = measure(budget_s=200.0, rounds=None)
        bounds = [trial.slowed_after_s for trial in launcher.trials]
        assert bounds[0] == pytest.approx(100.0)
        assert set(bounds[2:]) == {steering.SLOWED_FACTOR * TRIAL_S}


class TestEnd:
    """What a campaign makes of a trial that was ended early."""

    def test_its_cell_is_never_given_up(self, measure):
        _, launcher = measure(["slowed", "slowed"] * 5, budget_s=200.0, rounds=None)
        assert {trial.cell.backend for trial in launcher.trials[-2:]} == {"jax", "torch"}
        assert len(launcher.trials) > 2 * steering.GIVEN_UP_AFTER

    def test_it_counts_as_disturbed_and_not_as_failed(self, measure):
        outcome, _ = measure(["ok", "ok", "slowed"], rounds=2)
        assert [why for why in outcome.standing.disturbed if why] == ["as asked"]
        assert sum(cell.failed for cell in outcome.standing.cells) == 0

    def test_it_is_repeated_as_a_disturbed_one_is(self, measure, tmp_path):
        outcome, launcher = measure(["ok"] * 8 + ["slowed"], budget_s=140.0, rounds=None)
        ended, _, again = launcher.trials[8:11]
        assert (ended.cell, ended.round) == (again.cell, again.round)
        assert outcome.repeated == 1
        (verdict,) = outcome.standing.verdicts
        assert (verdict.pair.disturbed, verdict.pair.incomplete) == (0, 0)
        assert len(store.load(tmp_path / "campaign").records) == len(launcher.trials)

    def test_a_failed_one_is_another_matter(self, make_cell, make_record):
        failed = make_record(status="crashed", failure=Failure(reason="no memory"))
        ended = make_record(status="killed", failure=Failure(reason="busy", cause="slowed"))
        assert steering.given_up(make_cell(), [failed, ended, failed, ended, failed])
        assert not steering.given_up(make_cell(), [failed, ended, failed, ended, ended])


class TestRefused:
    """A trial that found that its mode cannot train the model."""

    @pytest.mark.parametrize("plan", [{"rounds": 3}, {"rounds": None, "budget_s": 100.0}])
    def test_its_cell_is_never_started_again(self, measure, plan):
        outcome, launcher = measure(["refused"], **plan)
        first = launcher.trials[0].cell
        assert [trial.cell for trial in launcher.trials].count(first) == 1
        assert outcome.planned == len(outcome.saved) == len(launcher.trials)
        assert len(launcher.trials) >= 4
