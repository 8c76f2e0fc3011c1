"""A campaign goes on after a failure, ends on Ctrl-C, and loses no record."""

from __future__ import annotations

import errno
import random
import signal

import pytest

from harness import store
from harness.launch import campaign
from harness.launch.campaign import run_campaign
from harness.launch.local import TrialInterrupted
from harness.plan import Axes, Durations, make_plan
from harness.record import Failure, Provenance

TIME_BUDGET_S = 2.0
SHUFFLER = random.Random(0)  # noqa: S311 - an order, no secret


class FakeLauncher:
    """Answers each trial with a made-up record, without a process; `outcomes` tells the status."""

    def __init__(self, make_record, outcomes=()):
        self.trials = []
        self._make_record = make_record
        self._outcomes = iter(outcomes)

    def run(self, trial):
        self.trials.append(trial)
        outcome = next(self._outcomes, "ok")
        if outcome is KeyboardInterrupt:
            raise KeyboardInterrupt
        record = self._make_record(
            cell=trial.cell,
            seed=trial.seed,
            repetition=trial.repetition,
            campaign=trial.campaign,
            round=trial.round,
            status=outcome,
            failure=None if outcome == "ok" else Failure(reason="as asked"),
            duration_s=10.0,
            timed_epochs=0,
        )
        if outcome == "interrupted":
            raise TrialInterrupted(record)
        return record


class FakeObserver:
    """Notes what it is told."""

    def __init__(self):
        self.left_s = []
        self.told = []

    def starting(self, trial, *, number, total, left_s):
        self.left_s.append(left_s)
        self.told.append(("starting", number, total))

    def finished(self, saved, *, number, total, left_s):
        self.told.append(("finished", number, saved.record.status))


@pytest.fixture
def plan(make_cell):
    axes = Axes(
        scenario="ranking",
        devices={"jax": "cpu", "torch": "cpu"},
        modes=["fit"],
        inits=["common"],
        settings=[make_cell().settings],
        seeds=[1, 2],
    )
    return make_plan(axes, time_budget_s=TIME_BUDGET_S, shuffler=SHUFFLER)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "laptop"


def run(plan, launcher, root, observer=None):
    return run_campaign(
        plan,
        launcher,
        root,
        observer or FakeObserver(),
        durations=Durations(),
        table=None,
        harness=Provenance(version="0.1.0"),
    )


def test_every_trial_of_the_plan_runs_in_order_and_is_stored(plan, root, make_record):
    launcher = FakeLauncher(make_record)
    outcome = run(plan, launcher, root)
    assert [(t.cell, t.seed, t.round) for t in launcher.trials] == [
        (t.cell, t.seed, t.round) for t in plan.trials
    ]
    assert len(store.load(root).records) == 4
    assert not outcome.interrupted
    assert all(saved.path.is_file() for saved in outcome.saved)


def test_the_campaign_is_called_as_its_folder(plan, root, make_record):
    run(plan, FakeLauncher(make_record), root)
    assert {record.campaign for record in store.load(root).records} == {"laptop"}


def test_the_other_trials_go_on_after_one_that_failed(plan, root, make_record):
    outcome = run(plan, FakeLauncher(make_record, ["ok", "crashed", "timeout", "ok"]), root)
    assert [s.record.status for s in outcome.saved] == ["ok", "crashed", "timeout", "ok"]
    assert len(store.load(root).records) == 4


def test_a_second_campaign_in_the_same_folder_adds_repetitions(plan, root, make_record):
    for _ in range(2):
        run(plan, FakeLauncher(make_record), root)
    repetitions = sorted(record.repetition for record in store.load(root).records)
    assert repetitions == [1] * 4 + [2] * 4


def test_ctrl_c_during_a_trial_keeps_its_record_and_those_before(plan, root, make_record):
    launcher = FakeLauncher(make_record, ["ok", "interrupted"])
    outcome = run(plan, launcher, root)
    assert outcome.interrupted
    assert len(launcher.trials) == 2
    assert sorted(r.status for r in store.load(root).records) == ["interrupted", "ok"]


def test_ctrl_c_between_trials_keeps_those_before(plan, root, make_record):
    outcome = run(plan, FakeLauncher(make_record, ["ok", KeyboardInterrupt]), root)
    assert outcome.interrupted
    assert [r.status for r in store.load(root).records] == ["ok"]


def test_ctrl_c_while_a_record_is_written_waits_for_it(plan, root, make_record, monkeypatch):
    def interrupted_save(root, record):
        signal.raise_signal(signal.SIGINT)
        return store_save(root, record)

    store_save = store.save
    monkeypatch.setattr(campaign.store, "save", interrupted_save)
    outcome = run(plan, FakeLauncher(make_record), root)
    assert outcome.interrupted
    assert len(outcome.saved) == 1
    assert len(store.load(root).records) == 1


def test_a_record_that_can_be_kept_nowhere_is_not_forgotten(plan, root, make_record, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(campaign.store, "save", fail)
    outcome = run(plan, FakeLauncher(make_record), root)
    assert len(outcome.saved) == len(outcome.lost) == 4
    assert all("No space left" in saved.trouble for saved in outcome.saved)


def test_the_time_left_shrinks_and_learns_from_what_trials_took(plan, root, make_record):
    observer = FakeObserver()
    run(plan, FakeLauncher(make_record), root, observer)
    assert observer.left_s == sorted(observer.left_s, reverse=True)
    # In the last round both cells are known: 10 s without timing epochs, and the time budget.
    assert observer.left_s[-2:] == [2 * (10.0 + TIME_BUDGET_S), 10.0 + TIME_BUDGET_S]


def test_the_observer_hears_of_every_start_and_end(plan, root, make_record):
    observer = FakeObserver()
    run(plan, FakeLauncher(make_record, ["failed"]), root, observer)
    assert observer.told[:3] == [("starting", 1, 4), ("finished", 1, "failed"), ("starting", 2, 4)]
    assert observer.told[-1] == ("finished", 4, "ok")
