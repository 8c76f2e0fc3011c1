"""The optimizer alone: what it does to one variable when it is handed known gradients.

In a model, a fault of the optimizer may hide in round-off: with accumulators of 0.1 and more, an
epsilon of 1e-7 outside Adagrad's root instead of inside changes an update by 2e-7 of its size, less
than summing a gradient in another order does. On given gradients the mean over many elements shows
it, and from empty slots it is as large as the update.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from harness.records.parity import UPDATE, UPDATE_FROM_EMPTY
from harness.trial.parity.state import moved_by_one_ulp
from harness.trial.slots import slots_of, value_of

Array = NDArray[np.float32]

ELEMENTS = 16_384
"""Enough for the mean's round-off to fall by a factor of 128."""

STEPS = 3
"""More than one, since decays and bias corrections show from the second on."""


def given_gradients(moved: int | None = None) -> Array:
    """Fixed gradients of shape ``[STEPS, ELEMENTS]``, magnitudes from 1e-6 to about 1.

    With ``moved``, each is moved by one unit in the last place, in a direction that this seeds.
    """
    rng = np.random.default_rng(5)
    magnitudes = np.logspace(-6, 0, ELEMENTS)
    gradients = (rng.standard_normal((STEPS, ELEMENTS)) * magnitudes).astype(np.float32)
    if moved is None:
        return gradients
    return moved_by_one_ulp(gradients, np.random.default_rng(moved)).astype(np.float32)


def alone(optimizer: Any, gradients: Array) -> dict[str, Array]:
    """What a fresh optimizer of the same class and configuration makes of ``gradients``.

    Args:
        optimizer: the compiled one, which stays as it is.
        gradients: of shape ``[steps, elements]``, one step each, on a variable that is put back
            to zero before each, so that the update is seen without the rounding of a sum.

    Returns:
        By ``UPDATE`` and by each slot's kind, an array of shape ``[steps, elements]``; and, where
        slots do not start at zero, ``UPDATE_FROM_EMPTY``, as if they did.
    """
    found = _apply(optimizer, gradients)
    empty = _apply(optimizer, gradients, slots_start=np.zeros_like)
    if not np.array_equal(found[UPDATE], empty[UPDATE], equal_nan=True):
        found[UPDATE_FROM_EMPTY] = empty[UPDATE]
    return found


def _apply(
    optimizer: Any,
    gradients: Array,
    *,
    slots_start: Callable[[Array], Array] = lambda value: value,
) -> dict[str, Array]:
    fresh = type(optimizer).from_config(optimizer.get_config())
    zeros = np.zeros(gradients.shape[1], np.float32)
    variable = keras.Variable(zeros, name="given")
    fresh.build([variable])
    slots = [slot for slot in slots_of(fresh, [variable]) if slot.owner is not None]
    for slot in slots:
        slot.variable.assign(slots_start(value_of(slot.variable)))
    seen: dict[str, list[Array]] = {name: [] for name in (UPDATE, *(slot.kind for slot in slots))}
    for gradient in gradients:
        variable.assign(zeros)
        _step(fresh, keras.ops.convert_to_tensor(gradient), variable)
        seen[UPDATE].append(-value_of(variable))
        for slot in slots:
            seen[slot.kind].append(value_of(slot.variable))
    return {name: np.stack(values) for name, values in seen.items()}


def _step(optimizer: Any, gradient: Any, variable: Any) -> None:
    """One update, in the way in which Keras' own trainer asks for it on this backend.

    On JAX that is without state: a ``LossScaleOptimizer`` branches, and what it assigned within a
    traced branch could not be read any more.
    """
    if keras.backend.backend() != "jax":
        optimizer.apply([gradient], [variable])
        return
    slots = optimizer.variables
    values, slot_values = optimizer.stateless_apply(
        [slot.value for slot in slots], [gradient], [variable.value]
    )
    for held, value in zip([variable, *slots], [*values, *slot_values], strict=True):
        held.assign(value)
