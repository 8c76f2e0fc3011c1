"""Gradients through image transforms that TensorFlow approximates, or does not have.

    KERAS_BACKEND=tensorflow python docs/upstream/gradient_of_image_transforms.py

Seen with Keras 3.15.1 and TensorFlow 2.21.0. ``affine_transform`` and ``perspective_transform`` are
linear in the image, so the gradient of a weighted sum s(image) has to give s(d) back for every d.
TensorFlow's ``ImageProjectiveTransformV3`` transforms the gradient by the inverse matrix, which is
not the adjoint of the bilinear interpolation. And ``hsv_to_rgb`` has no gradient there: what a
layer before ``RandomHue`` or ``RandomSaturation`` learns through it is nothing at all. Concerned
are ``RandomRotation``, ``RandomTranslation``, ``RandomZoom``, ``RandomShear``,
``RandomPerspective``, ``RandomHue``, ``RandomSaturation``, ``RandomColorJitter`` and
``RandAugment`` behind a trained layer.

Expected: round-off (1e-6) on every backend.
"""

import keras
import numpy as np

backend = keras.backend.backend()
rng = np.random.default_rng(0)
image = rng.uniform(0.1, 0.9, (1, 9, 7, 3)).astype(np.float32)
weights = rng.standard_normal(image.shape).astype(np.float32)
other = rng.standard_normal(image.shape).astype(np.float32)
angle = np.float32(0.4)
matrix = np.array(
    [[np.cos(angle), -np.sin(angle), 1.3, np.sin(angle), np.cos(angle), -0.7, 0.0, 0.0]], np.float32
)
corners = np.array([[[0, 0], [0, 6], [8, 0], [8, 6]]], np.float32)
moved = np.array([[[1, 0], [0, 5], [8, 1], [7, 6]]], np.float32)


def gradient(function):
    """Of ``function`` at the image; ``None`` where the backend has none."""
    if backend == "jax":
        import jax

        return np.asarray(jax.grad(function)(image))
    if backend == "tensorflow":
        import tensorflow as tf

        x = tf.constant(image)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        found = tape.gradient(value, x)
        return None if found is None else found.numpy()
    import torch

    x = torch.tensor(image, requires_grad=True)
    function(x).backward()
    return x.grad.numpy()


def affine(x):
    return keras.ops.sum(
        keras.ops.image.affine_transform(x, matrix) * keras.ops.convert_to_tensor(weights)
    )


def perspective(x):
    return keras.ops.sum(
        keras.ops.image.perspective_transform(x, corners, moved)
        * keras.ops.convert_to_tensor(weights)
    )


def round_trip(x):
    return keras.ops.sum(
        keras.ops.image.hsv_to_rgb(keras.ops.image.rgb_to_hsv(x))
        * keras.ops.convert_to_tensor(weights)
    )


for function in (affine, perspective):
    expected = float(function(keras.ops.convert_to_tensor(other)))
    found = float((gradient(function) * other).sum())
    print(backend, f"{function.__name__}: {found:.6f}, expected {expected:.6f}")
found = gradient(round_trip)
told = "no gradient" if found is None else f"off by {np.abs(found - weights).max():.2g}"
print(backend, f"rgb_to_hsv and back, whose gradient is that of the identity: {told}")
