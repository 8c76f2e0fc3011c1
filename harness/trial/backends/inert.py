"""An optimizer that changes nothing and still needs every gradient.

What a step costs without its optimizer cannot be seen by leaving it out: a compiler that finds no
use for the gradients leaves out the backward pass too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras


class InertOptimizer(keras.optimizers.Optimizer):
    """Leaves every variable as it is.

    Args:
        keep: what to store of a gradient, so that it has to be computed; ``None`` stores nothing,
            for a framework that computes gradients whether or not somebody looks.
        shape: of what ``keep`` gives for a variable; by default that of the variable.
    """

    def __init__(
        self,
        keep: Callable[[Any], Any] | None,
        shape: Callable[[Any], Sequence[int]] = lambda variable: variable.shape,
    ) -> None:
        super().__init__(learning_rate=0.0, name="inert")
        self._keep = keep
        self._shape = shape
        self.kept: list[Any] = []

    def build(self, variables: list[Any]) -> None:
        """Make the places where something is kept of each gradient."""
        super().build(variables)
        if self._keep is not None:
            self.kept = [
                self.add_variable(self._shape(v), dtype=v.dtype, name=f"kept_{i}")
                for i, v in enumerate(variables)
            ]

    def apply(self, grads: Sequence[Any], trainable_variables: Any = None) -> None:
        """Keep what is to be kept; nothing else of Keras' ``apply`` is done."""
        if self._keep is None:
            return
        for gradient, place in zip(grads, self.kept, strict=True):
            if gradient is not None:
                place.assign(self._keep(gradient))
