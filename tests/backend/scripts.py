"""Scripts to be measured, and what a record tells of their only fit."""

from __future__ import annotations

MODEL = """
import numpy as np
import keras

x = np.random.default_rng(1).normal(size=(96, 4)).astype("float32")
y = (x.sum(axis=1, keepdims=True) > 0).astype("float32")
keras.utils.set_random_seed(7)
layers = [keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
model = keras.Sequential(layers)
model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
"""

FIT = "model.fit(x, y, batch_size=16, epochs=2, verbose=0)\n"


OWN_LOOP = """
model.build((None, 4))
optimizer = keras.optimizers.SGD()
optimizer.build(model.trainable_variables)
for _ in range(3):
    optimizer.apply([keras.ops.ones(v.shape) for v in model.trainable_variables])
"""

COMMON = "ca110bf6525b5603"
"""The beginning of the digest of the weights that NumPy draws for seed 3, on every backend."""


def only(record):
    (fit,) = record.program.fits
    return fit
