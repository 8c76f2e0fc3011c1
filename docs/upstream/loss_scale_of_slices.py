"""``loss_scale_factor`` with an embedding cannot be trained on TensorFlow.

    KERAS_BACKEND=tensorflow python docs/upstream/loss_scale_of_slices.py

Seen with Keras 3.15.1 and TensorFlow 2.21.0: the optimizer divides gradients by the factor with
``/``, which ``tf.IndexedSlices``, the gradient of an embedding, does not have. ``ops.divide`` does.

Expected: "trains" on every backend.
"""

import keras
import numpy as np

model = keras.Sequential([keras.layers.Embedding(4, 2), keras.layers.Flatten()])
model.compile(keras.optimizers.SGD(0.1, loss_scale_factor=16.0), "mse")
try:
    model.train_on_batch(np.array([[1], [1]]), np.zeros((2, 2), np.float32))
    print(keras.backend.backend(), "trains")
except TypeError as error:
    print(keras.backend.backend(), "does not train:", error)
