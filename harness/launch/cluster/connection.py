"""Reaches the slots of a Dask cluster: finds them, calls them, and knows when one is lost."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from harness.errors import UnavailableError
from harness.launch.cluster import slot as on_worker
from harness.launch.cluster.specification import Queue, Specification, queue_class, security
from harness.records.cell import Struct
from harness.words import count

LOOK_S = 2.0
"""Seconds between two looks whether the worker that is waited for is still there."""

GRACE_S = 15.0
"""Seconds that a slot has to answer after Ctrl-C, which ended what it measured."""

BACK_S = 60.0
"""Seconds that a slot has to come back after its worker died: its nanny starts another one."""

ANSWER_S = 10.0
"""Seconds that a scheduler has to answer."""

PRELOAD = "harness.launch.cluster.slot"


class Slot(Struct, frozen=True, kw_only=True):
    """A worker that offers a slot: its name in the cluster, its address and that of its host."""

    worker: str
    address: str
    host: str


class SlotLostError(Exception):
    """The worker of a slot is gone."""


class ClusterLostError(UnavailableError):
    """The scheduler is gone; the message says so in words."""


class EndedError(Exception):
    """Ctrl-C ended the campaign before the slot gave an answer."""


class Connection:
    """A connection to a scheduler, which several threads may use.

    Args:
        client: Dask's own.
        scheduler: the address, for messages.
        wait_s: seconds until the first slot must be there.
    """

    def __init__(self, client: Any, scheduler: str, wait_s: float) -> None:
        self._client = client
        self._scheduler = scheduler
        self._wait_s = wait_s
        self._ended_at_s: float | None = None

    @property
    def ended(self) -> bool:
        """Whether Ctrl-C ended what was measured."""
        return self._ended_at_s is not None

    @property
    def dashboard(self) -> str | None:
        """The address of Dask's own page on the cluster, if there is one."""
        return self._client.dashboard_link or None

    def slots(self, wanted: int | None = None) -> list[Slot]:
        """The slots that are there, in the order of their hosts and names.

        It waits for the first, or for as many as are ``wanted``.

        Raises:
            UnavailableError: if none comes; says what there is, and how a slot is started.
        """
        until_s = time.monotonic() + self._wait_s
        while True:
            workers = self._workers()
            found = [
                Slot(worker=str(one["name"]), address=address, host=str(one["host"]))
                for address, one in workers.items()
                if one["resources"].get(on_worker.RESOURCE, 0) >= 1
            ]
            late = time.monotonic() > until_s
            if len(found) >= (wanted or 1) or (found and late):
                return sorted(found, key=lambda slot: (slot.host, _natural(slot.worker)))
            if late:
                raise UnavailableError(self._none(len(workers)))
            time.sleep(0.2)

    def call(self, slot: Slot, function: Callable[..., Any], *arguments: Any) -> Any:
        """What ``function`` returns in ``slot``, which does one thing at a time.

        Raises:
            SlotLostError: if the worker goes meanwhile.
            ClusterLostError: if the scheduler does.
            EndedError: after :meth:`end`, where the slot does not answer.
            Exception: whatever ``function`` raises.
        """
        if self._ended_at_s is not None:
            raise EndedError
        with self._as_lost():
            future = self._client.submit(
                function,
                *arguments,
                pure=False,  # else two calls with equal arguments were one
                workers=[slot.address],
                allow_other_workers=False,
                resources={on_worker.RESOURCE: 1},
            )
        while not self._is_done(future):
            if self._ended_at_s and time.monotonic() - self._ended_at_s > GRACE_S:
                future.cancel()
                raise EndedError
            if slot.address not in self._workers():
                future.cancel()
                raise SlotLostError
        return self._answer(future, slot)

    def back(self, slot: Slot) -> Slot:
        """The same slot with its new worker.

        Raises:
            SlotLostError: if none comes.
            ClusterLostError: if the scheduler is gone too.
        """
        until_s = time.monotonic() + BACK_S
        while time.monotonic() < until_s and self._ended_at_s is None:
            for address, one in self._workers().items():
                # A worker with a port of its own has the same address when it is back.
                if str(one["name"]) == slot.worker:
                    return Slot(worker=slot.worker, address=address, host=str(one["host"]))
            time.sleep(0.2)
        raise SlotLostError

    def end(self, slots: Sequence[Slot]) -> None:
        """End what is measured now; whoever waits for it gets its record."""
        self._ended_at_s = time.monotonic()
        names = {slot.worker for slot in slots}
        with contextlib.suppress(Exception):  # a worker that is gone measures nothing
            # By name: a worker that died since has another address now.
            there = [a for a, one in self._workers().items() if str(one["name"]) in names]
            self._client.run(on_worker.end_tasks, workers=there, on_error="ignore")

    def _is_done(self, future: Any) -> bool:
        """Whether it was, within :data:`LOOK_S`."""
        from distributed import wait

        with self._as_lost():
            try:
                wait([future], timeout=LOOK_S)
            except TimeoutError:
                return False
        return True

    def _answer(self, future: Any, slot: Slot) -> Any:
        from distributed import KilledWorker

        if future.status == "error" and not isinstance(future.exception(), KilledWorker):
            return future.result()  # raises what the function raised
        if future.status != "finished":
            self._workers()  # raises if it is not the slot that is lost
            raise SlotLostError
        with self._as_lost():
            return future.result()

    def _workers(self) -> dict[str, Any]:
        """What the scheduler says of each worker now, by its address.

        ``Client.scheduler_info`` is not asked: it returns what the client keeps, and every two
        seconds the client keeps an answer without workers.

        Raises:
            ClusterLostError: if the scheduler is gone, or does not answer.
        """
        until_s = time.monotonic() + ANSWER_S
        while self._client.status == "running" and time.monotonic() < until_s:
            # One connection may break; the client's status tells whether the scheduler is gone.
            with self._as_lost(), contextlib.suppress(OSError):
                identity = self._client.sync(self._client.scheduler.identity, n_workers=-1)
                return dict(identity["workers"])
            time.sleep(0.2)
        raise ClusterLostError(self._gone)

    @contextlib.contextmanager
    def _as_lost(self) -> Iterator[None]:
        """Whatever Dask raises inside means that the scheduler is gone."""
        try:
            yield
        except Exception as error:
            raise ClusterLostError(self._gone) from error

    @property
    def _gone(self) -> str:
        return f"the scheduler at {self._scheduler} is gone"

    def _none(self, workers: int) -> str:
        there = f"it has {count(workers, 'worker')} without one" if workers else "it has no worker"
        return (
            f"no worker of {self._scheduler} offers a slot after {self._wait_s:g} s: {there}. "
            "Start some with `harness cluster join` on each machine, or as `dask worker ADDRESS "
            f"--nthreads 1 --resources {on_worker.RESOURCE}=1 --preload {PRELOAD}`"
        )


