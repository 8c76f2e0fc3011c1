"""``ContrastLimitedAdaptiveHistogramEqualization`` has no contrast left on PyTorch.

    KERAS_BACKEND=torch python docs/upstream/clahe_clip_limit.py

Seen with Keras 3.15.1 and PyTorch 2.13.0. The layer counts a histogram by
``self.backend.nn.one_hot(tiled_int, 256)`` without a dtype. That is float32 on JAX and TensorFlow
and int64 on PyTorch (``keras/src/backend/torch/nn.py``); ``limit = cast(limit, hists.dtype)``
then truncates a limit below 1 to 0, every histogram is clipped to nothing and spread evenly, and
the layer gives back nearly its input. Tiles of less than 64 pixels are concerned with the default
``clip_limit`` of 4, and larger ones have their limit rounded down.

Expected: a difference from the definition in float64 of about 1e-5 (of 255) on every backend.
"""

import keras
import numpy as np

SIDE, CLIP = 6, 4.0
pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE)).astype(np.float32)

# The layer's own definition in float64, for a single tile.
counts = np.bincount(pixels.astype(int).ravel(), minlength=256).astype(np.float64)
clipped = np.minimum(counts, CLIP * SIDE * SIDE / 256)
cdf = np.cumsum(clipped + (counts - clipped).sum() / 256)
table = (cdf - cdf.min()) * 255 / (SIDE * SIDE - cdf.min())
expected = np.clip(table, 0, 255)[pixels.astype(int)]

layer = keras.layers.ContrastLimitedAdaptiveHistogramEqualization(
    clip_limit=CLIP, tile_grid_size=(1, 1)
)
found = keras.ops.convert_to_numpy(layer(pixels[None, :, :, None]))[0, :, :, 0]
print(keras.backend.backend(), "off by", float(np.abs(found - expected).max()), "of 255")
