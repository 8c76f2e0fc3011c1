"""Reads the variables of a model and its optimizer, and puts them back to where they started."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from harness.records.parity import Variable
from harness.trial.slots import build_optimizer, is_float, slots_of, unlisted, value_of

Array = NDArray[Any]


class State:
    """A built model whose training can be started over and over.

    Args:
        model: a built and compiled model; its optimizer is built here, and its variables as they
            are now are the start.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        build_optimizer(model)
        self.unlisted = unlisted(model)
        self._everything = [*model.variables, *self.unlisted, *model.optimizer.variables]
        self._start = [value_of(variable) for variable in self._everything]
        # Sown seeds and counters are put back too, but are no quantities of the model.
        self._shown = [v for v in (*model.variables, *self.unlisted) if is_float(v)]
        self.slots = slots_of(model.optimizer, model.trainable_variables)
        self._names = _names(self._shown)

    def restart(self, moved: int | None = None) -> None:
        """Back to the start, or with ``moved`` near it.

        Every trained weight then moves by one unit in the last place, up or down as a generator
        seeded with ``moved`` says; zeros stay, since their last place is far below any round-off.
        """
        for variable, value in zip(self._everything, self._start, strict=True):
            variable.assign(value)
        if moved is not None:
            rng = np.random.default_rng(moved)
            for variable in self.model.trainable_variables:
                variable.assign(moved_by_one_ulp(value_of(variable), rng))

    def read(self) -> dict[str, Array]:
        """Every floating-point variable and slot as it is now, by its name for a person."""
        found = {self._names[id(v)]: value_of(v) for v in self._shown}
        for slot in self.slots:
            owner = "the optimizer" if slot.owner is None else self._names[id(slot.owner)]
            found[f"{slot.kind} of {owner}"] = value_of(slot.variable)
        return found

    def is_finite(self) -> bool:
        """Whether every trained weight is a finite number."""
        weights = map(value_of, self.model.trainable_variables)
        return all(np.isfinite(weight).all() for weight in weights)

    def name(self, variable: Any) -> str:
        """The name under which :meth:`read` gives ``variable``."""
        return self._names[id(variable)]

    def variables(self) -> list[Variable]:
        """The model's floating-point variables, trained or not."""
        trained = {id(variable) for variable in self.model.trainable_variables}
        return [
            Variable(path=self.name(v), shape=list(v.shape), trained=id(v) in trained)
            for v in self._shown
        ]


def moved_by_one_ulp(values: Array, rng: np.random.Generator) -> Array:
    """``values`` with all but zeros moved by one unit in the last place, up or down."""
    towards = np.where(rng.random(values.shape) < 0.5, -np.inf, np.inf).astype(values.dtype)
    return np.where(values == 0, values, np.nextafter(values, towards))


def _names(variables: list[Any]) -> dict[int, str]:
    """A name for each variable, by its ``id``: its path, without the model's name before it."""
    paths = [variable.path for variable in variables]
    first = {path.partition("/")[0] for path in paths}
    if len(first) == 1 and all("/" in path for path in paths):
        paths = [path.partition("/")[2] for path in paths]
    names: dict[int, str] = {}
    for variable, path in zip(variables, paths, strict=True):
        earlier = sum(name.partition("#")[0] == path for name in names.values())
        names[id(variable)] = f"{path}#{earlier + 1}" if earlier else path
    return names
