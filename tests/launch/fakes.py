"""Fakes for the tests of campaigns: a launcher without processes, and a clock that it moves."""

from __future__ import annotations

import math
from types import SimpleNamespace

import msgspec

from harness.launch.child import TaskInterrupted
from harness.records.machine import Cpu, Disturbance, Environment, Noise
from harness.records.plan import Plan
from harness.records.trial import Failure, Turns


class FakeClock:
    """Stands still until it is told to go on."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


PLENTY = SimpleNamespace(fits=lambda *_: True)
"""A room in which everything fits beside everything."""


class FakeLauncher:
    """Answers each trial with a made-up record and lets its duration pass.

    `outcomes` tells the status of each trial in turn (or the cause of its end: `slowed`,
    `refused`), `ok` when there are no more. `step_time_s` is a function of the trial, `foreign` of
    the number of the trial: cores that others used.
    """

    def __init__(self, make_record, outcomes=(), *, clock=None, duration_s=10.0, **how):
        self.trials = []
        self.groups = []
        self.on_run = how.get("on_run", lambda _: None)
        self._make_record = make_record
        self._outcomes = iter(outcomes)
        self._clock = clock
        self._duration_s = duration_s
        self._step_time_s = how.get("step_time_s", lambda _: 0.002)
        self._foreign = how.get("foreign", lambda _: 0.0)

    def run_in_turns(self, trials, room):
        """One after the other, with what turns leave in a record."""
        records = []
        for place, trial in enumerate(trials):
            if records and not room.fits(trial, trials[:place]):
                break
            try:
                record = self.run(trial)
            except TaskInterrupted as stopped:
                raise TaskInterrupted(*records, stopped.record) from None
            turns = Turns(group=f"{trial.round:08}", place=place, waited_s=1.0, waiting_cpu_s=0.0)
            records.append(msgspec.structs.replace(record, turns=turns))
        self.groups.append(len(records))
        return records

    def run(self, trial):
        self.trials.append(trial)
        self.on_run(trial)
        if self._clock is not None:
            self._clock.now_s += self._duration_s
        outcome = next(self._outcomes, "ok")
        if outcome is KeyboardInterrupt:
            raise KeyboardInterrupt
        # `slowed` and `refused` are ends with a cause, not statuses of their own.
        status = {"slowed": "killed", "refused": "failed"}.get(outcome, outcome)
        cause = outcome if outcome in {"slowed", "refused"} else None
        record = self._make_record(
            cell=trial.cell,
            seed=trial.seed,
            repetition=trial.repetition,
            campaign=trial.campaign,
            round=trial.round,
            status=status,
            failure=None if outcome == "ok" else Failure(reason="as asked", cause=cause),
            duration_s=self._duration_s,
            timed_epochs=0,
            step_time_s=self._step_time_s(trial),
            started_at=f"2026-01-01T{len(self.trials) // 60:02}:{len(self.trials) % 60:02}:00Z",
            noise=noise(foreign_cores=self._foreign(len(self.trials))),
        )
        if outcome == "interrupted":
            raise TaskInterrupted(record)
        return record


class FakeObserver:
    """Notes what it is told."""

    def __init__(self):
        self.left_s = []
        self.told = []
        self.standings = []
        self.remarks = []

    def remark(self, line):
        self.remarks.append(line)

    def starting(self, trials, *, number, total, left_s):
        self.left_s.append(left_s)
        self.told.append(("starting", number, total))

    def finished(self, saved, *, number, total, left_s, standing):
        self.told.append(("finished", number, saved.record.status))
        self.standings.append(standing)


def noise(*, foreign_cores=0.0, steal_share=0.0, switches=0, before_s=0.2, after_s=0.2):
    """The noise beside ten seconds of training that keeps one of two cores busy."""
    training = Disturbance(
        elapsed_s=10.0,
        involuntary_switches=switches,
        steal_share=steal_share,
        busy_share=(1.0 + foreign_cores) / 2,
        load_average=1.0,
        frequency_mhz=None,
        own_cpu_s=10.0,
    )
    return Noise(probe_before_s=before_s, probe_after_s=after_s, training=training)


def environment(**packages):
    """A machine of two cores, with the packages of a JAX environment unless named otherwise."""
    cpu = Cpu(
        model="Test CPU",
        architecture="x86_64",
        logical_cores=2,
        physical_cores=1,
        affinity=None,
    )
    return Environment(
        machine_id="machine-a",
        hostname="host",
        os="Linux",
        python="CPython 3.11.7",
        cpu=cpu,
        gpus=[],
        memory_total_bytes=8_000_000_000,
        memory_available_bytes=7_000_000_000,
        load_average=0.1,
        thread_pools=[],
        packages={"keras": "3.15.1", "numpy": "2.4.6", "jax": "0.10.2"} | packages,
        variables={},
    )


def wobble(trial, *, spread):
    """A step time that scatters by `spread` from trial to trial, the same in every test run."""
    phase = 12.9898 * trial.round + 78.233 * len(trial.cell.backend)
    return 0.002 * math.exp(spread * math.sin(phase * phase))


def make_plan(matrix, **changes):
    """A plan of `matrix`; two rounds unless said otherwise."""
    fields = {
        "run_id": "run-1",
        "started_at": "2026-01-01T00:00:00+00:00",
        "cells": matrix,
        "seeds": [1, 2],
        "shuffle_seed": 0,
        "time_budget_s": 2.0,
        "margin": 0.02,
        "rounds": 2,
    }
    return msgspec.convert(fields | changes, Plan)
