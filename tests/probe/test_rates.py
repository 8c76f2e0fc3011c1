"""The rates of the machine: what counts, with which threads, and that nothing runs beside it."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from harness.probe import rates as probe
from harness.probe.rates import rates


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Quick sizes: these tests are about the rule, not about the machine."""
    monkeypatch.setattr(probe, "MATRIX", 64)
    monkeypatch.setattr(probe, "COPIED_BYTES", 1_000_000)
    monkeypatch.setattr(probe, "SPAN_S", 0.001)


class Clock:
    """Gives each span that is timed its length, in turn."""

    def __init__(self, *spans_s):
        self._spans_s, self._now_s, self._started = iter(spans_s), 0.0, False

    def __call__(self):
        if self._started:
            self._now_s += next(self._spans_s)
        self._started = not self._started
        return self._now_s


def test_both_rates_are_positive():
    found = rates()
    assert found.matmul_flops_per_s > 0
    assert found.copy_bytes_per_s > 0


def test_the_best_of_several_counts():
    found = rates(1, clock=Clock(0.004, 0.002, 0.005, 0.001))
    assert found.matmul_flops_per_s == pytest.approx(2 * 64**3 / 0.002)
    # A copy reads and writes.
    assert found.copy_bytes_per_s == pytest.approx(2 * 1_000_000 / 0.001)


def test_a_quick_machine_repeats_until_there_is_something_to_choose_from(monkeypatch):
    monkeypatch.setattr(probe, "SPAN_S", 0.010)
    spans_s = [0.004, 0.004, 0.003, 0.006, 0.006]
    found = rates(1, clock=Clock(*spans_s))
    assert found.matmul_flops_per_s == pytest.approx(2 * 64**3 / 0.003)


def _spied(monkeypatch, name, see):
    real = getattr(np, name)

    def spy(*args, **more):
        see(*args)
        return real(*args, **more)

    monkeypatch.setattr(np, name, spy)


def test_the_copy_runs_on_as_many_threads_as_the_product_and_covers_everything(monkeypatch):
    copied, names = [], set()

    def see(target, _source):
        copied.append(target.nbytes)
        names.add(threading.current_thread().name)

    _spied(monkeypatch, "copyto", see)
    found = rates(3, clock=Clock(1.0, 1.0, 1.0, 1.0))
    assert sum(copied) == 3 * 1_000_000  # once before the clock, twice under it
    assert len(copied) == 9
    assert threading.main_thread().name not in names
    assert found.threads in {3, None}


def test_the_pools_are_as_before_afterwards():
    before = [pool["num_threads"] for pool in threadpool_info()]
    rates(1)
    assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_a_blas_whose_threads_cannot_be_set_leaves_their_number_unknown(monkeypatch):
    import threadpoolctl

    monkeypatch.setattr(threadpoolctl, "threadpool_info", list)
    assert rates(1).threads is None