@contextlib.contextmanager
def connected(specification: Specification) -> Iterator[Connection]:
    """A connection to the cluster, which a queue starts first, and which ends with the block.

    Raises:
        UnavailableError: if nothing answers.
    """
    from distributed import Client

    silence()
    with contextlib.ExitStack() as stack:
        address: Any = specification.scheduler
        if specification.queue is not None:
            address = stack.enter_context(started(specification))
        named = specification.scheduler or str(address.scheduler_address)
        try:
            client = Client(
                address,
                timeout=min(specification.wait_s, ANSWER_S),
                security=security(specification.tls),
                name="harness",
            )
        except (OSError, TimeoutError, ValueError) as error:
            raise UnavailableError(
                f"no scheduler answers at {named}: {_short(error)}. Start one with `harness "
                "cluster up`"
            ) from None
        stack.callback(_close, client)
        yield Connection(client, named, specification.wait_s)


def silence() -> None:
    """Keep Dask's own lines from standing between ours, which tell what happens."""
    import distributed  # sets a level for each of its loggers, so this must come first

    for name in [distributed.__name__, *logging.root.manager.loggerDict]:
        if name.partition(".")[0] == distributed.__name__:
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextlib.contextmanager
def started(specification: Specification) -> Iterator[Any]:
    """The cluster whose slots are jobs of a queue; they end with the block.

    Raises:
        UnavailableError: if the queueing system does not take them.
    """
    if specification.queue is None:
        raise AssertionError("there is no queue")
    cluster = queued(specification.queue, specification)
    try:
        cluster.scale(jobs=specification.queue.jobs)
        yield cluster
    finally:
        with contextlib.suppress(Exception):  # what is left ends with its time in the queue
            cluster.close(timeout=GRACE_S)


def queued(queue: Queue, specification: Specification) -> Any:
    """``dask_jobqueue``'s cluster for ``queue``, without a job yet.

    Raises:
        UnavailableError: for arguments that it does not take.
    """
    own = dict(queue.arguments)
    extra = [*own.pop("worker_extra_args", []), "--resources", f"{on_worker.RESOURCE}=1"]
    # A second campaign on the same host would find Dask's own port taken.
    own["scheduler_options"] = {"dashboard_address": ":0"} | own.get("scheduler_options", {})
    try:
        return queue_class(queue.system)(
            **own,
            processes=1,
            worker_extra_args=[*extra, "--preload", PRELOAD],
            security=security(specification.tls),
            protocol="tls" if specification.tls else "tcp",
        )
    except (OSError, TypeError, ValueError, RuntimeError) as error:
        raise UnavailableError(f"{queue.system} does not start: {_short(error)}") from None


def names_of(slots: Sequence[Slot], machines: Sequence[str]) -> list[str]:
    """A name for each slot that says no more than its machine's: ``host-3f2a91bc-2``.

    The number is left out where a machine has one slot. The same workers have the same names in
    every campaign, so that one can be gone on with.
    """
    of_machine: dict[str, list[int]] = defaultdict(list)
    for number, machine in enumerate(machines):
        of_machine[machine].append(number)
    found = list(machines)
    for machine, numbers in of_machine.items():
        ordered = sorted(numbers, key=lambda one: _natural(slots[one].worker))
        for place, number in enumerate(ordered, start=1):
            found[number] = machine if len(numbers) == 1 else f"{machine}-{place}"
    return found


def _natural(name: str) -> list[tuple[str, int]]:
    """How a name with numbers is sorted: ``slot-2`` before ``slot-10``."""
    return [(text, int(part or 0)) for text, part in re.findall(r"(\D*)(\d*)", name)]


def _close(client: Any) -> None:
    closing = threading.Thread(target=_quietly, args=(client,), daemon=True)
    closing.start()
    closing.join(timeout=GRACE_S)  # a scheduler that is gone would be waited for much longer


def _quietly(client: Any) -> None:
    with contextlib.suppress(Exception):
        client.close(timeout=5)


def _short(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
