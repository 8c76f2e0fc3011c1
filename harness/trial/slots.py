"""Reads the variables of a Keras model and the slots of its optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A variable of an optimizer: ``kind`` (``accumulator``, ``velocity``) of a model's variable.

    ``owner`` is ``None`` for what the optimizer keeps once, such as its learning rate.
    """

    kind: str
    owner: Any
    variable: Any


def build_optimizer(model: keras.Model) -> None:
    """Make the optimizer's variables, once.

    ``LossScaleOptimizer.build`` makes others at each call (Keras 3.15): a scale that a loop raised
    would not be the one that training uses.
    """
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def value_of(variable: Any) -> Array:
    """A copy of a variable's value: PyTorch would hand out its own memory."""
    return np.array(keras.ops.convert_to_numpy(variable.value))


def is_float(variable: Any) -> bool:
    """Whether a variable holds floating-point numbers."""
    return "float" in str(variable.dtype)


def slots_of(optimizer: Any, variables: list[Any]) -> list[Slot]:
    """The floating-point variables of ``optimizer``.

    Keras names a slot after its variable, ``<path with underscores>_<kind>``
    (``BaseOptimizer.add_variable_from_reference``).
    """
    owners = {f"{v.path.replace('/', '_')}_": v for v in variables}
    slots = []
    for variable in optimizer.variables:
        if not is_float(variable):
            continue
        name = variable.path.rpartition("/")[2]
        prefix = max((p for p in owners if name.startswith(p)), key=len, default="")
        slots.append(
            Slot(kind=name.removeprefix(prefix), owner=owners.get(prefix), variable=variable)
        )
    return slots


def unlisted(model: keras.Model) -> list[Any]:
    """Variables that a layer has and that no list of variables names.

    Stateful recurrent layers keep their states so (Keras 3.15, ``keras/src/layers/rnn/rnn.py``):
    whoever starts a training over has to put them back too.
    """
    listed = {id(variable) for variable in model.variables}
    found = {
        id(variable): variable
        for layer in model._flatten_layers()  # noqa: SLF001 - Keras has no public way to walk all layers
        for variable in _variables_in(vars(layer))
    }
    return [variable for number, variable in found.items() if number not in listed]


def _variables_in(value: object) -> Iterator[Any]:
    """The variables in attributes, and in the lists and dictionaries among them."""
    if isinstance(value, keras.Variable):
        yield value
    elif isinstance(value, Mapping):
        for each in list(value.values()):
            yield from _variables_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _variables_in(each)
