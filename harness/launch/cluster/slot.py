"""The half of a cluster campaign that runs in a Dask worker: it measures in its slot.

A worker is a slot: one task at a time, on CPUs (and a GPU) of its own where its machine has several
slots. What is measured runs through the same child process as without a cluster, in the worker's
own environment variables, of which the child gets the usual few: the thread counts that Dask gives
to its workers (``OMP_NUM_THREADS=1``) are not among them.

Every answer is bytes of JSON, to be checked like a stranger's. Records are kept here too, until the
campaign has asked for the next ones, so that a scheduler that dies takes none with it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from harness import scenario_files
from harness.launch import orphans, preflight
from harness.launch.campaign.room import Room
from harness.launch.child import LocalLauncher
from harness.launch.environments import Interpreter
from harness.launch.lock import only_campaign
from harness.probe.cpu import usable
from harness.probe.machine import WITH_HOST_VARIABLE
from harness.probe.noise import speed_probe
from harness.probe.rates import rates as measured_rates
from harness.records.anatomy import AnatomyTask
from harness.records.cell import Struct
from harness.records.cluster import Foreseen, Measured, Needed
from harness.records.parity import ParityTask
from harness.records.plan import Plan
from harness.records.trial import Trial
from harness.store import folder as store

RESOURCE = "slot"
"""What a worker offers one of, and every task takes: so that one runs at a time."""

CPUS_VARIABLE = "HARNESS_SLOT_CPUS"
"""Names the CPUs of a slot, such as ``0,1``; set by ``harness cluster up``."""

USERS_OWN = (
    scenario_files.SEARCH_PATH_VARIABLE,
    scenario_files.OFFERED_VARIABLE,
    WITH_HOST_VARIABLE,
)
"""Variables that a slot has from the campaign that it works for, and not from its own start."""

KEPT_FOR_S = 30 * 24 * 3600.0
"""Seconds after which records that no campaign has asked for go."""

_KEY = re.compile(r"[0-9a-f]{8,64}")

_log = logging.getLogger(__name__)


class Means(Struct, frozen=True, kw_only=True):
    """What tasks run with on a slot.

    ``key`` is that of the records which belong together there. ``variables`` say where the user's
    own scenarios are, and whether records have the machine's name (:data:`USERS_OWN`).
    """

    key: str
    interpreters: Mapping[str, Interpreter]
    timeout_s: float
    memory_limit_bytes: float | None = None
    pass_env: tuple[str, ...] = ()
    program: str | None = None
    variables: Mapping[str, str] = msgspec.field(default_factory=dict)

    @property
    def launcher(self) -> LocalLauncher:
        """The launcher that runs them here."""
        return LocalLauncher(
            self.interpreters,
            timeout_s=self.timeout_s,
            memory_limit_bytes=self.memory_limit_bytes,
            pass_env=self.pass_env,
            program=self.program,
        )


def measure(trials: list[Trial], means: Means, needed: Needed) -> bytes:
    """Measure the first of ``trials``, alone or as many in turns as there is room for.

    Returns:
        A :class:`harness.records.cluster.Measured`, as JSON.
    """
    with _alone(means):
        folder = _kept(means.key)
        # Whoever asks for more has stored what was measured before.
        shutil.rmtree(folder / "records", ignore_errors=True)
        here = [_here(trial, folder) for trial in trials]
        room = Room(needed=needed)
        if len(here) == 1:
            records = [means.launcher.run(here[0])]
        else:
            records = means.launcher.run_in_turns(here, room)
        with contextlib.suppress(OSError):  # a full disk: the answer itself has them
            for record in records:
                store.save_below(folder, record)
        answer = Measured(records=records, lacks=[lack.name for lack in room.lacks])
        if room.lacks:
            answer = msgspec.structs.replace(answer, free=room.look())
        return msgspec.json.encode(answer)


def kept(keys: list[str]) -> bytes:
    """The records that were measured under ``keys`` and not asked for since, as ``Measured``."""
    records = [record for key in keys for record in store.load(_kept(key)).records]
    return msgspec.json.encode(Measured(records=records))


def forget(keys: list[str]) -> None:
    """Remove what is kept under ``keys``, and what nobody has asked for in a month."""
    for key in keys:
        shutil.rmtree(_kept(key), ignore_errors=True)
    with contextlib.suppress(OSError):
        for folder in _root().iterdir():
            if time.time() - folder.stat().st_mtime > KEPT_FOR_S:
                shutil.rmtree(folder, ignore_errors=True)


def compare(task: ParityTask, means: Means) -> tuple[bytes, bytes | None]:
    """Train ``task`` for a comparison: its record as JSON, and its arrays."""
    with _alone(means):
        record, arrays = means.launcher.compare(_here(task, _kept(means.key)))
    return msgspec.json.encode(record), arrays


def dissect(task: AnatomyTask, means: Means) -> bytes:
    """Take the step of ``task`` apart: its record as JSON."""
    with _alone(means):
        return msgspec.json.encode(means.launcher.dissect(task))


def foresee(plan: Plan, means: Means, table: str | None) -> bytes:
    """The cells that cannot be trained in their mode, as :class:`Foreseen` in JSON."""
    with _alone(means):
        refusals = preflight.refusals(
            plan,
            means.interpreters,
            None if table is None else Path(table),
            memory_limit_bytes=means.memory_limit_bytes,
            pass_env=means.pass_env,
        )
    return msgspec.json.encode(Foreseen(refusals=refusals))


def speed() -> bytes:
    """Seconds that the fixed piece of work takes on the CPUs of the slot, in JSON."""
    from threadpoolctl import threadpool_limits

    # Dask starts its workers with one thread for every library.
    with threadpool_limits(limits=len(usable()), user_api="blas"):
        return msgspec.json.encode(speed_probe())


def rates(threads: int | None) -> bytes:
    """The rates of the slot's CPUs, as :class:`harness.records.machine.Rates` in JSON."""
    return msgspec.json.encode(measured_rates(threads))


def end_tasks() -> None:
    """End the processes that are measured here; their records then say so."""
    orphans.end_children()


def dask_setup(worker: Any) -> None:
    """Called by Dask where this module is a preload: keep the worker to the CPUs of its slot."""
    cpus = [int(one) for one in os.environ.get(CPUS_VARIABLE, "").split(",") if one.isdigit()]
    if cpus and hasattr(os, "sched_setaffinity"):
        for thread in os.listdir("/proc/self/task"):  # noqa: PTH208 - names are numbers here
            with contextlib.suppress(OSError):
                os.sched_setaffinity(int(thread), cpus)
    _log.info("slot %s, CPUs %s", worker.name, cpus or "all")


def _here(task: Any, folder: Path) -> Any:
    """``task`` with the folder that the processes of this machine share."""
    shared = None if task.shared is None else str(store.initial_folder(folder))
    return msgspec.structs.replace(task, shared=shared)


def _kept(key: str) -> Path:
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no key")
    return _root() / key


def _root() -> Path:
    return Path(platformdirs.user_state_dir("keras-backend-harness")) / "slots"


@contextlib.contextmanager
def _alone(means: Means) -> Iterator[None]:
    """Inside, no other campaign measures in this slot; what a killed worker left is ended first."""
    with only_campaign(wait=True, say=_log.warning):
        use(means.variables)
        yield


def use(variables: Mapping[str, str]) -> None:
    """Have this process see the campaign's :data:`USERS_OWN`."""
    for name in USERS_OWN:
        os.environ.pop(name, None)
    os.environ.update({name: variables[name] for name in USERS_OWN if name in variables})
