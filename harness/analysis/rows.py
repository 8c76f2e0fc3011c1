"""Records of equal trials, put together: one row for each cell and whatever must not be mixed.

The process is the unit of replication (``docs/method.md``): each trial first becomes one figure,
and a row then tells the median trial and the range of trials. The raw samples stay in the records.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from harness.analysis.steps import examples_per_s, step_time_s
from harness.record import BACKENDS, MODES, Cell, Record, Struct

DISTRIBUTIONS = {
    "jax": ("jax",),
    # TensorFlow is published under several names; whichever is installed is the one that ran.
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-macos", "tensorflow-intel"),
    "torch": ("torch",),
}


class Figure(Struct, frozen=True, kw_only=True):
    """One figure of a row.

    ``n`` is the number of units behind ``value``: trials, or seeds for a quality. ``low`` and
    ``high`` are the lowest and highest of them, ``None`` at ``n = 1``, where there is no spread.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int


class Predicted(Struct, frozen=True, kw_only=True):
    """What the trials of a row predicted for one input, in the unit that a person is shown."""

    inputs: dict[str, int]
    shown: Figure


class Row(Struct, frozen=True, kw_only=True):
    """What all trials say that were asked the same and may be put together.

    ``versions`` holds Python, NumPy, Keras and the framework. Times, rates and sizes are medians
    over trials with their range; ``quality`` is the mean of the final metric over seeds. A figure
    is ``None`` where no good trial has it.
    """

    cell: Cell
    machine_id: str | None
    scenario_version: int
    versions: dict[str, str]
    table_sha256: str | None
    synthetic: bool
    seeds: list[int]
    good: int
    failed: int
    step_time_s: Figure | None
    examples_per_s: Figure | None
    first_step_s: Figure | None
    peak_rss_bytes: Figure | None
    peak_device_bytes: Figure | None
    quality: Figure | None
    predictions: list[Predicted]


class Group(Struct, frozen=True, kw_only=True):
    """A row and the records that it was made of."""

    row: Row
    trials: list[Record]


Identity = tuple[object, ...]


def versions(record: Record) -> dict[str, str]:
    """Python, NumPy, Keras and the framework that ran; empty if the record does not tell."""
    if record.environment is None:
        return {}
    environment = record.environment
    return package_set(record.cell.backend, environment.python, environment.packages)


def package_set(backend: str, python: str, packages: Mapping[str, str]) -> dict[str, str]:
    """The versions that can change a figure of ``backend``, of all that are installed."""
    known = {name.lower().replace("_", "-"): version for name, version in packages.items()}
    found = {"python": python}
    found |= {name: known[name] for name in ("numpy", "keras") if name in known}
    for name in DISTRIBUTIONS[backend]:
        if name in known:
            return {**found, backend: known[name]}
    return found


def grouped(records: Iterable[Record]) -> list[Group]:
    """Group records by equal cell, machine, scenario version, versions, data and synthetic flag.

    A trial that failed early does not know its machine or data; it is counted in the first group
    of its cell that nothing it knows speaks against.
    """
    groups: dict[Identity, list[Record]] = defaultdict(list)
    failed: list[Record] = []
    for record in records:
        if record.status == "ok":
            groups[_identity(record)].append(record)
        else:
            failed.append(record)
    by_cell: dict[object, list[Identity]] = defaultdict(list)
    for identity in groups:
        by_cell[identity[0]].append(identity)
    for record in failed:
        known = _known(record)
        home = next((i for i in by_cell[known[0]] if _agrees(known, i)), None)
        if home is None:
            home = _identity(record)
            by_cell[home[0]].append(home)
        groups[home].append(record)
    made = [Group(row=_row(trials), trials=trials) for trials in groups.values()]
    return sorted(made, key=lambda group: _order(group.row))


def median_and_range(values: Sequence[float]) -> Figure | None:
    """The median with the lowest and highest value; ``None`` of nothing."""
    return _figure(values, statistics.median)


