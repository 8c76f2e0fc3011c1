"""A convolution over 1,024 channels with dilation: keras-team/keras#20804, rebuilt."""

import keras
import numpy as np

rng = np.random.default_rng(0)
x = rng.normal(size=(64, 8, 8, 1024)).astype("float32")
y = x[:, 2:6, 2:6, :16].mean(axis=(1, 2, 3))[:, None]

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((8, 8, 1024)),
        keras.layers.Conv2D(16, 3, dilation_rate=2, padding="same", activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(1),
    ]
)
model.compile(keras.optimizers.SGD(0.01), "mse", metrics=["mae"])
model.fit(x, y, batch_size=16, epochs=2, verbose=0)
model.evaluate(x, y, verbose=0)
