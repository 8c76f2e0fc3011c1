"""The small MNIST network whose accuracy was lower on PyTorch: keras-team/keras#20713, rebuilt.

The digits are generated: ten fixed patterns of 28 × 28 pixels, moved by up to two and with noise.
"""

import keras
import numpy as np

rng = np.random.default_rng(0)
patterns = rng.uniform(size=(10, 7, 7)).repeat(4, axis=1).repeat(4, axis=2) > 0.6
y = rng.integers(0, 10, 640)
moves = rng.integers(-2, 3, size=(640, 2))
x = np.stack([np.roll(patterns[c], m, axis=(0, 1)) for c, m in zip(y, moves, strict=True)])
x = (0.7 * x + 0.3 * rng.uniform(size=x.shape)).astype("float32")[..., None]
x_train, y_train, x_test, y_test = x[:512], y[:512], x[512:], y[512:]

inputs = keras.Input((28, 28, 1))
h = keras.layers.Conv2D(32, 3, activation="relu")(inputs)
h = keras.layers.MaxPooling2D(2)(h)
h = keras.layers.Conv2D(64, 3, activation="relu")(h)
h = keras.layers.MaxPooling2D(2)(h)
h = keras.layers.Flatten()(h)
h = keras.layers.Dropout(0.5)(h)
outputs = keras.layers.Dense(10, activation="softmax")(h)
model = keras.Model(inputs, outputs)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=128, epochs=2, validation_split=0.1, verbose=0)
print("accuracy", model.evaluate(x_test, y_test, verbose=0)[1])
