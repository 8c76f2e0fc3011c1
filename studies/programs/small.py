"""A small program for the studies of versions: a few hundred steps, and nothing beside them."""

import keras
import numpy as np

rng = np.random.default_rng(1)
x = rng.normal(size=(4096, 64)).astype("float32")
y = (x[:, :8].sum(axis=1) > 0).astype("int32")

keras.utils.set_random_seed(1)
model = keras.Sequential(
    [
        keras.Input((64,)),
        keras.layers.Dense(256, activation="relu"),
        keras.layers.Dense(256, activation="relu"),
        keras.layers.Dense(2, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, batch_size=64, epochs=3, verbose=0)
model.evaluate(x, y, verbose=0)
