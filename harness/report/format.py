"""The only place where figures become text, so that all outputs agree to the printed digit.

Figures are printed in fixed notation, never scientific, with three significant digits: processes
that measure the same thing differ by some per cent, and a fourth digit would promise too much.
"""

from __future__ import annotations

import math

NOTHING = "—"
"""Stands where there is no figure."""

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
    return NOTHING if value is None else _fixed(value, 5)


def quality_range(low: float | None, high: float | None) -> str:
    """Two metrics: ``0.25593–0.26674``; empty if none."""
    return "" if low is None or high is None else f"{quality(low)}–{quality(high)}"


def difference(value: float | None) -> str:
    """A difference of two metrics, always with its sign: ``+0.00012``."""
    return NOTHING if value is None else f"{'' if value < 0 else '+'}{_fixed(value, 5)}"


def difference_range(low: float | None, high: float | None) -> str:
    """The interval of a difference: ``−0.00003 to +0.00027``, since a dash would read as a sign."""
    return "" if low is None or high is None else f"{difference(low)} to {difference(high)}"


def ratio(value: float | None) -> str:
    """How many times as much: ``1.071×``. Four digits, since verdicts are made of per cents."""
    return NOTHING if value is None else f"{significant(value, digits=4)}×"


def ratio_range(low: float | None, high: float | None) -> str:
    """The interval of a ratio: ``1.056–1.087``; empty if none."""
    if low is None or high is None:
        return ""
    return f"{significant(low, digits=4)}–{significant(high, digits=4)}"


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


def plain(text: str, limit: int = 1_000) -> str:
    r"""A text from a record, made harmless for a terminal: one line, nothing invisible.

    Records come from other machines. Line breaks, terminal escape sequences and characters that
    turn the direction of writing are shown as ``\n``, ``\x1b`` and the like.
    """
    cut = text if len(text) <= limit else f"{text[: limit - 3]}..."
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)


def _fixed(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}" if math.isfinite(value) else "not finite"


def _unit(value: float, units: tuple[tuple[float, str], ...] = _UNITS) -> tuple[float, str]:
    """The largest unit of which the rounded value holds at least one."""
    rounded = float(f"{abs(value):.2e}")
    return next((u for u in units if rounded >= u[0]), units[-1] if rounded else units[0])
