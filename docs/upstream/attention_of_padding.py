"""The gradient of a position that may attend to nothing is another one on PyTorch.

    KERAS_BACKEND=torch python docs/upstream/attention_of_padding.py

Seen with Keras 3.15.1 and PyTorch 2.13.0. ``MultiHeadAttention`` and ``GroupQueryAttention`` mask
the whole row of a query that is padding itself. All backends then give the mean of the values,
which is linear in them, so that the gradient of a weighted sum s(values) has to give s(d) back for
every d.

Expected: two equal numbers on every backend.
"""

import keras
import numpy as np

backend = keras.backend.backend()
rng = np.random.default_rng(0)
q, k, v, d, w = (rng.standard_normal((1, 3, 1, 2)).astype(np.float32) for _ in range(5))
mask = np.array([[[[True, True, False], [True, True, False], [False, False, False]]]])


def weighted(values):
    found = keras.ops.dot_product_attention(q, k, values, mask=mask)
    return keras.ops.sum(found * keras.ops.convert_to_tensor(w))


if backend == "jax":
    import jax

    gradient = np.asarray(jax.grad(weighted)(v))
elif backend == "tensorflow":
    import tensorflow as tf

    x = tf.constant(v)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = weighted(x)
    gradient = tape.gradient(value, x).numpy()
else:
    import torch

    x = torch.tensor(v, requires_grad=True)
    weighted(x).backward()
    gradient = x.grad.numpy()
print(
    backend,
    float((gradient * d).sum()),
    "expected",
    float(weighted(keras.ops.convert_to_tensor(d))),
)
