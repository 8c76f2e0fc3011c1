"""``SpectralNormalization`` trains another model on JAX than on TensorFlow and PyTorch.

    KERAS_BACKEND=jax python docs/upstream/spectral_normalization_kernel.py

Seen with Keras 3.15.1, JAX 0.10.2, TensorFlow 2.21.0, PyTorch 2.13.0. ``call`` in
``keras/src/layers/normalization/spectral_normalization.py`` assigns the normalised kernel to the
trained kernel while it trains. TensorFlow and PyTorch keep it, and take the gradient at it. JAX
gives back no trained variable from a step, so that the kernel stays as it was and is not normalised
when the model predicts; its gradient goes through the division by the norm.

Expected: the same spectral norm after training with a learning rate of 0 on every backend; 1, if
the kernel is meant to be normalised.
"""

import keras
import numpy as np

layer = keras.layers.SpectralNormalization(keras.layers.Dense(3, use_bias=False), 50)
model = keras.Sequential([keras.Input((4,)), layer])
kernel = np.diag([3.0, 2.0, 1.0, 1.0]).astype(np.float32)[:, :3]
layer.layer.kernel.assign(kernel)
model.compile(keras.optimizers.SGD(0.0), "mse")
model.train_on_batch(np.eye(4, dtype=np.float32), np.zeros((4, 3), np.float32))
norm = np.linalg.norm(keras.ops.convert_to_numpy(layer.layer.kernel.value), 2)
print(keras.backend.backend(), "spectral norm of the kernel after a step:", float(norm))
