"""A clock may be read once the device is idle: what ``synchronize`` waits for."""

from __future__ import annotations

import time

import pytest


@pytest.fixture
def queueing_tf(backend):
    """TensorFlow, queueing its operations as a GPU does."""
    if backend != "tensorflow":
        pytest.skip("of TensorFlow only: the others' own functions are called by name")
    import tensorflow as tf

    tf.config.experimental.set_synchronous_execution(False)
    yield tf
    tf.config.experimental.set_synchronous_execution(True)


def test_tensorflow_is_waited_for(queueing_tf):
    from harness.trial import backends

    finished = []

    def slow():
        time.sleep(0.3)
        finished.append(True)

    queueing_tf.py_function(slow, [], [])
    assert not finished
    backends.load("tensorflow").synchronize([])
    assert finished
