"""``RandomCrop`` gives another image inside a loop that XLA compiles on TensorFlow.

    KERAS_BACKEND=tensorflow python docs/upstream/resize_in_a_compiled_loop.py

Seen with Keras 3.15.1 and TensorFlow 2.21.0. The layer slices by numbers that it draws and then
resizes, since in a graph the size of a slice is unknown. The size is that of the target, so nothing
changes, but within a ``tf.while_loop`` XLA knows a bound of it alone and resizes by the bound.

Expected: four whole numbers, twice. With XLA they are not whole.
"""

import tensorflow as tf

images = tf.reshape(tf.range(9 * 7, dtype=tf.float32), (1, 9, 7, 1))


def corners():
    """The first pixel of a crop that begins in another row each time."""
    rows = tf.constant([3, 0, 1, 2])

    def body(index, found):
        row = rows[index]
        crop = tf.image.resize(images[:, row : row + 5, row : row + 4], (5, 4))
        return index + 1, tf.tensor_scatter_nd_update(found, [[index]], [crop[0, 0, 0, 0]])

    start = (tf.constant(0), tf.zeros(4))
    return tf.while_loop(lambda index, _: index < 4, body, start)[1]


for jit_compile in (False, True):
    first = tf.function(corners, jit_compile=jit_compile)()
    print("with XLA:" if jit_compile else "without:", first.numpy())
