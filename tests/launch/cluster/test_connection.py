"""The slots of a real cluster: found, called one at a time, lost and back. Faults are real."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from itertools import pairwise

import dask
import pytest
from distributed import Client

from harness.errors import UnavailableError
from harness.launch.cluster import connection as module
from harness.launch.cluster.connection import (
    PRELOAD,
    ClusterLostError,
    EndedError,
    Slot,
    SlotLostError,
    names_of,
)
from tests.launch.cluster.real import LEAKS, cluster, connection, until
from tests.launch.cluster.real import collected as collected  # noqa: PLC0414 - a fixture

pytestmark = LEAKS


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("cluster")) as address:
        yield address


@pytest.fixture
def there(address):
    with connection(address) as there:
        until(lambda: len(there.slots()) == 2)
        yield there


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.2)


def span(path, seconds):
    """Runs in a slot: notes from when to when it did."""
    began = time.monotonic()
    time.sleep(seconds)
    with open(path, "a", encoding="utf-8") as log:  # noqa: PTH123 - one write, which appends
        log.write(f"{os.getpid()} {began} {time.monotonic()}\n")
    return os.getpid()


def fail(text):
    raise ValueError(text)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def facts():
    return sorted(os.sched_getaffinity(0)), {k: v for k, v in os.environ.items() if "OMP" in k}


def test_each_worker_is_a_slot_with_cpus_of_its_own_and_no_thread_counts(there):
    slots = there.slots()
    assert [slot.worker for slot in slots] == ["slot-1", "slot-2"]
    seen = [there.call(slot, facts) for slot in slots]
    assert all(omp == {} for _, omp in seen)
    if len(os.sched_getaffinity(0)) > 1:
        assert not set(seen[0][0]) & set(seen[1][0])


def test_two_equal_calls_are_two_and_a_slot_does_one_at_a_time(there, tmp_path):
    first, second = there.slots()
    log = tmp_path / "log"
    calls = [
        threading.Thread(target=there.call, args=(slot, span, str(log), 0.05))
        for slot in (first, second)
        for _ in range(6)
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    spans = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    assert len(spans) == 12
    for pid in {pid for pid, *_ in spans}:
        mine = sorted((float(a), float(b)) for one, a, b in spans if one == pid)
        assert len(mine) == 6
        assert all(end <= begin for (_, end), (begin, _) in pairwise(mine))


def test_what_a_call_raises_comes_back(there):
    with pytest.raises(ValueError, match="out of luck"):
        there.call(there.slots()[0], fail, "out of luck")


def test_a_worker_that_dies_is_a_lost_slot_and_comes_back_under_its_name(there):
    slot = there.slots()[0]
    with pytest.raises(SlotLostError):
        there.call(slot, die)
    back = there.back(slot)
    assert (back.worker, back.address != slot.address) == (slot.worker, True)
    assert there.call(back, os.getpid)


def test_a_worker_is_there_whatever_the_client_notes_meanwhile(there, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    client, slot, done = there._client, there.slots()[0], threading.Event()

    def note():
        # Dask's clients do so every two seconds, in a thread of their own.
        while not done.is_set():
            client.sync(client._update_scheduler_info)

    noting = threading.Thread(target=note)
    noting.start()
    try:
        assert there.call(slot, span, str(tmp_path / "log"), 1.0)
    finally:
        done.set()
        noting.join()


def test_one_connection_that_breaks_costs_no_slot(there, tmp_path, monkeypatch):
    sync, broken = there._client.sync, []

    def break_once(function, *arguments, **named):
        if "n_workers" in named and not broken:
            broken.append(function)
            raise OSError("reset by peer")
        return sync(function, *arguments, **named)

    slot = there.slots()[0]
    monkeypatch.setattr(there._client, "sync", break_once)
    assert there.call(slot, span, str(tmp_path / "log"), 0.5)
    assert len(broken) == 1


def test_a_worker_with_a_port_of_its_own_comes_back_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with cluster(tmp_path, slots=1) as address, connection(address) as there:
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--name", "own"]
        worker += ["--nthreads", "1", "--resources", "slot=1", "--preload", PRELOAD]
        worker += ["--worker-port", str(port), "--local-directory", str(tmp_path)]
        own = subprocess.Popen(worker, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            (slot,) = (one for one in there.slots(2) if one.worker == "own")
            killed = there.call(slot, os.getpid)
            os.kill(killed, signal.SIGKILL)

            def returned():
                with contextlib.suppress(SlotLostError):  # seen while it was away
                    return there.call(there.back(slot), os.getpid) != killed

            until(returned)
            assert there.back(slot) == slot
        finally:
            own.terminate()
            own.wait()


def test_a_call_on_a_worker_that_has_gone_does_not_wait_for_ever(there):
    gone = Slot(worker="slot-9", address="tcp://127.0.0.1:9", host="127.0.0.1")
    with pytest.raises(SlotLostError):
        there.call(gone, os.getpid)


def test_a_slot_that_does_not_come_back_is_lost(there, monkeypatch):
    monkeypatch.setattr(module, "BACK_S", 0.1)
    gone = Slot(worker="slot-9", address="tcp://127.0.0.1:9", host="127.0.0.1")
    with pytest.raises(SlotLostError):
        there.back(gone)


def test_after_the_end_nothing_is_begun(there, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "GRACE_S", 0.5)
    slot = there.slots()[0]
    ended = []

    def call():
        try:
            there.call(slot, span, str(tmp_path / "log"), 3.0)
        except EndedError:
            ended.append(time.monotonic())

    running = threading.Thread(target=call)
    running.start()
    time.sleep(0.5)
    there.end([slot])
    running.join(timeout=10)
    assert len(ended) == 1
    with pytest.raises(EndedError):
        there.call(slot, os.getpid)
    time.sleep(2.5)  # the slot is free for the next test


def test_workers_without_a_slot_are_counted_in_the_message(tmp_path):
    with cluster(tmp_path, slots=1) as address, Client(address, set_as_default=False) as client:
        client.run_on_scheduler(_without_resources)
        with connection(address, wait_s=0.5) as there, pytest.raises(UnavailableError) as none:
            there.slots()
    said = str(none.value)
    assert "it has 1 worker without one" in said
    assert "--resources slot=1 --preload harness.launch.cluster.slot" in said


def _without_resources(dask_scheduler):
    for worker in dask_scheduler.workers.values():
        worker.resources.clear()


def test_a_scheduler_that_is_not_there_is_said():
    with pytest.raises(UnavailableError) as none, connection("tcp://127.0.0.1:9", wait_s=0.5):
        pytest.fail("it answers")
    assert str(none.value).startswith("no scheduler answers at tcp://127.0.0.1:9: ")


def test_a_scheduler_that_goes_is_lost_and_nobody_waits(tmp_path):
    lost = []
    with (
        # Dask asks a scheduler that is gone to end its workers, for 30 s unless it is told.
        dask.config.set({"distributed.comm.timeouts.connect": "3s"}),
        cluster(tmp_path, slots=1) as address,
        connection(address) as there,
    ):
        slot = until(there.slots)[0]

        def call():
            try:
                there.call(slot, span, str(tmp_path / "log"), 60.0)
            except ClusterLostError as error:
                lost.append(str(error))

        running = threading.Thread(target=call)
        running.start()
        time.sleep(0.5)
        with Client(address, set_as_default=False) as client:
            client.run_on_scheduler(_go)
        running.join(timeout=30)
    assert lost == [f"the scheduler at {address} is gone"]


async def _go(dask_scheduler):
    dask_scheduler.loop.add_callback(dask_scheduler.close)


@pytest.mark.parametrize(
    ("workers", "machines", "named"),
    [
        (["a", "b"], ["m1", "m2"], ["m1", "m2"]),
        (["slot-2", "slot-10", "slot-1"], ["m", "m", "m"], ["m-2", "m-3", "m-1"]),
        (["x", "y", "z"], ["m1", "m2", "m1"], ["m1-1", "m2", "m1-2"]),
        (["b2", "a10"], ["m", "m"], ["m-2", "m-1"]),
    ],
)
def test_names_of_slots_are_those_of_their_machines(workers, machines, named):
    slots = [Slot(worker=name, address=name, host="h") for name in workers]
    assert names_of(slots, machines) == named
