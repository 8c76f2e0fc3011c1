"""``RandomElasticTransform`` takes no notice of its seed on PyTorch.

    KERAS_BACKEND=torch python docs/upstream/elastic_transform_seed.py

Seen with Keras 3.15.1 and PyTorch 2.13.0. ``elastic_transform`` in
``keras/src/backend/torch/image.py`` has its condition the wrong way round::

    generator = _torch_seed_generator(seed) if get_device() == "meta" else None

so that the displacements come from PyTorch's default generator wherever something is computed. Two
layers with one seed differ, and ``keras.ops.image.elastic_transform(seed=1)`` too.

Expected: 0.0 on every backend.
"""

import keras
import numpy as np

images = np.random.default_rng(0).random((2, 16, 16, 3)).astype(np.float32)


def transformed():
    return keras.ops.convert_to_numpy(keras.ops.image.elastic_transform(images, seed=1))


print(keras.backend.backend(), "twice with one seed:", np.abs(transformed() - transformed()).max())
