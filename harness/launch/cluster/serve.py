"""Starts slots on this machine: with a scheduler of their own, or for one that runs elsewhere."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.errors import UnavailableError
from harness.launch.cluster import slot as on_worker
from harness.launch.cluster.connection import ANSWER_S, PRELOAD, silence
from harness.launch.cluster.specification import Tls, security
from harness.launch.lock import FOLDER_VARIABLE, lock_folder
from harness.records.cell import Struct

PORT, DASHBOARD_PORT = 8786, 8787
"""Dask's own."""


class OwnSlot(Struct, frozen=True, kw_only=True):
    """A slot of this machine, with the CPUs that it is kept to and the variables of its worker."""

    name: str
    cpus: list[int]
    variables: dict[str, str]


def own_slots(
    number: int, *, cpus: Sequence[int], gpus: int, folder: Path | None = None
) -> list[OwnSlot]:
    """``number`` slots that share this machine.

    Each has CPUs of its own, neighbours by number, as equally many as can be; where there are more
    slots than CPUs, several have the same one. Of several slots each has a GPU of its own, as far
    as there are any; a single one has all.

    Args:
        number: of slots, at least 1.
        cpus: those that this process may use.
        gpus: how many the driver knows.
        folder: of the machine's lock; each slot has a lock of its own below it, while the machine's
            is held by whoever starts the slots.
    """
    folder = folder or lock_folder()
    found = []
    for i in range(number):
        first, last = i * len(cpus) // number, (i + 1) * len(cpus) // number
        mine = list(cpus[first:last]) or [cpus[i % len(cpus)]]
        variables = {
            on_worker.CPUS_VARIABLE: ",".join(map(str, mine)),
            FOLDER_VARIABLE: str(folder / f"slot-{i + 1}"),
        }
        if number > 1 and gpus:
            variables["CUDA_VISIBLE_DEVICES"] = str(i) if i < gpus else "-1"
        found.append(OwnSlot(name=f"slot-{i + 1}", cpus=mine, variables=variables))
    return found


@contextlib.contextmanager
def serving(
    slots: Sequence[OwnSlot],
    *,
    address: str | None = None,
    host: str = "127.0.0.1",
    port: int = PORT,
    dashboard_port: int = DASHBOARD_PORT,
    tls: Tls | None = None,
) -> Iterator[Any]:
    """Workers for ``slots`` until the end of the block; gives Dask's cluster, with its address.

    Args:
        slots: what to start.
        address: of a scheduler that runs; ``None`` starts one here.
        host: that a scheduler started here listens on.
        port: that it listens on.
        dashboard_port: of its dashboard.
        tls: the certificates, if the cluster has some.

    Raises:
        UnavailableError: if the scheduler cannot listen, or cannot be reached.
    """
    import dask
    from distributed import Nanny, Scheduler, SpecCluster

    silence()
    secure = security(tls)
    workers = {
        slot.name: {
            "cls": Nanny,
            "options": {
                "name": slot.name if address is None else f"{_short_host()}-{slot.name}",
                "nthreads": 1,
                "silence_logs": logging.ERROR,
                "memory_limit": 0,  # a trial's memory is its own affair (--memory-limit)
                "resources": {on_worker.RESOURCE: 1},
                "preload": [PRELOAD],
                "env": slot.variables,
                "security": secure,
                "host": host if address is None else None,
            },
        }
        for slot in slots
    }
    scheduler: dict[str, Any] = {
        "cls": Scheduler,
        "options": {
            "host": host,
            "port": port,
            "protocol": "tls" if tls else "tcp",
            "dashboard_address": f"{host}:{dashboard_port}",
            "security": secure,
        },
    }
    # What Dask gives its workers beyond that would be in nobody's record.
    with dask.config.set({"distributed.nanny.pre-spawn-environ": {}}):
        try:
            if address is not None:
                with joined_to(address, workers, secure) as cluster:
                    yield cluster
                return
            with SpecCluster(workers=workers, scheduler=scheduler, security=secure) as cluster:
                yield cluster
        except (OSError, RuntimeError, TimeoutError) as error:
            where = address or f"{host}:{port}"
            raise UnavailableError(f"{where}: {str(error).splitlines()[0]}") from None


@contextlib.contextmanager
def joined_to(address: str, workers: dict[str, Any], secure: Any) -> Iterator[Any]:
    """The workers of this machine at a scheduler that runs elsewhere."""
    from distributed.comm import connect
    from distributed.utils import LoopRunner

    runner = LoopRunner()
    runner.start()

    async def start() -> list[Any]:
        shown = secure.get_connection_args("client") if secure else {}
        # A worker would wait for ever.
        scheduler = await connect(address, timeout=ANSWER_S, **shown)
        await scheduler.close()
        return [await each["cls"](address, **each["options"]) for each in workers.values()]

    async def stop(nannies: list[Any]) -> None:
        for nanny in nannies:
            await nanny.close(timeout=5)

    try:
        nannies = runner.run_sync(start)
        try:
            yield nannies
        finally:
            runner.run_sync(stop, nannies)
    finally:
        runner.stop()


def _short_host() -> str:
    return os.uname().nodename.partition(".")[0] if hasattr(os, "uname") else "machine"
