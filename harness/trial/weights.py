"""Initial weights drawn with NumPy, so that every backend starts from the same numbers.

Equal seeds give different weights on each Keras backend, since each draws with its framework's
own generator. Here every variable's *own initialiser* decides the distribution, as in the
scenario's model, and NumPy does the drawing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

CHUNK = 1 << 22
"""Values drawn at once: NumPy draws float64, which of a whole table of ten million rows would be
twice the table. A stream gives the same numbers in pieces as at once."""


class UnknownInitializerError(TypeError):
    """An initialiser that has no counterpart here."""


def build(model: keras.Model, inputs: dict[str, NDArray[Any]]) -> None:
    """Make the model's variables, for ``inputs`` of shape ``[examples, ...]`` each.

    The call is symbolic: a real one would run every operation by itself, which on JAX compiles
    each of them and costs more than a second.
    """
    model(
        {
            name: keras.KerasTensor((None, *values.shape[1:]), dtype=str(values.dtype))
            for name, values in inputs.items()
        }
    )


def draw(model: keras.Model, seed: int) -> list[Array]:
    """Values for ``model.trainable_variables``, in their order and shapes.

    Every variable has a random stream of its own, so adding one leaves the others' values alone.
    """
    variables = model.trainable_variables
    initializers = _initializers(model)
    streams = np.random.SeedSequence(seed).spawn(len(variables))
    return [
        _draw(initializers[id(variable)], tuple(variable.shape), np.random.default_rng(stream))
        for variable, stream in zip(variables, streams, strict=True)
    ]


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


def _initializers(model: keras.Model) -> dict[int, Any]:
    """Each trainable variable's initialiser, by the variable's ``id``.

    Keras does not keep the initialiser with the variable, but by its convention a layer with a
    variable ``kernel`` has an attribute ``kernel_initializer``.
    """
    found: dict[int, Any] = {}
    for layer in model._flatten_layers():  # noqa: SLF001 - Keras has no public way to walk all layers
        for variable in layer._trainable_variables:  # noqa: SLF001 - `trainable_variables` has those of sublayers too
            initializer = getattr(layer, f"{variable.name}_initializer", None)
            if initializer is None:
                raise UnknownInitializerError(
                    f"{layer.name} has a variable {variable.name} but no attribute "
                    f"{variable.name}_initializer; run with --init keras"
                )
            found[id(variable)] = initializer
    return found


def _draw(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    config = initializer.get_config()
    kind = type(initializer).__name__
    if kind in {"Zeros", "Ones", "Constant"}:
        fill = {"Zeros": 0.0, "Ones": 1.0}.get(kind, config.get("value", 0.0))
        return np.full(shape, fill, dtype=np.float32)
    if kind == "RandomUniform":
        return _uniform(rng, shape, config["minval"], config["maxval"])
    if kind in {"RandomNormal", "TruncatedNormal"}:
        normal = _truncated_normal if kind == "TruncatedNormal" else _normal
        return normal(rng, shape, float(config["mean"]), float(config["stddev"]))
    if isinstance(initializer, keras.initializers.VarianceScaling):
        return _variance_scaling(initializer, shape, rng)
    raise UnknownInitializerError(
        f"no NumPy counterpart of the initialiser {kind}; run with --init keras"
    )


def _variance_scaling(initializer: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Glorot, He and LeCun initialisers: variance ``scale / fan``, as Keras defines it."""
    fan_in, fan_out = _fans(shape)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    variance = initializer.scale / max(1.0, fan[initializer.mode])
    if initializer.distribution == "uniform":
        limit = math.sqrt(3.0 * variance)
        return _uniform(rng, shape, -limit, limit)
    if initializer.distribution == "untruncated_normal":
        return _normal(rng, shape, 0.0, math.sqrt(variance))
    # Keras widens a truncated normal so that its variance is the one asked for: 0.8796... is the
    # standard deviation of a standard normal cut at two.
    return _truncated_normal(rng, shape, 0.0, math.sqrt(variance) / 0.87962566103423978)


def _fans(shape: tuple[int, ...]) -> tuple[float, float]:
    """Inputs and outputs per unit of a kernel shaped ``[..., inputs, outputs]``."""
    if len(shape) < 2:
        size = float(shape[0]) if shape else 1.0
        return size, size
    receptive = math.prod(shape[:-2])
    return float(shape[-2] * receptive), float(shape[-1] * receptive)


def _uniform(rng: np.random.Generator, shape: tuple[int, ...], low: float, high: float) -> Array:
    return _in_chunks(shape, lambda count: rng.uniform(low, high, count))


def _normal(rng: np.random.Generator, shape: tuple[int, ...], mean: float, stddev: float) -> Array:
    return _in_chunks(shape, lambda count: mean + stddev * rng.standard_normal(count))


def _truncated_normal(
    rng: np.random.Generator, shape: tuple[int, ...], mean: float, stddev: float
) -> Array:
    """Normal values; those beyond two standard deviations are drawn again, after all others."""
    outside: list[NDArray[np.intp]] = []
    drawn = 0

    def values(count: int) -> NDArray[np.float64]:
        nonlocal drawn
        standard = rng.standard_normal(count)
        outside.append(np.flatnonzero(np.abs(standard) > 2.0) + drawn)
        drawn += count
        return mean + stddev * standard

    found = _in_chunks(shape, values)
    flat, again = found.reshape(-1), np.concatenate([*outside, np.empty(0, np.intp)])
    while len(again):
        standard = rng.standard_normal(len(again))
        flat[again] = mean + stddev * standard
        again = again[np.abs(standard) > 2.0]
    return found


def _in_chunks(shape: tuple[int, ...], draw: Callable[[int], NDArray[np.float64]]) -> Array:
    """Values of ``shape`` from ``draw``, which is asked for so many at a time."""
    values = np.empty(shape, dtype=np.float32)
    flat = values.reshape(-1)
    for start in range(0, flat.size, CHUNK):
        part = flat[start : start + CHUNK]
        part[:] = draw(len(part))
    return values
