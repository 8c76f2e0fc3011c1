"""``RandomElasticTransform`` cannot be trained within a model on JAX.

    KERAS_BACKEND=jax python docs/upstream/elastic_transform_compiled.py

Seen with Keras 3.15.1 and JAX 0.10.2: it builds a kernel whose size is a number that it draws.
While JAX compiles the training step that number is a tracer. ``RandomCrop``, which cuts by numbers
that it draws, has Keras train the model without compiling; this layer does not. TensorFlow and
PyTorch train both.

Expected: "trains" on every backend.
"""

import keras
import numpy as np

images = np.random.default_rng(0).random((4, 9, 7, 3), dtype=np.float32)
for name, layer in {
    "RandomCrop": keras.layers.RandomCrop(5, 4, seed=1),
    "RandomElasticTransform": keras.layers.RandomElasticTransform(seed=1),
}.items():
    model = keras.Sequential(
        [
            keras.Input((9, 7, 3)),
            layer,
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    try:
        model.train_on_batch(images, np.ones((4, 1), np.float32))
        print(keras.backend.backend(), name, "trains")
    except (AttributeError, TypeError) as error:
        print(keras.backend.backend(), name, "does not train:", type(error).__name__)
