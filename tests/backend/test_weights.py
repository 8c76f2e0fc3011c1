"""The variables of a model as arrays, and their digest."""

from __future__ import annotations

import keras
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.trial import weights


def test_assigned_weights_are_what_the_model_then_holds():
    layers = [keras.layers.Dense(5, activation="relu"), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    weights.build(model, np.zeros((2, 3), np.float32))
    rng = np.random.default_rng(1)
    values = [rng.random(v.shape, dtype=np.float32) for v in model.trainable_variables]
    weights.assign(model, values)
    assert weights.digest(weights.current(model)) == weights.digest(values)


def test_a_model_is_built_from_inputs_in_any_tree():
    class Summing(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(2)

        def call(self, inputs):
            return self.dense(inputs["a"]) + inputs["b"][0] + inputs["b"][1]

    column = np.zeros((4, 2), np.float32)
    model = Summing()
    weights.build(model, {"a": np.zeros((4, 3), np.float32), "b": [column, column]})
    assert [tuple(variable.shape) for variable in model.variables] == [(3, 2), (2,)]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_the_digest_tells_shapes_apart(shape):
    flat = np.zeros(int(np.prod(shape)), dtype=np.float32)
    assert weights.digest([flat.reshape([*shape, 1])]) != weights.digest([flat])
