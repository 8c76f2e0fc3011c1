"""A real cluster on this machine for tests: a scheduler and workers, each a process."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from unittest import mock

import pytest

from harness.launch.cluster import serve
from harness.launch.cluster.connection import connected
from harness.launch.cluster.specification import Specification

LEAKS = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
"""Dask leaves a socket open where nobody answers; see :func:`collected`."""


@pytest.fixture(autouse=True)
def collected():
    """What Dask has left open is collected in the test that left it, and in no other."""
    yield
    gc.collect()


@contextlib.contextmanager
def cluster(folder, slots=2):
    """Gives the address of a scheduler with so many slots; what they keep lies in ``folder``."""
    cpus = sorted(os.sched_getaffinity(0))
    own = serve.own_slots(slots, cpus=cpus, gpus=0, folder=folder / "lock")
    with (
        mock.patch.dict(os.environ, {"XDG_STATE_HOME": str(folder / "state")}),
        serve.serving(own, port=0, dashboard_port=0) as running,
    ):
        yield running.scheduler_address


@contextlib.contextmanager
def connection(address, wait_s=30.0):
    """A connection to it."""
    with connected(Specification(scheduler=address, wait_s=wait_s)) as there:
        yield there


def until(what, within_s=60.0):
    """Wait until ``what`` gives something, and give it."""
    ends_s = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < ends_s, "it never came"
        time.sleep(0.02)
    return found
