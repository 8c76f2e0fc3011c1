"""``interpolation="bicubic"`` is another filter on PyTorch than on JAX and TensorFlow.

    KERAS_BACKEND=torch python docs/upstream/bicubic_coefficient.py

Seen with Keras 3.15.1, JAX 0.10.2, TensorFlow 2.21.0, PyTorch 2.13.0. Keys' cubic kernel has a free
coefficient a. JAX and TensorFlow take -0.5 and leave out what lies beyond the border; PyTorch's
``F.interpolate``, which ``keras/src/backend/torch/image.py`` calls, takes -0.75 and repeats the
border (with ``antialias=True`` it does as the others). ``Resizing`` and ``UpSampling2D`` give other
pixels. TensorFlow rounds positions to 1/1,024 of a pixel besides, which is off by some 4e-4 where
the scale is no power of two.

Expected: about 1e-7 for the first definition on every backend.
"""

import keras
import numpy as np

image = np.random.default_rng(0).random((1, 9, 7, 1))
sizes = (12, 5)


def definition(image, a, *, border):
    """Keys' kernel in float64, without antialiasing.

    What lies beyond the border is left out, or, with ``border``, is the pixel at the border.
    """

    def matrix(count, size):
        centres = (np.arange(size) + 0.5) * count / size - 0.5
        d = np.abs(centres[:, None] - np.arange(-3, count + 3)[None, :])
        near = (a + 2) * d**3 - (a + 3) * d**2 + 1
        far = a * (d**3 - 5 * d**2 + 8 * d - 4)
        weights = np.where(d <= 1, near, np.where(d < 2, far, 0.0))
        inside = weights[:, 3:-3].copy()
        if border:
            inside[:, 0] += weights[:, :3].sum(axis=1)
            inside[:, -1] += weights[:, -3:].sum(axis=1)
        return inside / inside.sum(axis=1, keepdims=True)

    return matrix(image.shape[0], sizes[0]) @ image @ matrix(image.shape[1], sizes[1]).T


found = keras.ops.convert_to_numpy(
    keras.ops.image.resize(image.astype(np.float32), sizes, interpolation="bicubic")
)[0, :, :, 0]
for a, border in ((-0.5, False), (-0.75, True)):
    off = np.abs(found - definition(image[0, :, :, 0], a, border=border)).max()
    beyond = "border repeated" if border else "nothing beyond the border"
    print(keras.backend.backend(), f"off by {off:.2g} from the definition with {a}, {beyond}")
