"""A model with its initial weights: Keras' own, or common ones, the same on every backend.

Equal seeds give different weights on each Keras backend, since each draws with its framework's
own generator. Common weights keep every variable's *own initialiser*, and NumPy does the drawing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.scenario import Data, Scenario
from harness.trial import initializers, weights
from harness.trial.custom import CustomWeights
from harness.trial.origins import Origin, Origins, UnsteadyModelError, noted

Array = NDArray[Any]

OTHERS = 1
"""Marks the streams of what is not trained, so that there may be more or fewer of them without
another draw of the trained ones."""


class UnknownOriginError(HarnessError):
    """Common initial weights for a variable that nobody saw being made."""


def initialised(
    chosen: Scenario,
    settings: Any,
    data: Data,
    init: str,
    seed: int,
    *,
    custom: CustomWeights | None = None,
) -> Any:
    """The model of a scenario, built, with the initial weights that a cell asks for.

    Args:
        chosen: the scenario.
        settings: its settings.
        data: what it trains on, which decides the shapes.
        init: ``common`` for weights from NumPy, ``keras`` for those of Keras' initialisers.
        seed: of both, and of whatever else the model draws.
        custom: where the values of custom initialisers are kept for other backends, if anywhere.
    """

    def make() -> Any:
        keras.utils.set_random_seed(seed)
        with dtype_policy(settings.precision):
            model = chosen.model(settings, data)
            weights.build(model, data.train.inputs)
        return model

    return make() if init == "keras" else common(make, seed, custom)


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


def common(make: Callable[[], Any], seed: int, custom: CustomWeights | None = None) -> Any:
    """The model that ``make`` makes and builds, with initial values that every backend has.

    They replace what the initialisers of all floating-point variables would draw, trained or not.
    Variables that were given arrays, or were assigned values in the making, keep them. Where such a
    value may come from another variable's (a copy of a layer's weights), the model is made a second
    time, with the drawn values in their places from the start.

    Args:
        make: makes the model; called once, or twice.
        seed: of the draws.
        custom: where the values of custom initialisers are kept for other backends, if anywhere.

    Raises:
        UnknownOriginError: for a trained variable that was made before.
        UnsteadyModelError: if a second making makes other variables.
    """
    with noted() as origins:
        model = make()
    values = drawn(model, origins, seed, custom or CustomWeights())
    if origins.dependent(model.variables):
        with noted(dict(values)) as again:
            model = make()
        if [_shape(origin) for origin in origins.all] != [_shape(origin) for origin in again.all]:
            raise UnsteadyModelError
        return model
    for place, value in values:
        origins.all[place].variable.assign(value)
    if any(origin.kind == "custom" for origin in origins.all):
        # Whether its code ran in this process or elsewhere leaves no trace.
        keras.utils.set_random_seed(seed)
    return model


def drawn(
    model: Any, origins: Origins, seed: int, custom: CustomWeights
) -> Iterator[tuple[int, Array]]:
    """Values for the variables that await one, each with its place among ``origins.all``.

    Every variable has a random stream of its own, so adding one leaves the others' values alone:
    trained ones by their place in ``model.trainable_variables``, the others in a series of theirs.
    """
    places = {id(origin.variable): place for place, origin in enumerate(origins.all)}
    keys: dict[int, tuple[int, ...]] = {}
    for index, variable in enumerate(model.trainable_variables):
        if id(variable) not in places:
            raise UnknownOriginError(
                f"{variable.path} was made before the scenario's model(), so its initialiser is "
                "not known: make it there, or run with --init keras"
            )
        keys[places[id(variable)]] = (index,)
    awaited = [place for place, origin in enumerate(origins.all) if origin.awaited]
    others = [place for place in awaited if place not in keys]
    keys |= {place: (OTHERS, number) for number, place in enumerate(others)}
    streams = {place: np.random.SeedSequence(seed, spawn_key=keys[place]) for place in awaited}

    own = [place for place in awaited if origins.all[place].kind == "custom"]
    theirs = custom.values(
        [origins.all[place].variable for place in own],
        lambda: [_evaluated(origins.all[place], streams[place], sow=True) for place in own],
    )
    yield from zip(own, theirs, strict=True)
    for place in awaited:
        if place not in own:
            yield place, _evaluated(origins.all[place], streams[place])


def _evaluated(origin: Origin, stream: np.random.SeedSequence, *, sow: bool = False) -> Array:
    """What a variable's initialiser gives, with Keras' initialisers drawn by NumPy in it."""
    shape, rng = tuple(origin.variable.shape), np.random.default_rng(stream)
    rule = initializers.rule_of(origin.initializer)
    if rule is not None:
        return rule(origin.initializer, shape, rng)
    if sow:
        keras.utils.set_random_seed(int(stream.generate_state(1)[0]))
    with initializers.drawn_from(rng):
        value = origin.initializer(shape, dtype=origin.variable.dtype)
    return np.array(keras.ops.convert_to_numpy(value))


def _shape(origin: Origin) -> tuple[Any, ...]:
    return origin.kind, tuple(origin.variable.shape), str(origin.variable.dtype)
