"""``keras.ops.image.affine_transform`` changes the matrix that it is given on PyTorch.

    KERAS_BACKEND=torch python docs/upstream/affine_transform_in_place.py

Seen with Keras 3.15.1 and PyTorch 2.13.0: ``keras/src/backend/torch/image.py`` swaps entries
of ``transform`` in place, so that a second call with the same matrix transforms in another way.
``RandAugment`` uses one matrix ``num_ops`` times: its second rotation is wrong.

Expected: twice the same image, and a matrix that is not changed.
"""

import keras
import numpy as np

images = np.random.default_rng(0).random((1, 6, 8, 1)).astype("float32")
matrix = keras.ops.convert_to_tensor([[0.8, -0.6, 2.0, 0.6, 0.8, 1.0, 0.0, 0.0]])
before = np.array(keras.ops.convert_to_numpy(matrix))
once = keras.ops.convert_to_numpy(keras.ops.image.affine_transform(images, matrix))
after = np.array(keras.ops.convert_to_numpy(matrix))
again = keras.ops.convert_to_numpy(keras.ops.image.affine_transform(images, matrix))
print(
    f"{keras.backend.backend()}: the second image differs by {np.abs(again - once).max():.2g}, "
    f"the matrix by {np.abs(after - before).max():.2g}"
)
