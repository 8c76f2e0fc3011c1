"""``RandomBrightness`` changes the tensor that it is given, on PyTorch.

    KERAS_BACKEND=torch python docs/upstream/random_brightness_in_place.py

Seen with Keras 3.15.1 and PyTorch 2.13.0. ``transform_images`` in
``keras/src/layers/preprocessing/image_preprocessing/random_brightness.py`` says
``images += rgb_delta``, which adds in place to a tensor of PyTorch: a layer before it cannot be
trained (autograd refuses), and a tensor that is used again, as that of a cached data set is, gets
brighter from epoch to epoch. JAX and TensorFlow make a new tensor. ``RandomColorJitter`` and
``RandAugment`` call the same code.

Expected: 0.0 and "trains" on every backend, as with ``images = images + rgb_delta``.
"""

import keras
import numpy as np

images = keras.ops.full((4, 8, 8, 3), 0.5)
layer = keras.layers.RandomBrightness((0.2, 0.3), value_range=(0.0, 1.0), seed=1)
layer(images, training=True)
moved = float(keras.ops.max(keras.ops.abs(images - 0.5)))
print(keras.backend.backend(), "the caller's tensor moved by", moved)

model = keras.Sequential(
    [
        keras.layers.Dense(3, activation="sigmoid"),
        keras.layers.RandomBrightness(0.2, value_range=(0.0, 1.0), seed=1),
        keras.layers.Flatten(),
        keras.layers.Dense(1),
    ]
)
model.compile("sgd", "mse")
try:
    model.fit(np.full((4, 8, 8, 3), 0.5, np.float32), np.zeros((4, 1)), verbose=0)
    print(keras.backend.backend(), "a layer before it trains")
except RuntimeError as error:
    print(keras.backend.backend(), "a layer before it does not train:", str(error)[:100])
