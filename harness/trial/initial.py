"""A model with its initial weights, without drawing those that are about to be replaced.

On JAX each initialiser of each shape is compiled before it draws, which takes 0.7 s of a trial for
the tutorial's model: as long as half of its training. Where the initial weights are ``common`` they
come from NumPy, so what the initialisers draw is never used.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras

from harness.scenario import Data, Scenario
from harness.trial import weights

RANDOM = (
    keras.initializers.RandomUniform,
    keras.initializers.RandomNormal,
    keras.initializers.TruncatedNormal,
    keras.initializers.VarianceScaling,
)
"""The classes that define a random ``__call__``; Glorot's, He's and LeCun's inherit it."""


def initialised(chosen: Scenario, settings: Any, data: Data, init: str, seed: int) -> Any:
    """The model of a scenario, built, with the initial weights that a cell asks for.

    Args:
        chosen: the scenario.
        settings: its settings.
        data: what it trains on, which decides the shapes.
        init: ``common`` for weights from NumPy, ``keras`` for those of Keras' initialisers.
        seed: of both, and of whatever else the model draws.
    """

    def make() -> Any:
        keras.utils.set_random_seed(seed)
        with dtype_policy(settings.precision):
            model = chosen.model(settings, data)
            weights.build(model, data.train.inputs)
        return model

    if init == "keras":
        return make()
    model = build_undrawn(make)
    weights.assign(model, weights.draw(model, seed))
    return model


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Inside, new layers get Keras' dtype policy ``name``, and keep it.

    ``mixed_bfloat16`` computes in bfloat16 and keeps variables in float32, so that initial weights,
    their digest and the optimizer's state are the same as with ``float32``. Losses and metrics take
    Keras' ``floatx``, which stays float32.
    """
    earlier = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(earlier)


def build_undrawn(make: Callable[[], Any]) -> Any:
    """The model that ``make`` makes and builds, with zeros in place of random trainable weights.

    If something else than a trainable variable was drawn, a frozen random projection perhaps, its
    values do matter: the model is made again, as usual.
    """
    with _zeros() as drawn:
        model = make()
    replaced = {
        id(initializer)
        for layer in model._flatten_layers()  # noqa: SLF001 - Keras has no public way to walk all layers
        for initializer in _initializers_of_trainables(layer)
    }
    return model if drawn.keys() <= replaced else make()


def _initializers_of_trainables(layer: Any) -> list[Any]:
    return [
        getattr(layer, f"{variable.name}_initializer", None)
        for variable in layer._trainable_variables  # noqa: SLF001 - `trainable_variables` has those of sublayers too
    ]


@contextlib.contextmanager
def _zeros() -> Iterator[dict[int, Any]]:
    """Inside, random initialisers give zeros; those that were asked are kept, by their ``id``.

    Not how often: Keras' JAX backend asks twice, once while it only traces the model.
    """
    drawn: dict[int, Any] = {}

    def zeros(self: Any, shape: Any, dtype: Any = None, **_: Any) -> Any:
        drawn[id(self)] = self
        return keras.ops.zeros(shape, dtype=dtype or keras.config.floatx())

    earlier = {kind: kind.__call__ for kind in RANDOM}
    try:
        for kind in RANDOM:
            kind.__call__ = zeros
        yield drawn
    finally:
        for kind, call in earlier.items():
            kind.__call__ = call
