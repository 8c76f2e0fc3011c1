"""Rows that differ along one axis alone, put together: a setting of several values, or threads.

``harness sweep`` makes such rows, and so does any campaign with several values of a setting. What
each axis does to step time and memory is :mod:`harness.analysis.sweeps.growth`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec

from harness.analysis.rows import Figure, Row, named
from harness.analysis.speed.verdict import Verdict
from harness.analysis.sweeps.growth import Line, Slope, line, slopes
from harness.analysis.work import Work, asked, whatever_the_settings
from harness.backends import Backend
from harness.records.cell import Cell, Scalar, Struct

THREADS = "threads"
"""The one axis that is no setting. ``auto`` stands for the framework's own choice."""

AUTO = "auto"

CURVE_FROM = 3
"""Values of a number that make a curve. Two stand side by side, as names do."""


class Point(Struct, frozen=True, kw_only=True):
    """What was measured at one value of the axis, on one backend.

    ``over_first`` is the verdict on its step time over that of the first value
    (:mod:`harness.analysis.sweeps.beside`); ``None`` along an axis of numbers, at the first value,
    and where the two share no round.
    """

    value: Scalar
    row: Row
    over_first: Verdict | None = None


class Growth(Struct, frozen=True, kw_only=True):
    """How a figure goes along an axis of numbers; ``line`` is ``None`` of fewer than three."""

    line: Line | None
    slopes: list[Slope]


class Course(Struct, frozen=True, kw_only=True):
    """One backend along the axis, by ascending value; ``lost`` are values without a measurement.

    ``apart`` tells it from other courses of its backend, such as versions. ``step_time`` is in
    seconds and ``memory`` in bytes of peak resident set, both with each unit of the axis. They are
    ``None`` along an axis of anything else than numbers.
    """

    backend: Backend
    apart: dict[str, str]
    points: list[Point]
    lost: list[Scalar]
    step_time: Growth | None
    memory: Growth | None

    @property
    def name(self) -> str:
        """The backend, with the versions that tell it from others: ``jax, keras 3.14.0``."""
        return named(self.points[0].row.cell, self.apart)


class Sweep(Struct, frozen=True, kw_only=True):
    """Courses that differ in the backend alone, on one machine.

    ``cell`` is any of their cells: apart from the backend and the axis they all agree. ``numbers``
    tells whether the values are numbers, and enough of them for a curve.
    """

    axis: str
    numbers: bool
    cell: Cell
    courses: list[Course]

    @property
    def values(self) -> list[Scalar]:
        """Every value that was measured or tried, in their order."""
        seen = {
            value: None
            for course in self.courses
            for value in (*(point.value for point in course.points), *course.lost)
        }
        return sorted(seen, key=_order) if _sortable(self.axis, seen) else list(seen)


def sweeps(rows: Sequence[Row]) -> list[Sweep]:
    """Every sweep that ``rows`` make up, those of one axis behind each other."""
    # A failed trial has no part in the order of the axes.
    ordered = sorted(rows, key=lambda row: not row.good)
    settings = dict.fromkeys(name for row in ordered for name in row.cell.settings)
    return [sweep for axis in (*settings, THREADS) for sweep in _along(rows, axis)]


def value_on(axis: str, cell: Cell) -> Scalar | None:
    """Where ``cell`` stands on ``axis``; ``None`` if it has no such setting."""
    if axis == THREADS:
        return AUTO if cell.threads is None else cell.threads
    return cell.settings.get(axis)


def _along(rows: Sequence[Row], axis: str) -> Iterable[Sweep]:
    families: dict[object, list[Row]] = defaultdict(list)
    failed: dict[object, list[Row]] = defaultdict(list)
    odd = _of_other_work(rows)
    for row in rows:
        if value_on(axis, row.cell) is None:
            continue
        if row.step_time_s is not None:
            alike = _apart_from(axis, row.cell, backend="jax")
            of_its_own = row.cell.place if id(row) in odd else None
            families[alike, _place(row), of_its_own].append(row)
        elif not row.good:
            # A trial that failed early does not know its machine or data, so its cell alone counts.
            failed[_apart_from(axis, row.cell)].append(row)
    for family in families.values():
        made = _sweep(axis, family, failed)
        if made is not None:
            yield made


