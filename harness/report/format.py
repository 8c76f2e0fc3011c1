"""The only place where figures become text, so that all outputs agree to the printed digit.

Figures are printed in fixed notation, never scientific. One that has an interval is shown to the
first digit of the interval's half-width, and so are both ends: ``2.0`` (``1.9``-``2.1``), not
``2.023``. That follows the Guide to the Expression of Uncertainty in Measurement (JCGM 100:2008),
7.2.6: at most two digits of an uncertainty, and the estimate rounded to be consistent with it. One
digit is kept here, since a half-width made from some ten rounds is itself known to about a quarter
(the Guide's table E.1). Where that digit would move an end across a limit of the verdict, more are
shown, so that a reader finds the same verdict in the printed interval.

Any other figure has three significant digits: processes that measure the same thing differ by some
per cent, and a fourth digit would promise too much. The ends of a range are single trials.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.words import plain as plain  # noqa: PLC0414 - handed on to all outputs

NOTHING = "—"
"""Stands where there is no figure."""

BASE = "1.00"
"""Stands where the others of a column are so many times as much; see :func:`relative`."""

MOST_DECIMALS = 9
"""No limit of a verdict asks for more."""

QUALITY_DECIMALS = 5

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_SMALL_UNITS = (*_UNITS, (1e-9, "ns"))
_SIZES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "bytes"))


def duration(seconds: float | None) -> str:
    """A time with its unit: ``1.73 ms``, ``498 ms``, ``12.3 s``."""
    if seconds is None:
        return NOTHING
    scale, unit = _unit(seconds)
    return f"{significant(seconds / scale)} {unit}"


def small_duration(seconds: float) -> str:
    """What a single example or row takes, down to nanoseconds: ``1.41 µs``, ``0.120 ns``."""
    scale, unit = _unit(seconds, _SMALL_UNITS)
    return f"{significant(seconds / scale)} {unit}"


def duration_range(low: float | None, high: float | None, *, of: float) -> str:
    """Two times in the unit that the time ``of`` is printed in: ``1.65–1.85``; empty if none."""
    if low is None or high is None:
        return ""
    scale, _ = _unit(of)
    return f"{significant(low / scale)}–{significant(high / scale)}"


def duration_estimate(seconds: float, low: float | None, high: float | None) -> tuple[str, str]:
    """A time and its interval, in the unit of the time: ``1.7 ms`` and ``1.6–1.9``."""
    if low is None or high is None:
        return duration(seconds), ""
    scale, unit = _unit(seconds)
    finest = len(significant(seconds / scale).partition(".")[2])
    decimals = _decimals(low / scale, high / scale, finest, limits=(0.0,))
    ends = f"{_fixed(low / scale, decimals)}–{_fixed(high / scale, decimals)}"
    return f"{_fixed(seconds / scale, decimals)} {unit}", ends


def spread(seconds: float, *, of: float) -> str:
    """How far times lie apart, in the unit that the time ``of`` is printed in: ``0.11 ms``."""
    scale, unit = _unit(of)
    return f"{significant(seconds / scale, digits=2)} {unit}"


def duration_beside(seconds: float, *, of: float) -> str:
    """A time in the unit, and with the decimals, of the time ``of``: ``0.05 ms`` beside ``1.73``.

    Figures that add up to ``of`` are then printed so that a reader can add them.
    """
    scale, unit = _unit(of)
    decimals = len(significant(of / scale).partition(".")[2])
    return f"{_fixed(seconds / scale, decimals)} {unit}"


def duration_interval(low: float, high: float, *, of: float) -> str:
    """Two times beside ``of``, of which either may be negative: ``-0.02 to 0.05``."""
    ends = (duration_beside(end, of=of).partition(" ")[0] for end in (low, high))
    return " to ".join(ends)


def rate(per_second: float | None) -> str:
    """A throughput, rounded to three significant digits: ``578,000``."""
    if per_second is None:
        return NOTHING
    if not math.isfinite(per_second):
        return significant(per_second)
    return significant(float(f"{per_second:.2e}"))


def memory(size_bytes: float | None) -> str:
    """A size in megabytes of 1,000,000 bytes: ``612 MB``."""
    return NOTHING if size_bytes is None else f"{significant(size_bytes / 1e6)} MB"


def capacity(size_bytes: float) -> str:
    """What a machine has, in gigabytes of 1,000,000,000 bytes: ``8.25 GB``."""
    return f"{significant(size_bytes / 1e9)} GB"


def size(size_bytes: float) -> str:
    """A size in the unit that suits it: ``384 bytes`` for a row, ``5.41 GB`` for a process."""
    scale, unit = _unit(size_bytes, _SIZES)
    return f"{significant(size_bytes / scale)} {unit}"


def quality(value: float | None) -> str:
    """A metric with five decimals, since seeds differ in the third and backends in the fifth."""
    return NOTHING if value is None else _fixed(value, QUALITY_DECIMALS)


def quality_range(low: float | None, high: float | None) -> str:
    """Two metrics: ``0.25593–0.26674``; empty if none."""
    return "" if low is None or high is None else f"{quality(low)}–{quality(high)}"


def estimate(value: float, low: float | None, high: float | None) -> tuple[str, str]:
    """A metric and its interval: ``0.259`` and ``0.258–0.260``."""
    if low is None or high is None:
        return quality(value), ""
    decimals = _decimals(low, high, QUALITY_DECIMALS)
    return _fixed(value, decimals), f"{_fixed(low, decimals)}–{_fixed(high, decimals)}"


def difference(
    value: float | None, low: float | None, high: float | None, *, tolerance: float
) -> tuple[str, str]:
    """A difference of two metrics with its sign, and its interval: ``+0.0001``, ``-0.0002 to …``.

    The interval leaves out 0 and ``tolerance`` if and only if the exact one does.
    """
    if value is None:
        return NOTHING, ""
    if low is None or high is None:
        return _signed(value, QUALITY_DECIMALS), ""
    decimals = _decimals(low, high, QUALITY_DECIMALS, limits=(-tolerance, 0.0, tolerance))
    ends = f"{_signed(low, decimals)} to {_signed(high, decimals)}"
    return _signed(value, decimals), ends


def ratio(
    value: float | None, low: float | None = None, high: float | None = None, *, margin: float = 0.0
) -> tuple[str, str]:
    """How many times as much, and its interval: ``2.0×`` and ``1.9–2.1``; ``1.07×`` without one.

    The interval leaves out 1 and the ``margin`` around it if and only if the exact one does.
    """
    if value is None:
        return NOTHING, ""
    if low is None or high is None:
        return f"{significant(value)}×", ""
    decimals = _decimals(low, high, 3, limits=(0.0, 1 / (1 + margin), 1.0, 1 + margin))
    return f"{_fixed(value, decimals)}×", f"{_fixed(low, decimals)}–{_fixed(high, decimals)}"


def relative(value: float, low: float | None, high: float | None, *, margin: float) -> str:
    """How many times as long as the fastest: ``2.0 ± 0.1``, to the digits of :func:`ratio`.

    Without an interval it is only ``about 2.1``.
    """
    if low is None or high is None:
        return f"about {significant(value, 2)}"
    figure = ratio(value, low, high, margin=margin)[0].removesuffix("×")
    decimals = len(figure.partition(".")[2])
    half = max((high - low) / 2, 10.0**-decimals)
    return f"{figure} ± {_fixed(half, decimals)}"


def inline(figure: str, interval: str) -> str:
    """A figure and its interval in a sentence: ``2.0× (1.9–2.1)``."""
    return f"{figure} ({interval})" if interval else figure


def percent(share: float) -> str:
    """A margin or a confidence as it was asked for: ``2%``, ``98.3%``, ``0.5%``."""
    return f"{round(100 * share, 2):,g}%"


def shown(value: float | None) -> str:
    """A prediction as a person is shown it: ``3.81``."""
    return NOTHING if value is None else _fixed(value, 2)


def count(number: int) -> str:
    """A whole number: ``1,000``."""
    return f"{number:,}"


def short_hash(digest: str | None) -> str:
    """The first twelve digits of a hash, enough to tell it from any other."""
    return plain(digest[:12]) if digest else NOTHING


def significant(value: float, digits: int = 3) -> str:
    """Fixed notation with so many significant digits, and never fewer than all whole ones."""
    if not math.isfinite(value):
        return "not finite"
    # The exponent is that of the rounded value: 9.996 is printed as 10.0, not as 10.00.
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return _fixed(value, min(max(digits - 1 - exponent, 0), 6 if value else digits - 1))


def _decimals(low: float, high: float, finest: int, *, limits: Sequence[float] = ()) -> int:
    """To which decimal an interval is shown: its half-width's first digit, or what a limit asks.

    An end that lies beyond one of ``limits`` stays beyond it when it is rounded; only that may ask
    for more decimals than ``finest``.
    """
    half = (high - low) / 2
    if not math.isfinite(half):
        return 0
    exponent = int(f"{half:.0e}".partition("e")[2]) if half > 0 else -finest
    decimals = min(max(-exponent, 0), finest)
    while decimals < MOST_DECIMALS and any(
        (low > limit) != (round(low, decimals) > limit)
        or (high < limit) != (round(high, decimals) < limit)
        for limit in limits
    ):
        decimals += 1
    return min(decimals, MOST_DECIMALS)


def _signed(value: float, decimals: int) -> str:
    shown = _fixed(value, decimals)
    return shown.removeprefix("-") if not round(value, decimals) else f"{value:+,.{decimals}f}"


def _fixed(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}" if math.isfinite(value) else "not finite"


def _unit(value: float, units: tuple[tuple[float, str], ...] = _UNITS) -> tuple[float, str]:
    """The largest unit of which the rounded value holds at least one."""
    rounded = float(f"{abs(value):.2e}")
    return next((u for u in units if rounded >= u[0]), units[-1] if rounded else units[0])
