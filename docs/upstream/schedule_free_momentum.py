"""``ScheduleFreeAdamW`` takes the new momentum for the old one on TensorFlow and PyTorch.

    KERAS_BACKEND=torch python docs/upstream/schedule_free_momentum.py

Seen with Keras 3.15.1, TensorFlow 2.21.0, PyTorch 2.13.0. ``update_step`` in
``keras/src/optimizers/schedule_free_adamw.py`` says ``momentum_old = momentum.value`` before
``assign_sub(momentum, ...)``. That is the variable itself on TensorFlow and its tensor on PyTorch,
both changed by the assignment; only on JAX is it the old value. From the second step on the weights
go elsewhere.

Expected: the definition in float64 (the layer's own formulas), to about 1e-7, on every backend.
"""

import keras
import numpy as np

RATE, BETA_1, BETA_2, EPSILON = 0.1, 0.9, 0.999, 1e-8
gradients = [0.5, -0.2, 0.3]
variable = keras.Variable(np.zeros(1, np.float32))
optimizer = keras.optimizers.ScheduleFreeAdamW(RATE, beta_1=BETA_1, beta_2=BETA_2, epsilon=EPSILON)
optimizer.build([variable])
z = x = y = v = 0.0
for step, gradient in enumerate(gradients, start=1):
    optimizer.apply([keras.ops.convert_to_tensor(np.array([gradient], np.float32))], [variable])
    v += (gradient**2 - v) * (1 - BETA_2)
    z -= RATE * gradient / (np.sqrt(v / (1 - BETA_2**step)) + EPSILON)
    x = (1 - 1 / step) * x + z / step
    y = (1 - BETA_1) * z + BETA_1 * x
    found = float(keras.ops.convert_to_numpy(variable.value)[0])
    print(keras.backend.backend(), f"step {step}: {found:.7f}, expected {y:.7f}")
