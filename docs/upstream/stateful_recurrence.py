"""A stateful ``LSTM`` or ``GRU`` behind a trained layer cannot be trained on PyTorch.

    KERAS_BACKEND=torch python docs/upstream/stateful_recurrence.py

Seen with Keras 3.15.1 and PyTorch 2.13.0: the new state is written in place into the tensor that
the backward pass still needs, and autograd refuses. JAX and TensorFlow train it.

Expected: "trains" on every backend.
"""

import keras
import numpy as np

for kind in ("SimpleRNN", "LSTM", "GRU"):
    model = keras.Sequential(
        [keras.Input((4, 3), batch_size=2), getattr(keras.layers, kind)(5, stateful=True)]
    )
    model.compile("sgd", "mse")
    try:
        model.train_on_batch(np.ones((2, 4, 3), np.float32), np.ones((2, 5), np.float32))
        print(keras.backend.backend(), kind, "trains")
    except RuntimeError as error:
        print(keras.backend.backend(), kind, "does not train:", str(error)[:80])