def _of_other_work(rows: Sequence[Row]) -> set[int]:
    """The identities of rows that were asked the same as an earlier one and did other work.

    Along an axis split and steps may change, so that only rows at one value can tell.
    """
    first: dict[object, Work] = {}
    return {
        id(row)
        for row in rows
        if row.good
        and first.setdefault((asked(row.cell, but=("backend",)), _place(row)), row.work) != row.work
    }


def _sweep(axis: str, rows: Sequence[Row], failed: dict[object, list[Row]]) -> Sweep | None:
    values = {_value(axis, row) for row in rows}
    if len(values) < 2:
        return None
    numbers = (
        axis != THREADS
        and len(values) >= CURVE_FROM
        and all(_is_number(value) and float(value) > 0 for value in values)
    )
    courses = [
        _course(axis, mine, failed[_apart_from(axis, mine[0].cell)], numbers=numbers)
        for mine in _by_course(axis, rows)
    ]
    return Sweep(axis=axis, numbers=numbers, cell=rows[0].cell, courses=courses)


def _by_course(axis: str, rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each backend, version and device; of two at one value each in its own course."""
    found: dict[object, list[Row]] = defaultdict(list)
    for row in rows:
        kind = (row.cell.place, tuple(sorted(row.versions.items())), row.device_name)
        value = (_value(axis, row), row.cell)
        place = 0
        while value in [(_value(axis, other), other.cell) for other in found[kind, place]]:
            place += 1
        found[kind, place].append(row)
    return [mine for mine in found.values() if mine]


def _course(axis: str, rows: Sequence[Row], failed: Sequence[Row], *, numbers: bool) -> Course:
    points = [Point(value=_value(axis, row), row=row) for row in rows]
    lost = [_value(axis, row) for row in failed]
    if _sortable(axis, [*(point.value for point in points), *lost]):
        points.sort(key=lambda point: _order(point.value))
        lost.sort(key=_order)
    return Course(
        backend=rows[0].cell.backend,
        apart={name: value for row in rows for name, value in row.apart.items()},
        points=points,
        lost=lost,
        step_time=_growth(points, lambda row: row.step_time_s) if numbers else None,
        memory=_growth(points, lambda row: row.peak_rss_bytes) if numbers else None,
    )


def _growth(points: Sequence[Point], figure: Callable[[Row], Figure | None]) -> Growth:
    found = [
        (float(point.value), known.value)
        for point in points
        if (known := figure(point.row)) is not None and known.value > 0
    ]
    return Growth(line=line(found), slopes=slopes(found))


def _value(axis: str, row: Row) -> Scalar:
    value = value_on(axis, row.cell)
    if value is None:
        raise AssertionError(f"rows without {axis} were left out before")
    return value


def _sortable(axis: str, values: Iterable[Scalar]) -> bool:
    return axis == THREADS or all(map(_is_number, values))


def _is_number(value: Scalar) -> bool:
    """A bool is a number to Python, and none here."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _order(value: Scalar) -> tuple[bool, float]:
    """Numbers by size, the framework's own choice behind them."""
    return (value == AUTO, 0.0 if isinstance(value, str) else float(value))


def _apart_from(axis: str, cell: Cell, backend: Backend | None = None) -> bytes:
    """The cell without the axis, and without its backend where another is put in."""
    settings = {name: value for name, value in cell.settings.items() if name != axis}
    kept = msgspec.structs.replace(
        cell,
        backend=backend or cell.backend,
        name=msgspec.UNSET if backend else cell.name,
        threads=None if axis == THREADS else cell.threads,
        settings=settings,
    )
    return msgspec.json.encode(kept, order="deterministic")


def _place(row: Row) -> tuple[object, ...]:
    return row.machine_id, whatever_the_settings(row.work)
