"""A recurrent and a spatial path, added: keras-team/keras#22697, rebuilt."""

import keras
import numpy as np

rng = np.random.default_rng(0)
x = rng.normal(size=(128, 16, 16, 3)).astype("float32")
y = np.sign(x.sum(axis=(1, 2, 3)))[:, None].astype("float32")

keras.utils.set_random_seed(0)
inputs = keras.Input((16, 16, 3))
rows = keras.layers.Reshape((16, 48))(inputs)
recurrent = keras.layers.LSTM(32, return_sequences=True)(rows)
recurrent = keras.layers.GRU(24)(recurrent)
spatial = keras.layers.Conv2D(24, 3, padding="same", activation="relu")(inputs)
spatial = keras.layers.GlobalAveragePooling2D()(spatial)
outputs = keras.layers.Dense(1, activation="tanh")(keras.layers.Add()([recurrent, spatial]))
model = keras.Model(inputs, outputs)
model.compile("rmsprop", "mse", metrics=["mae"])
model.fit(x, y, batch_size=32, epochs=2, verbose=0)
model.evaluate(x, y, verbose=0)
