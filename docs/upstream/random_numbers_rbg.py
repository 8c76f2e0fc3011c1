"""Keras draws no random numbers on JAX where another generator than Threefry is JAX' default.

    JAX_DEFAULT_PRNG_IMPL=rbg KERAS_BACKEND=jax python docs/upstream/random_numbers_rbg.py

Seen with Keras 3.15.1 and JAX 0.10.2. ``SeedGenerator`` keeps two numbers, and Keras makes them the
key; the key of ``rbg`` has four. So the faster generator that JAX documents cannot be had, though
Threefry is what dropout costs on a CPU.

Expected: some zeros in the output. JAX refuses the key ("expected key_data.shape to end with (4,);
got shape=(2,)").
"""

import keras

dropout = keras.layers.Dropout(0.5, seed=1)
print(dropout(keras.ops.ones((2, 8)), training=True))
