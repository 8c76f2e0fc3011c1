"""What a case of the zoo is, and the generated examples that it trains on."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

BATCH_SIZE = 16
TRAINED = 40
"""Examples: two batches of 16 and a last one of 8."""
TESTED = 16
OUTPUTS = 3
ROWS = 10
"""Rows of an embedding table; 16 examples share them, and 0 is the padding of a mask."""

Inputs = Literal[
    "vector",
    "sequence",
    "image",
    "volume",
    "rows",
    "frames",
    "volumes",
    "audio",
    "id",
    "ids",
    "bits",
]

SHAPES: dict[Inputs, tuple[int, ...]] = {
    "vector": (6,),
    "sequence": (7, 6),
    "image": (9, 7, 3),
    "volume": (5, 4, 5, 2),
    "rows": (4, 6, 3),
    "frames": (3, 5, 4, 2),
    "volumes": (3, 4, 3, 4, 2),
    "audio": (64,),
    "id": (),
    "ids": (7,),
    "bits": (6,),
}
"""The shape of one example. Sizes are odd or differ where a layer could mistake one for another."""

Labels = Literal["numbers", "positive", "one-hot", "class", "signs", "bits", "sequence", "letters"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """One small model: a trained layer, the layer of interest, a trained head.

    ``build(keras, x)`` applies the layer of interest. ``before`` is what comes to it: ``dense`` is
    the output of a trained layer, so that gradients have to flow through the layer of interest;
    ``unit`` the same between 0 and 1, as pixels; ``bare`` the inputs themselves. ``after`` says
    whether a flat dense head follows. ``loss``, ``metric`` and ``optimizer`` take ``keras``.
    ``also`` names classes that it covers beside the one that its name begins with. ``even`` leaves
    out the last smaller batch.
    """

    build: Callable[[Any, Any], Any] = lambda _, x: x
    inputs: Inputs = "vector"
    before: Literal["dense", "unit", "bare"] = "dense"
    after: bool = True
    labels: Labels = "numbers"
    loss: Callable[[Any], Any] = lambda keras: keras.losses.MeanSquaredError()
    metric: Callable[[Any], Any] = lambda keras: keras.metrics.MeanSquaredError(name="watched")
    optimizer: Callable[[Any], Any] = lambda keras: keras.optimizers.SGD(0.05)
    activation: str | None = None
    also: tuple[str, ...] = ()
    even: bool = False


def examples(case: Case, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Inputs and labels of ``count`` examples; what is learned is no matter, so they are noise."""
    shape = (count, *SHAPES[case.inputs])
    if case.inputs in {"id", "ids"}:
        x = rng.integers(0, ROWS, shape).astype(np.int32)
        if case.inputs == "ids":
            # Padding at the end of some examples, never of a whole one.
            lengths = rng.integers(3, shape[1] + 1, count)
            x = np.where(np.arange(shape[1]) < lengths[:, None], np.maximum(x, 1), 0)
            x = x.astype(np.int32)
    elif case.inputs == "bits":
        x = rng.integers(0, 2, shape).astype(np.int32)
    else:
        x = rng.standard_normal(shape).astype(np.float32)
    return x, _labels(case.labels, count, rng)


def _labels(kind: Labels, count: int, rng: np.random.Generator) -> Array:
    classes = rng.integers(0, OUTPUTS, count)
    numbers = rng.standard_normal((count, OUTPUTS)).astype(np.float32)
    made: dict[Labels, Callable[[], Array]] = {
        "numbers": lambda: numbers,
        "positive": lambda: np.abs(numbers) + np.float32(0.1),
        "one-hot": lambda: np.eye(OUTPUTS, dtype=np.float32)[classes],
        "class": lambda: classes.astype(np.int32),
        "signs": lambda: np.where(numbers > 0, 1, -1).astype(np.float32),
        "bits": lambda: (numbers > 0).astype(np.float32),
        "sequence": lambda: rng.standard_normal((count, 7, OUTPUTS)).astype(np.float32),
        "letters": lambda: rng.integers(1, OUTPUTS, (count, 3)).astype(np.int32),
    }
    return made[kind]()


def digest(*arrays: Array) -> str:
    """SHA-256 of arrays, in order."""
    sha256 = hashlib.sha256()
    for array in arrays:
        sha256.update(np.ascontiguousarray(array).tobytes())
    return sha256.hexdigest()


def model(case: Case) -> Any:
    """The model of a case, compiled, on whichever backend Keras runs."""
    import keras

    layers = keras.layers
    whole = case.inputs in {"id", "ids", "bits"}
    batch = BATCH_SIZE if case.even else None
    inputs = keras.Input(
        SHAPES[case.inputs],
        batch_size=batch,
        dtype="int32" if whole else "float32",
        name="x",
    )
    x = inputs
    if case.before != "bare":
        width = SHAPES[case.inputs][-1] if SHAPES[case.inputs] else 1
        x = layers.Dense(width, activation="sigmoid" if case.before == "unit" else None)(x)
    x = case.build(keras, x)
    if case.after:
        if math.prod(size or 1 for size in x.shape[1:]) > 1 and len(x.shape) > 2:
            x = layers.Flatten()(x)
        x = layers.Dense(OUTPUTS, activation=case.activation)(x)
    made = keras.Model({"x": inputs}, x)
    made.compile(
        optimizer=case.optimizer(keras), loss=case.loss(keras), metrics=[case.metric(keras)]
    )
    return made