def mean_and_range(values: Sequence[float]) -> Figure | None:
    """The mean with the lowest and highest value; ``None`` of nothing."""
    return _figure(values, statistics.fmean)


def _figure(values: Sequence[float], middle: Callable[[Sequence[float]], float]) -> Figure | None:
    if not values:
        return None
    if len(values) == 1:
        return Figure(value=values[0], n=1)
    low, high = min(values), max(values)
    # Rounding may put a mean of equal values just outside of them.
    return Figure(value=min(max(middle(values), low), high), low=low, high=high, n=len(values))


def _identity(record: Record) -> Identity:
    return (
        msgspec.json.encode(record.cell, order="deterministic"),
        record.scenario_version,
        record.environment and record.environment.machine_id,
        tuple(sorted(versions(record).items())),
        record.hashes and record.hashes.table,
        record.synthetic,
    )


def _known(record: Record) -> Identity:
    """The identity of a failed trial, ``None`` where it had not got far enough to know."""
    cell, scenario_version, machine, packages, table, synthetic = _identity(record)
    # Without its framework the list of packages is that of the launcher, not of the trial.
    complete = record.cell.backend in versions(record)
    known = packages if complete else None
    return (cell, scenario_version, machine, known, table, synthetic or None)


def _agrees(known: Identity, identity: Identity) -> bool:
    return all(a is None or a == b for a, b in zip(known, identity, strict=True))


def _row(trials: list[Record]) -> Row:
    good = [record for record in trials if record.status == "ok"]
    first = (good or trials)[0]
    return Row(
        cell=first.cell,
        machine_id=first.environment.machine_id if first.environment else None,
        scenario_version=first.scenario_version,
        versions=versions(first),
        table_sha256=first.hashes.table if first.hashes else None,
        synthetic=first.synthetic,
        seeds=sorted({record.seed for record in good}),
        good=len(good),
        failed=len(trials) - len(good),
        step_time_s=_over(good, step_time_s),
        examples_per_s=_over(good, examples_per_s),
        first_step_s=_over(good, lambda r: r.phases.first_step_s if r.phases else None),
        peak_rss_bytes=_over(good, lambda r: r.memory.peak_rss_bytes if r.memory else None),
        peak_device_bytes=_over(good, lambda r: r.memory.peak_device_bytes if r.memory else None),
        quality=_quality(good),
        predictions=_predictions(good),
    )


def _over(trials: list[Record], figure: Callable[[Record], float | None]) -> Figure | None:
    return median_and_range([value for r in trials if (value := figure(r)) is not None])


def _quality(trials: list[Record]) -> Figure | None:
    """Mean over seeds: a seed that was run twice repeats itself and must not count twice."""
    by_seed: dict[int, list[float]] = defaultdict(list)
    for record in trials:
        if record.quality is not None:
            by_seed[record.seed].append(record.quality.value)
    return mean_and_range([statistics.fmean(values) for values in by_seed.values()])


def _predictions(trials: list[Record]) -> list[Predicted]:
    shown: dict[tuple[tuple[str, int], ...], list[float]] = defaultdict(list)
    for record in trials:
        for prediction in record.predictions:
            shown[tuple(prediction.inputs.items())].append(prediction.shown)
    return [
        Predicted(inputs=dict(inputs), shown=figure)
        for inputs, values in shown.items()
        if (figure := mean_and_range(values)) is not None
    ]


def _order(row: Row) -> tuple[object, ...]:
    """Never by speed: a table in the order of its figures would be read as a ranking."""
    cell = row.cell
    variant = (
        MODES.index(cell.mode),
        cell.init,
        cell.threads or 0,
        sorted(map(str, cell.settings.items())),
    )
    where = (row.scenario_version, row.machine_id or "", row.table_sha256 or "", row.synthetic)
    backend = BACKENDS.index(cell.backend)
    return (cell.scenario, cell.device, *where, variant, backend, sorted(row.versions.items()))
