"""Whether a model drew random numbers in training is seen on every backend."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from harness.trial import backends, draws


class Mask(keras.layers.Layer):
    """Draws from Keras' own generator, for which it names no seed."""

    def __init__(self):
        super().__init__()
        self.seed_generator = keras.random.SeedGenerator(1)

    def call(self, inputs, training=False):
        if not training:
            return inputs
        return inputs * keras.random.uniform(keras.ops.shape(inputs), seed=self.seed_generator)


LAYERS = {
    "dense": (lambda: keras.layers.Dense(4), False),
    "dropout": (lambda: keras.layers.Dropout(0.5), True),
    "dropout with a seed": (lambda: keras.layers.Dropout(0.5, seed=7), True),
    "dropout of nothing": (lambda: keras.layers.Dropout(0.0), False),
    "noise": (lambda: keras.layers.GaussianNoise(0.1), True),
    "batch normalisation": (keras.layers.BatchNormalization, False),
    "a layer of one's own": (Mask, True),
    "dropout inside another model": (
        lambda: keras.Sequential([keras.layers.Dense(4), keras.layers.Dropout(0.5)]),
        True,
    ),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_fit_that_draws_is_told_from_one_that_does_not(layer, backend):
    make, drew = LAYERS[layer]
    adapter = backends.load(backend)
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), make(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")
    before = draws.states(model, adapter)
    model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    assert draws.random_draws("fit", before, draws.states(model, adapter)) is drew


def test_a_model_that_only_predicts_draws_nothing(backend):
    adapter = backends.load(backend)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    before = draws.states(model, adapter)
    model(np.ones((8, 4), "float32"))
    assert draws.random_draws("fit", before, draws.states(model, adapter)) is False


def test_native_code_does_not_tell(backend):
    adapter = backends.load(backend)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    for one, told in ((model, None), (plain, False)):
        seen = draws.states(one, adapter)
        assert draws.random_draws("native", seen, seen) is told
