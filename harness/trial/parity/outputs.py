"""What each layer gives in one forward pass, to name the layer in which a fault begins."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.src.backend.common.symbolic_scope import in_symbolic_scope
from numpy.typing import NDArray

from harness.trial.parity.place import path_below

Array = NDArray[np.float32]

ELEMENTS = 4_096
"""Kept of each output, evenly spread: enough to see a fault, and small beside the variables."""


def outputs_of_layers(model: Any, inputs: Any) -> dict[str, Array]:
    """The outputs of every layer, in the order in which they are done, as in training.

    A layer that is called more than once is kept as it was called first; one that runs inside a
    compiled loop of the framework, as a cell of an RNN, cannot be looked into.

    Args:
        model: a built model; what the pass changes in it stays changed.
        inputs: a tree of arrays of shape ``[batch, ...]``.

    Returns:
        At most ``ELEMENTS`` numbers of each output, by ``output of <path of the layer>``.
    """
    training = {"training": True} if model._call_has_training_arg else {}  # noqa: SLF001 - as Keras' trainers do
    with _noted(model) as found:
        model(keras.tree.map_structure(ops.convert_to_tensor, inputs), **training)
    return found


@contextlib.contextmanager
def _noted(model: Any) -> Iterator[dict[str, Array]]:
    found: dict[str, Array] = {}
    original = keras.layers.Layer.__call__

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        path = path_below(model, layer)
        outputs = original(layer, *args, **kwargs)
        if layer is not model and not isinstance(layer, keras.layers.InputLayer):
            _note(found, path, outputs)
        return outputs

    keras.layers.Layer.__call__ = call
    try:
        yield found
    finally:
        keras.layers.Layer.__call__ = original


def _note(found: dict[str, Array], path: str, outputs: Any) -> None:
    if in_symbolic_scope():
        return
    for number, output in enumerate(keras.tree.flatten(outputs), start=1):
        name = f"output of {path}" + (f"#{number}" if number > 1 else "")
        try:
            values = np.asarray(ops.convert_to_numpy(output)).astype(np.float32)
        except Exception:  # noqa: BLE001, S112 - inside a compiled loop there are no numbers yet
            continue
        found.setdefault(name, _spread(values))


def _spread(values: Array) -> Array:
    """``ELEMENTS`` of the values, from every column of the last dimension."""
    step = -(-values.size // ELEMENTS)
    width = values.shape[-1] if values.ndim else 1
    while step > 1 and math.gcd(step, width) > 1:
        step += 1
    return values.reshape(-1)[:: max(step, 1)].copy()
