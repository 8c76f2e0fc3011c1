"""Conv1D before ``Flatten(data_format="channels_first")``: keras-team/keras#22695, rebuilt."""

import keras
import numpy as np

rng = np.random.default_rng(0)
x = rng.normal(size=(256, 32, 8)).astype("float32")
y = (x.mean(axis=(1, 2)) > 0).astype("float32")[:, None]

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((32, 8)),
        keras.layers.Conv1D(16, 5, padding="same", activation="relu"),
        keras.layers.Conv1D(8, 3, strides=2, activation="relu"),
        keras.layers.Flatten(data_format="channels_first"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, batch_size=64, epochs=2, verbose=0)
model.evaluate(x, y, verbose=0)
