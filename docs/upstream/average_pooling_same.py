"""``AveragePooling`` with ``padding="same"`` counts padding where it is uneven, on PyTorch.

    KERAS_BACKEND=torch python docs/upstream/average_pooling_same.py

Seen with Keras 3.15.1 and PyTorch 2.13.0. Where left and right need another number of places,
``_apply_same_padding`` in ``keras/src/backend/torch/nn.py`` pads by repeating the border, and
``count_include_pad=False`` knows nothing of that: repeated values enter the mean. JAX, TensorFlow,
and PyTorch with even padding leave them out.

Expected: [1.0, 2.5] on every backend: the means of 0, 1, 2 and of 2, 3.
"""

import keras
import numpy as np

x = np.arange(4, dtype=np.float32).reshape(1, 4, 1)
found = keras.ops.average_pool(x, 3, strides=2, padding="same")
print(keras.backend.backend(), keras.ops.convert_to_numpy(found).ravel().tolist())
