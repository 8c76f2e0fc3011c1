"""Keras' initialisers in NumPy: the same distributions, drawn alike for every backend.

One rule for each ``__call__`` in ``keras.initializers``. The key is the function that draws, so
that a class which only sets arguments (``GlorotUniform``, or one of a user's own) has the rule of
the class that it inherits from. Source of each rule: Keras 3.15, ``src/initializers``.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Shape = tuple[int, ...]
Rule = Callable[[Any, Shape, np.random.Generator], Array]

CHUNK = 1 << 22
"""Values drawn at once: NumPy draws float64, which of a whole table of ten million rows would be
twice the table. A stream gives the same numbers in pieces as at once."""

STANDARD_DEVIATION_CUT_AT_TWO = 0.87962566103423978
"""Of a standard normal. Keras widens a truncated normal by it, so that its variance is the one
asked for."""


def rule_of(initializer: Any) -> Rule | None:
    """The NumPy rule of an initialiser, ``None`` for one that Keras does not define."""
    return RULES.get(_call(initializer))


def is_exact(initializer: Any) -> bool:
    """Whether Keras makes the same values on every backend by itself."""
    return _call(initializer) in EXACT


def _call(initializer: Any) -> Any:
    return type(initializer).__call__ if callable(initializer) else None


@contextlib.contextmanager
def drawn_from(rng: np.random.Generator) -> Iterator[None]:
    """Inside, Keras' initialisers draw with NumPy from ``rng``, also where a function calls them.

    An LSTM's bias comes from such a function: it joins ones to what two initialisers give.
    """
    earlier = {kind: vars(kind)["__call__"] for kind in _KINDS}
    try:
        for kind, call in earlier.items():
            kind.__call__ = _drawing(RULES[call], rng)
        yield
    finally:
        for kind, call in earlier.items():
            kind.__call__ = call


def _drawing(rule: Rule, rng: np.random.Generator) -> Callable[..., Any]:
    def call(self: Any, shape: Any, dtype: Any = None, **_: Any) -> Any:
        values = rule(self, tuple(shape), rng)
        return keras.ops.convert_to_tensor(values, dtype=dtype or keras.config.floatx())

    return call


def zeros(_: Any, shape: Shape, __: np.random.Generator) -> Array:
    """``Zeros``."""
    return np.zeros(shape, np.float32)


def ones(_: Any, shape: Shape, __: np.random.Generator) -> Array:
    """``Ones``."""
    return np.ones(shape, np.float32)


def constant(initializer: Any, shape: Shape, _: np.random.Generator) -> Array:
    """``Constant``: its value, broadcast."""
    value = keras.ops.convert_to_numpy(initializer.value)
    return np.full(shape, value, dtype=np.float32)


def identity(initializer: Any, shape: Shape, _: np.random.Generator) -> Array:
    """``Identity``: ``gain`` on the diagonal of a matrix."""
    return np.float32(initializer.gain) * np.eye(*shape, dtype=np.float32)


def stft(initializer: Any, shape: Shape, _: np.random.Generator) -> Array:
    """``STFT``: one side of a Fourier transform's kernel ``[frame, 1, frequencies]``, windowed.

    In float32 and in the order of Keras' own operations: its angles are large, and their round-off
    (3e-4 at 1,024 samples) is a part of the kernel that a model gets.
    """
    frame_length, frequencies = shape[0], shape[-1]
    time = np.arange(frame_length, dtype=np.float32).reshape(-1, 1, 1)
    share = np.arange(frequencies, dtype=np.float32).reshape(1, 1, -1)
    share /= np.float32((frequencies - 1) * 2)
    angles = np.float32(-2) * time * share * np.arccos(np.float32(-1))
    # From here on in float64: processors differ in the last bit of a cosine.
    wave = np.cos if initializer.side == "real" else np.sin
    kernel: Array = wave(angles.astype(np.float64)).astype(np.float32)
    window = initializer.window
    if window is None:
        return kernel
    if isinstance(window, str):
        import scipy.signal

        window = scipy.signal.get_window(window, frame_length, initializer.periodic)
    window = np.asarray(keras.ops.convert_to_numpy(window), np.float64).reshape(-1, 1, 1)
    scaling = 1.0
    if initializer.scaling == "density":
        scaling = np.sqrt(np.sum(np.square(window)))
    elif initializer.scaling == "spectrum":
        scaling = np.sum(np.abs(window))
    return np.asarray(kernel * window / scaling, np.float32)


def random_uniform(initializer: Any, shape: Shape, rng: np.random.Generator) -> Array:
    """``RandomUniform``."""
    return _uniform(rng, shape, float(initializer.minval), float(initializer.maxval))


def random_normal(initializer: Any, shape: Shape, rng: np.random.Generator) -> Array:
    """``RandomNormal``."""
    return _normal(rng, shape, float(initializer.mean), float(initializer.stddev))


def truncated_normal(initializer: Any, shape: Shape, rng: np.random.Generator) -> Array:
    """``TruncatedNormal``: nothing beyond two standard deviations."""
    return _truncated_normal(rng, shape, float(initializer.mean), float(initializer.stddev))


def variance_scaling(initializer: Any, shape: Shape, rng: np.random.Generator) -> Array:
    """``VarianceScaling``, hence Glorot's, He's and LeCun's: variance ``scale / fan``."""
    # Keras 3.14 and before have no such axes.
    axes = (getattr(initializer, f"{side}_axes", None) for side in ("input", "output"))
    fan_in, fan_out = _fans(shape, *axes)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    variance = initializer.scale / max(1.0, fan[initializer.mode])
    if initializer.distribution == "uniform":
        limit = math.sqrt(3.0 * variance)
        return _uniform(rng, shape, -limit, limit)
    stddev = math.sqrt(variance)
    if initializer.distribution == "untruncated_normal":
        return _normal(rng, shape, 0.0, stddev)
    return _truncated_normal(rng, shape, 0.0, stddev / STANDARD_DEVIATION_CUT_AT_TWO)


