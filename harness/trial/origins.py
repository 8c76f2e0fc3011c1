"""Where the initial value of every variable comes from, noted as the variables are made.

Keras does not keep an initialiser with its variable. So it is noted where it is given: when a
``keras.Variable`` is made, by whatever layer, cell, wrapper or user, in ``build`` or in ``call``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import keras
from keras.src.backend.common.stateless_scope import in_stateless_scope
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.trial import initializers

Kind = Literal["given", "exact", "rule", "composed", "custom"]
"""``given``: an array, or what is no number of the model (a seed). ``exact``: Keras makes it alike
on every backend. ``rule``: one of Keras' initialisers. ``composed``: a function of Keras that joins
such. ``custom``: anything else, which only its own code can tell."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Origin:
    """A variable and where its initial value comes from; ``initializer`` is ``None`` for arrays."""

    variable: Any
    kind: Kind
    initializer: Any = None

    @property
    def awaited(self) -> bool:
        """Whether the variable was made with zeros and awaits its value."""
        return self.kind in {"rule", "composed", "custom"}


class UnsteadyModelError(HarnessError):
    """A model that is made of other variables the second time."""

    def __init__(self) -> None:
        super().__init__(
            "the model has other variables each time that it is made, so common initial weights "
            "cannot be put in place; run with --init keras"
        )


class Origins:
    """The variables made inside :func:`noted`, in their order."""

    def __init__(self) -> None:
        self.all: list[Origin] = []
        self._late: set[int] = set()

    def dependent(self, variables: list[Any]) -> bool:
        """Whether the value of one of ``variables`` may have been computed from another's zeros.

        It was given or assigned while others awaited theirs: a copy of a layer's weights, say.
        """
        return any(id(variable) in self._late for variable in variables)

    def note(self, origin: Origin) -> None:
        """Note a variable that has just been made."""
        self.all.append(origin)
        if origin.initializer is None:
            self.note_value(origin.variable)

    def note_value(self, variable: Any) -> None:
        """Note that ``variable`` was given a value."""
        if any(origin.awaited for origin in self.all):
            self._late.add(id(variable))


@contextlib.contextmanager
def noted(values: Mapping[int, NDArray[Any]] | None = None) -> Iterator[Origins]:
    """Inside, variables whose values will be replaced are made with zeros, and all are noted.

    On JAX each initialiser of each shape is compiled before it draws, which takes 0.7 s of a trial
    for the tutorial's model: as long as half of its training.

    Args:
        values: what to make variables with instead, by their place in :attr:`Origins.all`.
    """
    origins, given = Origins(), values or {}
    kind = keras.Variable
    own = {name: vars(kind).get(name) for name in ("__init__", "assign")}
    make, assign = kind.__init__, kind.assign

    def noting_make(self: Any, initializer: Any, *arguments: Any, **named: Any) -> None:
        if isinstance(initializer, str):
            initializer = keras.initializers.get(initializer)
        dtype = named.get("dtype", arguments[1] if len(arguments) > 1 else None)
        origin = Origin(
            variable=self,
            kind=kind_of(initializer, dtype),
            initializer=initializer if callable(initializer) else None,
        )
        if len(origins.all) in given:
            initializer = _Values(given[len(origins.all)])
        elif origin.awaited:
            initializer = _ZEROS
        make(self, initializer, *arguments, **named)
        origins.note(origin)

    def noting_assign(self: Any, value: Any) -> Any:
        assigned = assign(self, value)
        if not in_stateless_scope():
            origins.note_value(self)
        return assigned

    try:
        kind.__init__, kind.assign = noting_make, noting_assign
        yield origins
    finally:
        for name, function in own.items():
            if function is None:
                delattr(kind, name)
            else:
                setattr(kind, name, function)


def kind_of(initializer: Any, dtype: Any = None) -> Kind:
    """What an initialiser is, for a variable of ``dtype``."""
    if not callable(initializer):
        return "given"
    if initializers.is_exact(initializer):
        return "exact"
    rule = initializers.rule_of(initializer) is not None
    if not rule and not (inspect.isroutine(initializer) and _of_keras(initializer)):
        return "custom"
    if dtype is not None and "float" not in str(dtype):
        return "given"  # a seed generator's state, an index
    if rule:
        return "rule"
    return "custom" if any(map(_is_custom, _held(initializer))) else "composed"


def _of_keras(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).partition(".")[0] == "keras"


def _is_custom(initializer: Any) -> bool:
    return kind_of(initializer) == "custom"


def _held(function: Any) -> Iterator[Any]:
    """The initialisers that a function of Keras refers to: its layer's, such as an LSTM's bias."""
    for cell in getattr(function, "__closure__", None) or ():
        content = cell.cell_contents
        if isinstance(content, keras.initializers.Initializer):
            yield content
        elif isinstance(content, keras.layers.Layer):
            for name, value in vars(content).items():
                if name.endswith("initializer") and value is not None:
                    yield value


class _Values(keras.initializers.Initializer):
    """Gives an array."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values

    def __call__(self, shape: Any, dtype: Any = None, **_: Any) -> Any:
        if tuple(shape) != self._values.shape:
            raise UnsteadyModelError
        return keras.ops.convert_to_tensor(self._values, dtype=dtype)


_ZEROS = keras.initializers.Zeros()
