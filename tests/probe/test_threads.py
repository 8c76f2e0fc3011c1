"""Thread pools of this process, and the settings that decide them."""

from __future__ import annotations

import sys

import numpy as np

from harness.probe.threads import thread_pools, thread_settings


def test_numpys_pool_is_seen_once_it_is_loaded():
    np.ones((2, 2)) @ np.ones((2, 2))
    assert all(pool.library and pool.threads >= 1 for pool in thread_pools())


def test_a_library_that_cannot_be_asked_is_no_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert thread_pools() == []


def test_only_settings_of_threads_are_picked():
    variables = {"HOME": "/home/me", "MKL_NUM_THREADS": "4", "OMP_NUM_THREADS": "1"}
    assert thread_settings(variables) == {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "4"}
