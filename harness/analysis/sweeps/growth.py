"""How a figure grows with a swept number: a fixed part, a part for each unit, and how well it fits.

A training step has costs that are there whatever its size (dispatch, bookkeeping, small kernels)
and costs that come with each example or each table row. The line ``figure = fixed + per_unit *
value`` tells them apart, and the slope between neighbours in logarithms tells where one gives way
to the other: 0 where the value costs nothing, 1 where the figure grows in proportion.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from harness.records.cell import Struct

FITTED_FROM = 3
"""Values that a line is fitted to; through two there is always one, which tells nothing."""

TOLERATED = 0.05
"""Residuals up to this share of the figure count with their square, larger ones only in proportion:
processes that measure the same thing differ by 3 to 5% (``docs/method.md``)."""

ROUNDS = 50
"""Re-weightings; the weights of so few points settle in a handful."""

Array = NDArray[np.float64]


class Line(Struct, frozen=True, kw_only=True):
    """``figure = fixed + per_unit * value``, in the units of the figure.

    ``largest_residual`` is by how much, as a share of the figure, the point that lies farthest from
    the line misses it. The line holds as far as that is small beside the growth.
    """

    fixed: float
    per_unit: float
    largest_residual: float

    def at(self, value: float) -> float:
        """The line's figure at ``value``."""
        return self.fixed + self.per_unit * value


class Slope(Struct, frozen=True, kw_only=True):
    """``log(figure)`` over ``log(value)`` between the neighbours ``low`` and ``high``."""

    low: float
    high: float
    slope: float


def line(points: Sequence[tuple[float, float]]) -> Line | None:
    """The line through ``points`` of value and figure; ``None`` of fewer than three values.

    Least squares of the relative residuals, since the spread of a figure is a share of it and a
    sweep spans decades: unweighted, its largest point alone would be fitted. Neither part may be
    below 0, as neither cost can be (non-negative least squares: Lawson and Hanson, *Solving Least
    Squares Problems*, 1974, chapter 23; of two unknowns there are three cases to look at). Points
    far off are weighted down (Huber, *Robust estimation of a location parameter*, 1964, by the
    re-weighting of Holland and Welsch, 1977), so that one that thrashed or paged leaves the others'
    line alone and shows as the largest residual.

    Args:
        points: positive values, each with its positive figure.
    """
    value = np.array([point[0] for point in points], dtype=np.float64)
    figure = np.array([point[1] for point in points], dtype=np.float64)
    if len(np.unique(value)) < FITTED_FROM:
        return None
    # In units of the largest value, so that ten million rows do not cost half of the digits.
    unit = float(value.max())
    columns = np.stack([1 / figure, value / unit / figure], axis=1)
    weight = np.ones(len(figure))
    for _ in range(ROUNDS):
        parts = _non_negative(columns, weight)
        residual = np.abs(columns @ parts - 1)
        weight = np.minimum(1.0, TOLERATED / np.maximum(residual, TOLERATED))
    return Line(
        fixed=float(parts[0]),
        per_unit=float(parts[1]) / unit,
        largest_residual=float(np.abs(columns @ parts - 1).max()),
    )


def slopes(points: Sequence[tuple[float, float]]) -> list[Slope]:
    """The slope in logarithms between each two neighbouring values, from the lowest value on."""
    return [
        Slope(low=low, high=high, slope=math.log(second / first) / math.log(high / low))
        for (low, first), (high, second) in pairwise(sorted(points))
        if high > low
    ]


def _non_negative(columns: Array, weight: Array) -> Array:
    """The non-negative pair that brings ``columns @ pair`` nearest to 1, by weighted squares."""
    root = np.sqrt(weight)
    matrix, target = columns * root[:, None], root
    both: Array = np.linalg.lstsq(matrix, target, rcond=None)[0].astype(np.float64)
    if (both >= 0).all():
        return both
    # The optimum then lies on an edge: one of the two is 0, and the other follows by itself.
    edges = []
    for index in (0, 1):
        pair = np.zeros(2)
        pair[index] = matrix[:, index] @ target / (matrix[:, index] @ matrix[:, index])
        edges.append(pair)
    return min(edges, key=lambda pair: float(np.sum((matrix @ pair - target) ** 2)))