def orthogonal(initializer: Any, shape: Shape, rng: np.random.Generator) -> Array:
    """``Orthogonal``: Q of the QR decomposition of normal values, R's diagonal positive.

    ``shape`` is flattened to ``[rows, last]``; if it is wide, its rows are orthogonal. By modified
    Gram-Schmidt, whose R is positive without further signs, and not by LAPACK: environments with
    other builds of NumPy, threads or processors must come to the same bits. In float64 its loss of
    orthogonality is far below float32.
    """
    rows, last = math.prod(shape[:-1]), shape[-1]
    long, short = max(rows, last), min(rows, last)
    drawn = rng.standard_normal((long, short)).astype(np.float32)
    vectors = np.ascontiguousarray(drawn.T, dtype=np.float64)
    for index in range(short):
        vector, rest = vectors[index], vectors[index + 1 :]
        vector /= np.sqrt(np.sum(vector * vector))
        rest -= np.sum(rest * vector, axis=1, keepdims=True) * vector
    matrix = vectors if rows < last else vectors.T
    return np.asarray(initializer.gain * matrix, np.float32).reshape(shape)


def _fans(shape: Shape, inputs: Any = None, outputs: Any = None) -> tuple[float, float]:
    """Inputs and outputs per unit of a kernel: of the named axes, or shaped ``[..., in, out]``."""
    if inputs is not None and outputs is not None:
        return (
            float(math.prod(shape[axis] for axis in inputs)),
            float(math.prod(shape[axis] for axis in outputs)),
        )
    if len(shape) < 2:
        size = float(shape[0]) if shape else 1.0
        return size, size
    receptive = math.prod(shape[:-2])
    return float(shape[-2] * receptive), float(shape[-1] * receptive)


def _uniform(rng: np.random.Generator, shape: Shape, low: float, high: float) -> Array:
    return _in_chunks(shape, lambda count: rng.uniform(low, high, count))


def _normal(rng: np.random.Generator, shape: Shape, mean: float, stddev: float) -> Array:
    return _in_chunks(shape, lambda count: mean + stddev * rng.standard_normal(count))


def _truncated_normal(rng: np.random.Generator, shape: Shape, mean: float, stddev: float) -> Array:
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


def _in_chunks(shape: Shape, draw: Callable[[int], NDArray[np.float64]]) -> Array:
    """Values of ``shape`` from ``draw``, which is asked for so many at a time."""
    values = np.empty(shape, dtype=np.float32)
    flat = values.reshape(-1)
    for start in range(0, flat.size, CHUNK):
        part = flat[start : start + CHUNK]
        part[:] = draw(len(part))
    return values


_DEFINED: dict[Any, Rule] = {
    keras.initializers.Zeros: zeros,
    keras.initializers.Ones: ones,
    keras.initializers.Constant: constant,
    keras.initializers.Identity: identity,
    keras.initializers.STFT: stft,
    keras.initializers.RandomUniform: random_uniform,
    keras.initializers.RandomNormal: random_normal,
    keras.initializers.TruncatedNormal: truncated_normal,
    keras.initializers.VarianceScaling: variance_scaling,
    keras.initializers.Orthogonal: orthogonal,
}

_KINDS = tuple(_DEFINED)

RULES: dict[Any, Rule] = {vars(kind)["__call__"]: rule for kind, rule in _DEFINED.items()}
"""By the function that draws in Keras."""

EXACT = frozenset(
    vars(kind)["__call__"]
    for kind in (
        keras.initializers.Zeros,
        keras.initializers.Ones,
        keras.initializers.Constant,
        keras.initializers.Identity,
    )
)
"""Those that no backend can round."""
