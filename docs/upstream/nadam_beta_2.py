"""``Nadam`` rounds ``beta_2`` in two ways on PyTorch, so that its first steps are too small.

    KERAS_BACKEND=torch python docs/upstream/nadam_beta_2.py

Seen with Keras 3.15.1 and PyTorch 2.13.0. ``keras/src/backend/torch/optimizers/torch_nadam.py``
weighs squares by ``1 - self.beta_2``, a Python float, and corrects by ``1 - beta_2_power`` of
float32, which is 1.3e-5 smaller. The first update is too small by half of that. On the other
backends both are of float32 and cancel.

Expected: a mean of some 1e-8 on every backend; it is -6.4e-6 on PyTorch.
"""

import keras
import numpy as np

gradient = np.random.default_rng(0).standard_normal(4096).astype(np.float32)
variable = keras.Variable(np.zeros(4096, np.float32))
optimizer = keras.optimizers.Nadam(0.01)
optimizer.build([variable])
optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
g = gradient.astype(np.float64)
u, following = 0.9 * (1 - 0.5 * 0.96), 0.9 * (1 - 0.5 * 0.96**2)
mean = following * 0.1 * g / (1 - u * following) + (1 - u) * g / (1 - u)
expected = -0.01 * mean / (np.abs(g) + 1e-7)
found = keras.ops.convert_to_numpy(variable.value).astype(np.float64)
print(keras.backend.backend(), "mean relative error of an update:", (found / expected - 1).mean())
