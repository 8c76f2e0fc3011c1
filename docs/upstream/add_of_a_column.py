"""``keras.ops.add`` adds a column as if it were a row, on TensorFlow.

    KERAS_BACKEND=tensorflow python docs/upstream/add_of_a_column.py

Seen with Keras 3.15.1 and TensorFlow 2.21.0. ``add`` in ``keras/src/backend/tensorflow/numpy.py``
takes for a bias whatever can be squeezed to a vector whose length is the last or the second size of
the other operand. Where the last size fits it adds along the last axis, wherever the vector stood:
a ``(3, 1)`` column is added to a ``(3, 3)`` matrix as a row. A ``Conv1D`` with
``data_format="channels_first"`` and as many filters as steps adds its bias along the steps, and its
gradient is wrong with it.

Expected: 0.0 on every backend.
"""

import keras
import numpy as np

backend = keras.backend.backend()
square, column = np.zeros((3, 3), np.float32), np.arange(3, dtype=np.float32)[:, None]
found = keras.ops.convert_to_numpy(keras.ops.add(square, column))
print(backend, "a column added to a matrix is off by", float(np.abs(found - column).max()))

layer = keras.layers.Conv1D(4, 3, data_format="channels_first", bias_initializer="random_normal")
x = np.random.default_rng(0).random((2, 5, 6)).astype(np.float32)
found = keras.ops.convert_to_numpy(layer(x))
kernel, bias = (weight.astype(np.float64) for weight in layer.get_weights())
windows = np.stack([x[:, :, step : step + 3] for step in range(4)], axis=1)
expected = np.einsum("bsck,kcf->bfs", windows, kernel) + bias[None, :, None]
print(backend, "Conv1D with four filters and steps is off by", np.abs(found - expected).max())
