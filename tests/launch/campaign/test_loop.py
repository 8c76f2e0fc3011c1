"""A campaign goes on after a failure, ends on Ctrl-C, and loses no record."""

from __future__ import annotations

import errno
import signal

import pytest

from harness.launch.campaign import loop
from harness.launch.campaign.forecast import Durations
from harness.launch.campaign.loop import run_campaign
from harness.launch.campaign.prober import Prober
from harness.records.machine import Rates
from harness.records.trial import Provenance
from harness.store import folder as store
from tests.launch.fakes import FakeClock, FakeLauncher, FakeObserver, make_plan

TIME_BUDGET_S = 2.0


@pytest.fixture
def plan(make_cell):
    return make_plan([make_cell(backend=backend) for backend in ("jax", "torch")])


@pytest.fixture
def root(tmp_path):
    return tmp_path / "laptop"


def run(plan, launcher, root, observer=None, **more):
    return run_campaign(
        plan,
        launcher,
        root,
        observer or FakeObserver(),
        durations=Durations(),
        table=None,
        harness=Provenance(version="0.1.0"),
        **more,
    )


def test_every_trial_of_the_plan_runs_in_order_and_is_stored(plan, root, make_record):
    launcher = FakeLauncher(make_record)
    outcome = run(plan, launcher, root)
    assert [(t.cell, t.seed, t.round) for t in launcher.trials] == [
        (t.cell, t.seed, t.round) for t in plan.trials(2)
    ]
    assert len(store.load(root).records) == outcome.planned == 4
    assert not outcome.interrupted
    assert all(saved.path.is_file() for saved in outcome.saved)


def test_the_campaign_is_called_as_its_folder_and_its_run_is_in_every_record(
    plan, root, make_record
):
    run(plan, FakeLauncher(make_record), root)
    records = store.load(root).records
    assert {record.campaign for record in records} == {"laptop"}
    assert {record.run_id for record in records} == {"run-1"}


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
    assert (len(launcher.trials), outcome.planned) == (2, 4)
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
    monkeypatch.setattr(loop.store, "save", interrupted_save)
    outcome = run(plan, FakeLauncher(make_record), root)
    assert outcome.interrupted
    assert len(outcome.saved) == 1
    assert len(store.load(root).records) == 1


def test_a_record_that_can_be_kept_nowhere_is_not_forgotten(plan, root, make_record, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(loop.store, "save", fail)
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


def test_the_speed_probe_runs_between_trials_and_never_beside_one(plan, root, make_record):
    clock, probed = FakeClock(), iter([9.99, 0.20, 0.21, 0.22, 0.23, 0.24])
    run(
        plan,
        FakeLauncher(make_record, clock=clock),
        root,
        speed_probe=lambda: next(probed),
        clock=clock,
    )
    noises = [r.noise for r in sorted(store.load(root).records, key=lambda r: r.started_at)]
    # The first probe in a process is slow by itself and does not count. The one after a trial is
    # that before the next, since no time passes in between.
    assert [(n.probe_before_s, n.probe_after_s) for n in noises] == [
        (0.20, 0.21),
        (0.21, 0.22),
        (0.22, 0.23),
        (0.23, 0.24),
    ]
    assert all(n.training is not None for n in noises), "what the child saw stays"


def test_after_a_pause_the_probe_runs_anew():
    clock, probed = FakeClock(), iter([9.99, 0.20, 0.21])
    prober = Prober(lambda: next(probed), clock)
    assert (prober.after_s(), prober.before_s()) == (0.20, 0.20)
    clock.now_s += 60.0
    assert prober.before_s() == 0.21


class TestRates:
    def test_they_are_measured_once_in_a_round_before_its_first_trial(
        self, plan, root, make_record
    ):
        told = []
        launcher = FakeLauncher(make_record, on_run=lambda trial: told.append(trial.round))

        def measure(_threads):
            told.append("rates")
            return Rates(matmul_flops_per_s=1e11 * len(told), copy_bytes_per_s=1e10)

        run(plan, launcher, root, rates=measure)
        assert told == ["rates", 1, 1, "rates", 2, 2]
        by_round = {(r.round, r.rates.matmul_flops_per_s) for r in store.load(root).records}
        assert by_round == {(1, 1e11), (2, 4e11)}

    def test_a_record_has_those_of_its_cells_threads(self, root, make_cell, make_record):
        plan = make_plan([make_cell(threads=threads) for threads in (1, 2, None)], rounds=1)

        def measure(threads):
            return Rates(matmul_flops_per_s=1e11, copy_bytes_per_s=1e10, threads=threads)

        run(plan, FakeLauncher(make_record), root, rates=measure)
        records = store.load(root).records
        assert len(records) == 3
        assert all(record.rates.threads == record.cell.threads for record in records)

    def test_a_trial_that_failed_has_them_too(self, plan, root, make_record):
        known = Rates(matmul_flops_per_s=1e11, copy_bytes_per_s=1e10)
        run(plan, FakeLauncher(make_record, ["crashed"]), root, rates=lambda _: known)
        assert {record.rates for record in store.load(root).records} == {known}

    def test_those_of_a_cpu_say_nothing_about_a_gpu(self, root, make_cell, make_record):
        plan = make_plan([make_cell(device="gpu")], rounds=1)
        run(plan, FakeLauncher(make_record), root, rates=pytest.fail)
        assert store.load(root).records[0].rates is None

    def test_without_anybody_who_measures_there_are_none(self, plan, root, make_record):
        run(plan, FakeLauncher(make_record), root)
        assert {record.rates for record in store.load(root).records} == {None}


def test_gaps_of_an_earlier_run_come_first_and_with_its_id(plan, root, make_record):
    launcher = FakeLauncher(make_record)
    earlier = make_plan(plan.cells, run_id="earlier")
    left = make_plan(plan.cells, first_round=2)
    run(left, launcher, root, gaps=[earlier.round(1)[1:]])
    assert [(t.run_id, t.round) for t in launcher.trials] == [
        ("earlier", 1),
        ("run-1", 2),
        ("run-1", 2),
    ]
