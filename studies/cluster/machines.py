"""What a command takes that measures on many machines, from the plan to the page.

    python -m studies.cluster.machines [MACHINES] [--rounds 6]

Command, plan, loop, checks, store, statistics and report are real. The machines are made up: each
has a speed of its own, answers at once, and one of them is broken: its worker dies with every
trial. So all that is timed is what the command itself has to do.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import os
import random
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from harness import __version__
from harness.cli import campaign, machines, options
from harness.cli.folder import studied
from harness.launch.cluster.connection import Slot, SlotLostError
from harness.records.cluster import Foreseen, Measured, Place, Readiness
from harness.records.machine import Rates
from harness.records.trial import Trial
from harness.report import html
from harness.report.sections.compose import compose
from harness.scenario import find, sources_sha256
from harness.store import folder as store
from tests.report.made_up import STEP_S, cluster


class MadeUp:
    """A connection to machines that nobody owns; the last one is broken."""

    dashboard = None
    ended = False

    def __init__(self, number: int) -> None:
        self._slots = [
            Slot(worker=f"slot-{i}", address=f"tcp://10.0.0.{i}:1", host=f"10.0.0.{i}")
            for i in range(number)
        ]
        self._templates = {
            (i, record.cell.backend): record for i, record in enumerate_by_machine(number)
        }
        self._lock = threading.Lock()
        self.trials = 0

    def slots(self, _wanted: int | None = None) -> list[Slot]:
        """All of them."""
        return self._slots

    def back(self, slot: Slot) -> Slot:
        """Another worker that dies as well."""
        return slot

    def end(self, _slots: Any) -> None:
        """Nothing runs."""

    def call(self, slot: Slot, function: Any, *arguments: Any) -> Any:
        """What the slot answers, in the way of its name."""
        number = self._slots.index(slot)
        answer = getattr(self, f"_{function.__name__}", None)
        return None if answer is None else answer(number, *arguments)

    def _readiness(self, number: int, *_: Any) -> bytes:
        ranking = find("ranking")
        places = {
            backend: Place(
                backend=backend,
                name=None,
                python="/python",
                origin="made up",
                device="cpu",
                packages={"keras": "3.15.1"},
            )
            for backend in STEP_S
        }
        name = hashlib.sha256(str(number).encode()).hexdigest()[:8]
        return msgspec.json.encode(
            Readiness(
                machine=f"host-{name}",
                machine_id=name,
                harness=__version__,
                cpus=2,
                places=places,
                scenario_version=ranking.version,
                scenario_sha256=sources_sha256("ranking"),
            )
        )

    def _foresee(self, *_: Any) -> bytes:
        return msgspec.json.encode(Foreseen(refusals=[]))

    def _kept(self, *_: Any) -> bytes:
        return msgspec.json.encode(Measured(records=[]))

    def _speed(self, _number: int) -> bytes:
        return b"0.2"

    def _rates(self, _number: int, threads: int | None) -> bytes:
        return msgspec.json.encode(
            Rates(matmul_flops_per_s=1e11, copy_bytes_per_s=1e10, threads=threads)
        )

    def _measure(self, number: int, trials: list[Trial], *_: Any) -> bytes:
        if number == len(self._slots) - 1:
            raise SlotLostError
        with self._lock:
            self.trials += len(trials)
        records = []
        for trial in trials:
            chance = random.Random(f"{number} {trial.round} {trial.cell.backend}")  # noqa: S311
            made = self._templates[number, trial.cell.backend]
            factor = chance.lognormvariate(0, 0.02)
            records.append(
                msgspec.structs.replace(
                    made,
                    cell=trial.cell,
                    seed=trial.seed,
                    repetition=trial.repetition,
                    round=trial.round,
                    run_id=trial.run_id,
                    campaign=trial.campaign,
                    harness=trial.harness,
                    turns=None,
                    epochs=[
                        msgspec.structs.replace(each, wall_s=each.wall_s * factor)
                        for each in made.epochs
                    ],
                )
            )
        return msgspec.json.encode(Measured(records=records))


def enumerate_by_machine(number: int) -> Iterator[tuple[int, Any]]:
    """One record of each backend of each machine."""
    ids: dict[str, int] = {}
    for record in cluster(number, rounds=1):
        if record.environment is not None:
            yield ids.setdefault(record.environment.machine_id, len(ids)), record


def main() -> None:
    """Run the command, then report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("machines", type=int, nargs="?", default=100)
    parser.add_argument("--rounds", type=int, default=6)
    asked = parser.parse_args()
    made_up = MadeUp(asked.machines)

    @contextlib.contextmanager
    def connected(_: Any) -> Iterator[MadeUp]:
        yield made_up

    with tempfile.TemporaryDirectory() as folder:
        request = options.CampaignRequest(
            scenario="ranking",
            results=Path(folder, "results"),
            rounds=asked.rounds,
            launcher="dask",
            scheduler="tcp://127.0.0.1:8786",
            turns="off",
        )
        os.environ.pop("KERAS_BACKEND", None)
        began, spent = time.perf_counter(), time.process_time()
        with mock.patch.object(machines, "connected", connected):
            code = campaign.carry_out(dataclasses.replace(request))
        _say(f"plan and collection of {made_up.trials:,} trials, exit {int(code)}", began, spent)
        later, later_cpu = time.perf_counter(), time.process_time()
        study = studied(store.load(request.results))
        page = html.render(compose(study), study)
        _say(f"report, a page of {len(page) / 1e6:.1f} MB", later, later_cpu)
        _say("all", began, spent)
        found = study.combined
        print(msgspec.json.format(msgspec.json.encode(found), indent=1).decode()[:400])


def _say(what: str, began: float, spent: float) -> None:
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - spent
    print(f"{what}: {wall_s:.1f} s, {cpu_s:.1f} s of CPU", flush=True)


if __name__ == "__main__":
    main()
