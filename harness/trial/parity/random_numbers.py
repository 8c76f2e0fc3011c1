"""Random numbers that every Keras backend computes alike, from a key and the place of an element.

A counter-based generator, Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as
easy as 1, 2, 3", SC 2011), in ``keras.ops`` on int32: additions wrap on all three backends, and a
logical shift is a shift and a mask. What follows from the bits is exact wherever a decision hangs
on it: a mask compares integers below 2^24, a normal number is looked up in a table.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

Tensor = Any  # Keras has no common type for the tensors of its backends.
Dimension = Any  # An int, or in TensorFlow's graphs a tensor.

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
"""Of the 20 rounds, four at a time (table 2 of the paper, Threefry-2x32)."""

PARITY = 0x1BD11BDA
"""The key schedule's constant."""

LEVELS = 1 << 16
"""Of the tables: as many different numbers a distribution has."""

ATTEMPTS = 8
"""Of gamma's rejection; one fails in at most 5% of the cases (Marsaglia and Tsang, 2000)."""

MOST_COUNTS = 4_096
"""A binomial number is counted out; beyond this many trials it is not served."""


class NotServedError(ValueError):
    """A draw that this generator cannot give."""


@dataclass(frozen=True)
class Key:
    """What a draw starts from.

    ``words`` are two int32 scalars. ``order`` is an int32 scalar or ``None``: of draws with a row
    for each example of a batch, row ``i`` gets the numbers of row ``(order·i + order) mod rows``;
    ``0`` stands for row ``i`` itself. It follows the examples that :func:`reordered_rows` moves.
    ``rows`` are the sizes that a batch may have.
    """

    words: tuple[Tensor, Tensor]
    order: Tensor | None = None
    rows: frozenset[int] = frozenset()


def reordered_rows(rows: int, order: int) -> NDArray[np.intp]:
    """The rows ``0 … rows-1`` in another order; all of them if ``order`` has no factor of it."""
    return (order * np.arange(rows) + order) % rows if order else np.arange(rows)


