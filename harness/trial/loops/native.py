"""A scenario's native code, fed from the Keras model and read back into it."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np

from harness.errors import RefusedError
from harness.loop import NativeTraining
from harness.records.cell import Scalar
from harness.trial.loops.stateful import Stateful
from harness.trial.prepared import Prepared
from harness.trial.slots import build_optimizer, slots_of, value_of


class NoNativeError(RefusedError):
    """The scenario has no code of its own for this backend."""


class UnweightedError(RefusedError):
    """Native code that has no place for the scenario's sample weights."""


class NativeLoop(Stateful):
    """Wraps a :class:`harness.loop.NativeTraining`.

    Raises:
        NoNativeError: if there is none for this backend.
        HarnessError: if it does not know the settings.
    """

    def __init__(self, prepared: Prepared) -> None:
        chosen, backend, model = prepared.chosen, prepared.adapter.backend, prepared.model
        made = chosen.native(backend)
        if made is None:
            raise NoNativeError(
                f"{chosen.name} has no native code for {backend}; "
                "run it in the modes fit, tuned or custom_loop"
            )
        prepared.adapter.require_compiler(model)
        self._training: NativeTraining = made(prepared.settings)
        if prepared.data.train.sample_weights is not None:
            _require_weighted(self._training, chosen.name)
        self._model = model
        build_optimizer(model)
        slots = slots_of(model.optimizer, model.trainable_variables)
        by_owner = {(slot.kind, id(slot.owner)): slot.variable for slot in slots}
        self._slots: dict[str, list[Any]] = {
            kind: [by_owner[kind, id(variable)] for variable in model.trainable_variables]
            for kind in dict.fromkeys(slot.kind for slot in slots if slot.owner is not None)
        }
        self._steps = 0

    def take(self) -> None:
        """Hand over the model's variables and its optimizer's slots."""
        self._training.trained = self._steps = int(value_of(self._model.optimizer.iterations))
        self._training.load(
            [value_of(variable) for variable in self._model.trainable_variables],
            {kind: [value_of(v) for v in variables] for kind, variables in self._slots.items()},
        )

    def put_back(self) -> None:
        """Copy them back; they went through NumPy, so that nothing is shared with the training."""
        weights, slots = self._training.state()
        pairs = list(zip(self._model.trainable_variables, weights, strict=True))
        for kind, variables in self._slots.items():
            pairs += zip(variables, slots[kind], strict=True)
        for variable, tensor in pairs:
            variable.assign(np.array(keras.ops.convert_to_numpy(tensor)))
        self._model.optimizer.iterations.assign(self._steps)

    def place(self, inputs: Any, labels: Any, sample_weights: Any = None) -> Any:
        """As the native code does."""
        if sample_weights is None:
            return self._training.place(inputs, labels)
        return self._training.place(inputs, labels, sample_weights)  # type: ignore[call-arg]  # checked in __init__

    def run(self, batches: Any, start: int, stop: int) -> Any:
        """As the native code does."""
        self._steps += stop - start
        return self._training.run(batches, start, stop)

    def tensors(self) -> Any:
        """The native code's."""
        return self._training.tensors()

    def engine(self) -> dict[str, Scalar | None]:
        """The native code's account of itself."""
        return {"keras_in_the_loop": False, **self._training.engine()}


def _require_weighted(training: NativeTraining, scenario: str) -> None:
    try:
        inspect.signature(training.place).bind(None, None, None)
    except TypeError:
        raise UnweightedError(
            f"{scenario} has sample weights, which its native code does not take (a third argument "
            "of `place`); run it in the modes fit, tuned or custom_loop"
        ) from None
