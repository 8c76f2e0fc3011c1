"""A stateful recurrent layer forgets its state in ``fit``, ``evaluate`` and ``predict`` on JAX.

    KERAS_BACKEND=jax python docs/upstream/state_that_is_lost.py

Seen with Keras 3.15.1 and JAX 0.10.2. ``keras/src/layers/rnn/rnn.py`` keeps the states in
``self.states``, which is in no list of variables (``layer.variables``, ``model.variables``). JAX's
trainer hands over the listed variables alone, so that what a compiled step writes to a state is
lost. No error says so: the layer trains as if ``stateful`` were false.

Expected: the second of two batches continues the first, so that its output differs (0.521, then
0.703), and the state after both is the second output. On JAX both are 0.521 and the state is 0.
"""

import keras
import numpy as np

inputs = keras.Input(batch_shape=(1, 3, 2))
layer = keras.layers.SimpleRNN(
    1, stateful=True, kernel_initializer="ones", recurrent_initializer="identity"
)
model = keras.Model(inputs, layer(inputs))
batch = np.full((1, 3, 2), 0.1, "float32")
first, second = (float(model.predict(batch, verbose=0)[0, 0]) for _ in range(2))
state = float(keras.ops.convert_to_numpy(layer.states[0])[0, 0])
print(f"{keras.backend.backend()}: {first:.3f}, then {second:.3f}; the state is {state:.3f}")