def threefry(key: tuple[Tensor, Tensor], counter: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Threefry-2x32 with 20 rounds: two int32 tensors for each pair of the counter's."""
    first, second = key
    schedule = (
        first,
        second,
        ops.bitwise_xor(ops.bitwise_xor(first, second), int32(PARITY)),
    )
    one, other = ops.add(counter[0], first), ops.add(counter[1], second)
    for block in range(5):
        for rotation in ROTATIONS[block % 2]:
            one = ops.add(one, other)
            other = ops.bitwise_xor(_rotated(other, rotation), one)
        one = ops.add(one, schedule[(block + 1) % 3])
        other = ops.add(other, ops.add(schedule[(block + 2) % 3], int32(block + 1)))
    return one, other


def bits(key: Key, shape: Sequence[Dimension], lane: int = 0) -> Tensor:
    """Random int32 numbers of ``shape``; ``lane`` numbers independent ones of one draw."""
    shape = tuple(shape)
    total = _product(shape)
    place = ops.arange(total, dtype="int32")
    if shape and key.order is not None and _is_batch(shape[0], key.rows):
        width = _product(shape[1:])
        row = ops.floor_divide(place, width)
        column = ops.subtract(place, ops.multiply(row, width))
        step = ops.where(ops.equal(key.order, 0), int32(1), key.order)
        moved = ops.mod(ops.add(ops.multiply(row, step), key.order), shape[0])
        place = ops.add(ops.multiply(moved, width), column)
    word, _ = threefry(key.words, (place, ops.full_like(place, lane)))
    return ops.reshape(word, shape)


def fraction(key: Key, shape: Sequence[Dimension], lane: int = 0) -> Tensor:
    """Float32 numbers in [0, 1), multiples of 2^-24; every float32 backend has the same."""
    upper = ops.bitwise_and(ops.right_shift(bits(key, shape, lane), 8), 0xFFFFFF)
    return ops.multiply(ops.cast(upper, "float32"), 2.0**-24)


def uniform(key: Key, shape: Sequence[Dimension], minval: Any, maxval: Any, dtype: str) -> Tensor:
    """Numbers in [``minval``, ``maxval``); the same to the bit if ``minval`` is the number 0."""
    found = fraction(key, shape)
    if not _is(minval, 0) or not _is(maxval, 1):
        found = ops.multiply(found, ops.cast(maxval - minval, "float32"))
    if not _is(minval, 0):
        found = ops.add(found, ops.cast(minval, "float32"))
    return ops.cast(found, dtype)


def normal(key: Key, shape: Sequence[Dimension], mean: Any, stddev: Any, dtype: str) -> Tensor:
    """Normal numbers, the quantiles of ``LEVELS`` equal parts."""
    return _scaled(key, shape, _normal_quantiles(), (mean, stddev), dtype)


def truncated_normal(
    key: Key, shape: Sequence[Dimension], mean: Any, stddev: Any, dtype: str
) -> Tensor:
    """Normal numbers within two standard deviations."""
    return _scaled(key, shape, _truncated_quantiles(), (mean, stddev), dtype)


def randint(key: Key, shape: Sequence[Dimension], minval: Any, maxval: Any, dtype: str) -> Tensor:
    """Integers in [``minval``, ``maxval``)."""
    low, high = ops.cast(minval, "int32"), ops.cast(maxval, "int32")
    found = ops.bitwise_and(bits(key, shape), int32(0x7FFFFFFF))
    return ops.cast(ops.add(ops.mod(found, ops.subtract(high, low)), low), dtype)


def dropout(key: Key, inputs: Tensor, rate: Any, noise_shape: Any) -> Tensor:
    """``inputs`` with a share of ``rate`` set to zero, and the others divided by what is kept.

    ``noise_shape`` is that of the mask; ``None`` in it, or in its place, means as in ``inputs``.
    """
    own = ops.shape(inputs)
    shape = (
        own
        if noise_shape is None
        else [size if wish is None else wish for wish, size in zip(noise_shape, own, strict=True)]
    )
    keep = 1.0 - rate
    # Both sides are exact: a whole number below 2^24, and a float32 times a power of two.
    upper = ops.bitwise_and(ops.right_shift(bits(key, shape), 8), 0xFFFFFF)
    limit = ops.multiply(ops.cast(keep, "float32"), 2.0**24)
    mask = ops.less(ops.cast(upper, "float32"), limit)
    return ops.where(mask, ops.divide(inputs, ops.cast(keep, inputs.dtype)), ops.zeros_like(inputs))


def categorical(key: Key, logits: Tensor, num_samples: Any, dtype: str) -> Tensor:
    """Classes drawn by ``logits`` of shape ``[batch, classes]``: ``[batch, num_samples]``."""
    batch, classes = ops.shape(logits)
    gumbel = ops.take(_gumbel_quantiles(), _level(bits(key, (batch, num_samples, classes))))
    values = ops.add(ops.cast(ops.expand_dims(logits, 1), "float32"), gumbel)
    return ops.cast(ops.argmax(values, axis=-1), dtype)


def shuffle(key: Key, values: Tensor, axis: int) -> Tensor:
    """``values`` with its slices along ``axis`` in another order."""
    size = ops.shape(values)[axis]
    # Distinct keys, since sorting puts equal ones in an order of the backend's own.
    places = (size - 1).bit_length() if isinstance(size, int) else 16
    keys = ops.left_shift(ops.right_shift(bits(Key(key.words), (size,)), places), places)
    order = ops.argsort(ops.bitwise_or(keys, ops.arange(size, dtype="int32")))
    return ops.take(values, order, axis=axis)


def gamma(key: Key, shape: Sequence[Dimension], alpha: Any, dtype: str) -> Tensor:
    """Gamma numbers with rate 1; a decision may flip where two backends' logarithms differ.

    Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
    """
    return ops.cast(_gamma(key, shape, alpha, lane=0), dtype)


def beta(key: Key, shape: Sequence[Dimension], alpha: Any, other: Any, dtype: str) -> Tensor:
    """Beta numbers, from two gamma numbers."""
    one = _gamma(key, shape, alpha, lane=0)
    two = _gamma(key, shape, other, lane=2 * ATTEMPTS + 1)
    return ops.cast(ops.divide(one, ops.add(one, two)), dtype)


def binomial(
    key: Key, shape: Sequence[Dimension], counts: Any, probabilities: Any, dtype: str
) -> Tensor:
    """How many of ``counts`` trials succeed.

    Raises:
        NotServedError: if ``counts`` are no numbers yet, or more than ``MOST_COUNTS``.
    """
    try:
        most = int(np.max(ops.convert_to_numpy(counts)))
    except Exception as error:
        raise NotServedError("binomial of counts that are not known beforehand") from error
    if most > MOST_COUNTS:
        raise NotServedError(f"binomial of {most} trials")
    limit = ops.cast(probabilities, "float32")
    total = ops.zeros(tuple(shape), dtype="int32")
    for trial in range(most):
        hit = ops.logical_and(
            ops.less(fraction(key, shape, lane=trial), limit),
            ops.less(int32(trial), ops.cast(counts, "int32")),
        )
        total = ops.add(total, ops.cast(hit, "int32"))
    return ops.cast(total, dtype)


def _gamma(key: Key, shape: Sequence[Dimension], alpha: Any, lane: int) -> Tensor:
    alpha = ops.cast(ops.convert_to_tensor(alpha), "float32")
    below = ops.less(alpha, 1.0)
    # Below 1: that of alpha + 1, times a uniform number to the power of 1 / alpha.
    raised = ops.where(below, ops.add(alpha, 1.0), alpha)
    d = ops.subtract(raised, 1.0 / 3.0)
    c = ops.divide(1.0, ops.sqrt(ops.multiply(9.0, d)))
    found = ops.broadcast_to(d, tuple(shape))
    for attempt in reversed(range(ATTEMPTS)):
        here = lane + 2 * attempt
        x = ops.take(_normal_quantiles(), _level(bits(key, shape, here)))
        v = ops.power(ops.maximum(ops.add(1.0, ops.multiply(c, x)), 1e-6), 3.0)
        u = ops.add(fraction(key, shape, here + 1), 2.0**-25)
        limit = ops.add(
            ops.multiply(0.5, ops.square(x)),
            ops.multiply(d, ops.add(ops.subtract(1.0, v), ops.log(v))),
        )
        found = ops.where(ops.less(ops.log(u), limit), ops.multiply(d, v), found)
    u = ops.add(fraction(key, shape, lane + 2 * ATTEMPTS), 2.0**-25)
    return ops.where(below, ops.multiply(found, ops.power(u, ops.divide(1.0, alpha))), found)


def _scaled(
    key: Key,
    shape: Sequence[Dimension],
    quantiles: NDArray[np.float64],
    moments: tuple[Any, Any],
    dtype: str,
) -> Tensor:
    """Numbers of a table with ``moments`` mean and standard deviation."""
    level = _level(bits(key, shape))
    mean, stddev = moments
    if _is_number(mean) and _is_number(stddev):
        # In the table, where no compiler can make one rounding of a product and a sum.
        table = (mean + stddev * quantiles).astype(np.float32)
        return ops.cast(ops.take(table, level), dtype)
    found = ops.take(quantiles.astype(np.float32), level)
    found = ops.multiply(found, ops.cast(stddev, "float32"))
    return ops.cast(ops.add(found, ops.cast(mean, "float32")), dtype)


def _level(words: Tensor) -> Tensor:
    return ops.bitwise_and(ops.right_shift(words, 16), LEVELS - 1)


def _midpoints(inverse: Callable[[float], float]) -> NDArray[np.float64]:
    return np.array([inverse((level + 0.5) / LEVELS) for level in range(LEVELS)])


@functools.cache
def _normal_quantiles() -> NDArray[np.float64]:
    return _midpoints(NormalDist().inv_cdf).astype(np.float32)


@functools.cache
def _truncated_quantiles() -> NDArray[np.float64]:
    standard = NormalDist()
    low, high = standard.cdf(-2.0), standard.cdf(2.0)
    return _midpoints(lambda p: standard.inv_cdf(low + p * (high - low)))


@functools.cache
def _gumbel_quantiles() -> NDArray[np.float64]:
    return _midpoints(lambda p: -math.log(-math.log(p))).astype(np.float32)


def _rotated(values: Tensor, by: int) -> Tensor:
    logical = ops.bitwise_and(ops.right_shift(values, 32 - by), (1 << by) - 1)
    return ops.bitwise_or(ops.left_shift(values, by), logical)


def int32(value: int) -> Tensor:
    """A scalar."""
    return ops.convert_to_tensor(np.int32(value), dtype="int32")


def _product(dimensions: Sequence[Dimension]) -> Any:
    return functools.reduce(lambda one, other: one * other, dimensions, 1)


def _is_batch(size: Dimension, rows: frozenset[int]) -> bool:
    """Whether a leading dimension is that of the examples; what is unknown beforehand is."""
    return not isinstance(size, int) or (size in rows and size > 1)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _is(value: Any, number: float) -> bool:
    return _is_number(value) and value == number
