"""The variables of a model as arrays: made, set, read, and told apart by a digest."""

from __future__ import annotations

import hashlib
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from harness.tree import map_leaves

Array = NDArray[np.float32]


def build(model: keras.Model, inputs: Any) -> None:
    """Make the model's variables, for a tree of ``inputs`` of shape ``[examples, ...]`` each.

    The call is symbolic: a real one would run every operation by itself, which on JAX compiles
    each of them and costs more than a second.
    """
    model(map_leaves(_symbolic, inputs))


def assign(model: keras.Model, values: list[Array]) -> None:
    """Set ``model.trainable_variables`` to ``values``."""
    for variable, value in zip(model.trainable_variables, values, strict=True):
        variable.assign(value)


def current(model: keras.Model) -> list[Array]:
    """The values of ``model.trainable_variables`` as they are now."""
    return [
        np.asarray(keras.ops.convert_to_numpy(variable.value), dtype=np.float32)
        for variable in model.trainable_variables
    ]


def digest(values: list[Array]) -> str:
    """SHA-256 over shapes and little-endian float32 values, in order."""
    sha256 = hashlib.sha256()
    for value in values:
        sha256.update(repr(value.shape).encode())
        # Flat and in place: hashlib takes no other buffers, and bytes would be a copy.
        sha256.update(np.ascontiguousarray(value, dtype="<f4").reshape(-1).data)
    return sha256.hexdigest()


def _symbolic(values: NDArray[Any]) -> keras.KerasTensor:
    texts = values.dtype.kind in "OSU"
    return keras.KerasTensor(
        (None, *values.shape[1:]), dtype="string" if texts else str(values.dtype)
    )
