"""Optimizers square the gradient of a repeated embedding row slice by slice on TensorFlow.

    KERAS_BACKEND=tensorflow python docs/upstream/repeated_rows.py

Seen with Keras 3.15.1 and TensorFlow 2.21.0. The gradient of an embedding is an ``IndexedSlices``
there, with one slice for each use of a row. ``keras.ops.square`` squares the slices and only then
are they added, so that a row used twice gets g1² + g2² for (g1 + g2)². Everything an optimizer does
with the gradient but scale and add it is concerned: squares, absolute values, maxima, clipping.

Expected: ratios of 1 on every backend, with errors of some 1e-7 (Adam's 7e-6 are its ``1 - beta_2``
in float32, alike on all three). On TensorFlow they are between 0.4 and 2.2 for rows used more
than once, but for SGD without clipping.
"""

import keras
import numpy as np

backend = keras.backend.backend()
rng = np.random.default_rng(0)
ids = np.array([0, 0, 0, 0, 0, 0, 1, 1, 2])
weight = rng.uniform(0.5, 1.5, (9, 4)).astype(np.float32)
weight[[1, 6]] *= -0.3
gradient = np.zeros((3, 4))
np.add.at(gradient, ids, weight.astype(np.float64))


def updated(optimizer):
    """The embedding's change in one step whose loss is sum(embedding(ids) * weight)."""
    layer = keras.layers.Embedding(3, 4, embeddings_initializer="zeros")
    layer.build()
    optimizer.build(layer.trainable_variables)
    variable = layer.trainable_variables[0]

    if backend == "jax":
        import jax

        def loss(table):
            return keras.ops.sum(keras.ops.take(table, ids, axis=0) * weight)

        found = jax.grad(loss)(variable.value)
    elif backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = keras.ops.sum(layer(keras.ops.convert_to_tensor(ids)) * weight)
        found = tape.gradient(value, variable.value)
    else:
        import torch

        value = keras.ops.sum(
            layer(keras.ops.convert_to_tensor(ids)) * keras.ops.convert_to_tensor(weight)
        )
        (found,) = torch.autograd.grad(value, [variable.value])
    optimizer.apply([found], [variable])
    return keras.ops.convert_to_numpy(variable.value).astype(np.float64)


# One step of each rule, by its definition, in float64.
square = gradient**2
expected = {
    keras.optimizers.Adagrad(0.1): -0.1 * gradient / np.sqrt(0.1 + square + 1e-7),
    keras.optimizers.Adam(0.1): -0.1
    * np.sqrt(1 - 0.999)
    / (1 - 0.9)
    * (0.1 * gradient)
    / (np.sqrt(0.001 * square) + 1e-7),
    keras.optimizers.RMSprop(0.1): -0.1 * gradient / np.sqrt(0.1 * square + 1e-7),
    keras.optimizers.Adamax(0.1): -0.1 / (1 - 0.9) * (0.1 * gradient) / (np.abs(gradient) + 1e-7),
    keras.optimizers.SGD(0.1, clipvalue=2.0): -0.1 * np.clip(gradient, -2.0, 2.0),
    keras.optimizers.SGD(0.1): -0.1 * gradient,
}
for optimizer, by_definition in expected.items():
    ratio = updated(optimizer) / by_definition
    print(
        f"{backend} {optimizer.name}{' clipped' * bool(optimizer.clipvalue)}: update / definition "
        f"of rows used 6, 2 and 1 times: {', '.join(f'{r:.6f}' for r in ratio.mean(axis=1))}; "
        f"largest error {np.abs(ratio - 1).max():.1e}"
    )
