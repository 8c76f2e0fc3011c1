"""How long a slot waits between two trials, and how much of its time it measures.

    python -m studies.cluster.dispatch                 1,000 empty trials on 4 slots, then of 1 s
    python -m studies.cluster.dispatch --slots 2 --trials 200

Scheduler, workers, connection, lock, records on both sides and the campaign's own loop are real;
in the place of a trial's process a worker sleeps. Where slots share CPUs, as four do on two, what
one costs is seen by the others: the figures are upper bounds.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import psutil

from harness import probe
from harness.launch.campaign.forecast import Durations
from harness.launch.campaign.loop import run_campaign
from harness.launch.cluster import serve
from harness.launch.cluster.connection import Connection, connected
from harness.launch.cluster.launcher import ClusterLauncher
from harness.launch.cluster.slot import Means
from harness.launch.cluster.specification import Specification
from harness.probe.cpu import affinity
from harness.records.cell import Cell
from harness.records.plan import Plan
from harness.records.trial import Trial

HARNESS = probe.provenance()
"""Asked once: Git takes 40 ms to say it."""

CELL = Cell(scenario="ranking", backend="jax", device="cpu", settings={"epochs": 1})


def main() -> None:
    """Start a cluster, time both, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--trials", type=int, default=1_000, help="empty ones, of all slots")
    parser.add_argument("--rounds", type=int, default=60, help="of trials of 1 s, in each slot")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _cluster(Path(folder), asked.slots) as there:
        slots = there.slots(asked.slots)
        _warm_up(there)
        each = asked.trials // len(slots)
        overheads: list[float] = []

        def empty(launcher: ClusterLauncher, number: int) -> None:
            for repetition in range(each):
                began_s = time.perf_counter()
                record = launcher.run(_trial(number, repetition))
                overheads.append(time.perf_counter() - began_s)
                if record.status != "ok":
                    raise AssertionError(record.failure)

        spent_s, sent = time.process_time(), _sent_bytes()
        wall_s = _in_each(there, empty, seconds=0.0)
        spent_s, sent = time.process_time() - spent_s, _sent_bytes() - sent
        print(
            f"{each * len(slots)} empty trials on {len(slots)} slots in {wall_s:.1f} s: "
            f"{wall_s / each * 1e3:.1f} ms each (median {statistics.median(overheads) * 1e3:.1f}, "
            f"99% {sorted(overheads)[int(0.99 * len(overheads))] * 1e3:.1f}); scheduler and "
            f"command together {spent_s / len(overheads) * 1e3:.1f} ms of CPU and "
            f"{sent / len(overheads) / 1e3:.0f} KB over the network each"
        )
        outcomes = []

        def campaign(launcher: ClusterLauncher, number: int) -> None:
            plan = Plan(
                run_id=launcher.key,
                started_at="2026-01-01T00:00:00+00:00",
                cells=[CELL],
                seeds=[42],
                shuffle_seed=number,
                time_budget_s=1.0,
                margin=0.02,
                rounds=asked.rounds,
            )
            outcomes.append(
                run_campaign(
                    plan,
                    launcher,
                    Path(folder, f"slot-{number}"),
                    _Silent(),
                    durations=Durations(),
                    table=None,
                    harness=HARNESS,
                )
            )

        wall_s = _in_each(there, campaign, seconds=1.0)
        good = sum(saved.record.status == "ok" for one in outcomes for saved in one.saved)
        print(
            f"{good} trials of 1 s by the campaign's loop in {wall_s:.1f} s: slots are used for "
            f"{good / (wall_s * len(slots)):.1%} of the time"
        )


class _Silent:
    """An observer that shows nothing."""

    def starting(self, *_: object, **__: object) -> None: ...

    def remark(self, line: str) -> None: ...

    def finished(self, *_: object, **__: object) -> None: ...


class _Keyed(ClusterLauncher):
    """A launcher that knows the key of its records."""

    def __init__(self, connection: Connection, slot: Any, means: Means) -> None:
        super().__init__(connection, slot, means, print)
        self.key = means.key


def _in_each(there: Connection, do: Callable[[Any, int], None], *, seconds: float) -> float:
    """Seconds until all slots have done it, at the same time."""
    slots = there.slots()
    for slot in slots:
        there.call(slot, _fake_trials, seconds)
    launchers = [
        _Keyed(there, slot, Means(key=f"{number:08x}", interpreters={}, timeout_s=60.0))
        for number, slot in enumerate(slots, start=1)
    ]
    threads = [
        threading.Thread(target=do, args=(launcher, number))
        for number, launcher in enumerate(launchers, start=1)
    ]
    began_s = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began_s


def _sent_bytes() -> int:
    """What went over the loopback device so far."""
    return int(psutil.net_io_counters(pernic=True)["lo"].bytes_sent)


def _fake_trials(seconds: float) -> None:
    """In a worker: a trial sleeps so long, and leaves a good record."""
    from harness.launch.child import LocalLauncher
    from harness.records.header import record_of
    from harness.records.trial import Epoch, Record

    def run(_: object, trial: Trial) -> Record:
        time.sleep(seconds)
        return record_of(
            trial,
            Record,
            status="ok",
            scenario_version=1,
            started_at="2026-01-01T00:00:00+00:00",
            duration_s=seconds,
            epochs=[
                Epoch(
                    index=index,
                    phase="timing",
                    steps=80,
                    examples=80_000,
                    wall_s=0.16,
                    warm_up=False,
                    train_loss=0.1,
                )
                for index in range(20)
            ],
        )

    LocalLauncher.run = run  # type: ignore[method-assign]


def _trial(number: int, repetition: int) -> Trial:
    return Trial(
        cell=CELL,
        seed=42,
        repetition=repetition,
        campaign=f"slot-{number}",
        round=repetition,
        time_budget_s=0.0,
        table=None,
        harness=HARNESS,
        run_id=f"{number:08x}",
    )


def _warm_up(there: Connection) -> None:
    """The first call of a worker imports."""
    for slot in there.slots():
        there.call(slot, _fake_trials, 0.0)


@contextlib.contextmanager
def _cluster(folder: Path, number: int) -> Iterator[Connection]:
    cpus = affinity() or list(range(os.cpu_count() or 1))
    own = serve.own_slots(number, cpus=cpus, gpus=0, folder=folder / "lock")
    with (
        mock.patch.dict(os.environ, {"XDG_STATE_HOME": str(folder / "state")}),
        serve.serving(own, port=0, dashboard_port=0) as cluster,
        connected(Specification(scheduler=cluster.scheduler_address, wait_s=60.0)) as there,
    ):
        yield there


if __name__ == "__main__":
    main()
