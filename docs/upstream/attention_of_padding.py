"""What a position that may attend to nothing gets, differs between the backends.

    KERAS_BACKEND=torch python docs/upstream/attention_of_padding.py

Seen with Keras 3.15.1, JAX 0.10.2, TensorFlow 2.21.0, PyTorch 2.13.0. ``MultiHeadAttention`` and
``GroupQueryAttention`` mask the whole row of a query that is padding itself. JAX and TensorFlow
then give the mean of the values, PyTorch's fused attention zeros; no definition decides. Gradients
flow through padding and differ too, unless something later masks it.

Expected: the same row on every backend.
"""

import keras
import numpy as np

rng = np.random.default_rng(0)
q, k, v = (rng.standard_normal((1, 3, 1, 2)).astype(np.float32) for _ in range(3))
mask = np.array([[[[True, True, False], [True, True, False], [False, False, False]]]])
found = keras.ops.dot_product_attention(q, k, v, mask=mask)
found = keras.ops.convert_to_numpy(found)[0, :, 0]
print(
    keras.backend.backend(), "row of a padded query", found[2].tolist(), "mean", v[0, :, 0].mean(0)
)
