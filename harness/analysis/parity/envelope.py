"""How large a difference may be and still be round-off.

The envelope of a quantity is :data:`MARGIN` times its drift: how far it comes to lie from itself on
one and the same backend when the initial weights are moved by one unit in the last place, and the
examples of each batch are put in another order, which changes no sum but its rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Figures = Sequence[float | None]

MARGIN = 8.0
"""Envelope over drift, since that is the largest of a few draws and not the largest there is.

Between unspoilt backends, 99% of 5,800 quantities lay within 1.2 drifts and all within 3.6
(``docs/parity.md``); the mutants of the tests lie at thousands.
"""


def difference(first: Array, second: Array) -> float | None:
    """The largest absolute difference of two arrays of one shape.

    Equal infinities and places where both are no number do not differ; ``None`` if only one of
    the two is a finite number somewhere.
    """
    one, other = first.astype(np.float64), second.astype(np.float64)
    alike = (one == other) | (np.isnan(one) & np.isnan(other))
    if alike.all():
        return 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(one - other)[~alike]
    return float(apart.max()) if np.isfinite(apart).all() else None


def of_array(drifts: Figures, first: Array, second: Array, *, steps: int = 0) -> float:
    """The envelope of an array.

    Args:
        drifts: the largest absolute difference in each moved training.
        first: the array of one backend.
        second: that of the other, of the same shape.
        steps: training steps that led to it.

    Returns:
        Never zero: an accumulator of 0.1 that grows by less than half a unit in its last place
        does not drift at all, and may still be one unit off on another backend. Half a unit is
        added for each step: ``0.999 * v + 0.001 * g`` and ``v + 0.001 * (g - v)`` round their
        constants differently, and in the same direction at every step.
    """
    unit = float(np.spacing(np.float32(max(_magnitude(first), _magnitude(second)))))
    return MARGIN * max(_largest(drifts), unit) + steps * unit / 2


def of_series(drifts: Sequence[Figures], first: Figures, second: Figures) -> list[float]:
    """The envelope of each figure of a series, such as the loss of every step.

    Drift grows as training goes on and may come close to zero by chance, so a figure's envelope is
    the largest up to its place.

    Args:
        drifts: for each moved training, the absolute differences along the series.
        first: the figures of one backend.
        second: those of the other.
    """
    envelopes: list[float] = []
    for place, figures in enumerate(zip(first, second, strict=True)):
        magnitude = np.array([0.0 if figure is None else figure for figure in figures])
        here = of_array([each[place] for each in drifts], magnitude, magnitude)
        envelopes.append(max(here, envelopes[-1] if envelopes else 0.0))
    return envelopes


def relative(first: Array, second: Array) -> Array:
    """By how much each element of ``second`` is larger than that of ``first``, as a fraction.

    Equal elements do not differ, nor do those that are no number on both sides; a zero on one side
    only gives infinity.
    """
    one, other = first.astype(np.float64), second.astype(np.float64)
    alike = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(alike, 0.0, other / one - 1.0)


def of_elements(moved: Sequence[Array]) -> float:
    """The envelope of the largest relative difference.

    ``moved`` are the relative differences that moving the given gradients makes.
    """
    drift = max((_or_infinite(float(np.abs(each).max())) for each in moved), default=0.0)
    return MARGIN * max(drift, float(np.finfo(np.float32).eps))


def of_mean(moved: Sequence[Array], elements: int) -> float:
    """The envelope of the mean relative difference over ``elements``.

    Round-off goes up as often as down, so its mean is as small as the standard error says, except
    for half a unit in the last place of a constant; what another formula does stays in the mean.
    So does the round-off of a number that all elements share, such as the norm by which a gradient
    is clipped: it moves all of a moved gradient's elements at once, and is measured there.
    """
    unit = float(np.finfo(np.float32).eps)
    spreads = [_or_infinite(float(np.sqrt(np.mean(np.square(each))))) for each in moved]
    spread = max(spreads, default=0.0) / float(np.sqrt(elements))
    shared = max(
        (_or_infinite(float(np.abs(each.mean(axis=-1)).max())) for each in moved), default=0.0
    )
    return MARGIN * max(spread, unit / float(np.sqrt(elements)), shared) + unit / 2


def _largest(drifts: Figures) -> float:
    """The largest drift; infinite if a moved training left the finite numbers on its own."""
    return max((np.inf if drift is None else drift for drift in drifts), default=0.0)


def _or_infinite(value: float) -> float:
    return np.inf if np.isnan(value) else value


def _magnitude(values: Array) -> float:
    finite = np.abs(values[np.isfinite(values)].astype(np.float64))
    return float(finite.max(initial=0.0))
