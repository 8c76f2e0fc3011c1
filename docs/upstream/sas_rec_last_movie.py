"""The SASRec tutorial of KerasRS predicts from a position that is not the last movie's.

    KERAS_BACKEND=jax python docs/upstream/sas_rec_last_movie.py

Seen in keras-rs' ``examples/sas_rec.py`` of May 2026, alike on every backend. Its
``padding_mask`` is true where there is a movie (``sequence != PAD_ITEM_ID``), and
``_get_last_non_padding_token`` inverts it before it counts: what it counts is the padding. Training
and validation loss do not use that position; ``predictions`` do.

Expected: 2, the place of the third and last movie. The tutorial's lines give 1.
"""

import keras
from keras import ops

sequence = ops.array([[7, 8, 9, 0, 0]])
padding_mask = sequence != 0


def last(mask):
    """The tutorial's way from a mask to a place, without its first line, which inverts the mask."""
    return int(ops.maximum(ops.sum(ops.cast(mask, "int32"), axis=1) - 1, 0)[0])


print(f"{keras.backend.backend()}: as in the tutorial {last(ops.logical_not(padding_mask))}")
print(f"{keras.backend.backend()}: with the mask as it is {last(padding_mask)}")
