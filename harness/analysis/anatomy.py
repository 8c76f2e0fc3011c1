"""Where the time of a ``fit`` step goes: parts from paired ablations, and whether they add up.

Inside a process a variant's step time is the median over its rounds, and a part is the difference
of two neighbouring variants. So the parts of one process add up to its ``fit`` by construction;
whether that is *the* step time is checked against a second ``fit`` of the same rounds, of which no
part is made. The process is the unit: a part's interval is over processes.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from harness.analysis.speed.disturbed import taken_by_others
from harness.analysis.speed.interval import MINIMUM_ROUNDS, interval
from harness.analysis.work import cell_key
from harness.backends import BACKENDS, package_set
from harness.records.anatomy import (
    AGAIN,
    AS_IT_IS,
    PARTS,
    REMOVED,
    REST,
    AnatomyRecord,
    Part,
    Variant,
    VariantName,
)
from harness.records.cell import Cell, Struct

ADDS_UP = 0.10
"""Share of the step time that the parts may miss (issue 4, part 3)."""


Kind = tuple[tuple[str, str], ...]
"""Versions, of packages and of the scenario, by name."""

Key = tuple[bytes, str | None, Kind]


class Located(Struct, frozen=True, kw_only=True):
    """A time over processes, in seconds.

    From four processes on ``low`` and ``high`` are the 95% interval about the Hodges-Lehmann
    estimate; below, the lowest and the highest process about the median (``interval`` is false).
    """

    estimate_s: float
    low_s: float
    high_s: float
    interval: bool


class PartTime(Struct, frozen=True, kw_only=True):
    """What a part takes of a step.

    ``names`` holds more than one where the ablation between them was not possible. A part may be
    negative: without it a step was no faster.
    """

    names: list[Part]
    time: Located


class Absent(Struct, frozen=True, kw_only=True):
    """An ablation that this scenario does not allow, and what happened."""

    name: VariantName
    why: str


class Anatomy(Struct, frozen=True, kw_only=True):
    """The step of one cell on one machine, as one run of ``harness anatomy`` measured it.

    ``apart`` tells it from others of its cell: versions of packages or of the scenario.
    ``sum_s`` is that of the estimates of all parts, ``measured`` the step time of the second
    ``fit``, ``misses`` the share of it by which the sum is too large (negative: too small).
    """

    cell: Cell
    apart: dict[str, str]
    machine_id: str | None
    run_id: str
    started_at: str
    processes: int
    failed: int
    disturbed: int
    rounds: int
    steps: int
    optimizer: str
    metrics: list[str]
    synthetic: bool
    measured: Located
    parts: list[PartTime]
    absent: list[Absent]

    @property
    def sum_s(self) -> float:
        """All parts together, in seconds."""
        return sum(part.time.estimate_s for part in self.parts)

    @property
    def misses(self) -> float:
        """How far the sum is off, as a share of the measured step time."""
        return self.sum_s / self.measured.estimate_s - 1

    @property
    def adds_up(self) -> bool:
        """Whether the sum is near enough."""
        return abs(self.misses) <= ADDS_UP


def anatomies(records: Iterable[AnatomyRecord]) -> list[Anatomy]:
    """One anatomy of each cell, machine and set of versions with a good process, of the latest run.

    A process that failed early knows neither; the others of its run do.
    """
    runs: dict[object, list[AnatomyRecord]] = defaultdict(list)
    for record in records:
        runs[cell_key(record.cell), record.run_id].append(record)
    latest: dict[Key, list[AnatomyRecord]] = {}
    facts: dict[Key, dict[str, str]] = {}
    for run in sorted(runs.values(), key=_began):
        failed = [record for record in run if record.status != "ok"]
        kinds: dict[tuple[str | None, Kind], list[AnatomyRecord]] = defaultdict(list)
        for record in run:
            if record.status == "ok":
                told = _facts(record)
                kinds[_machine_id(record), tuple(told.items())].append(record)
        for place, ((machine_id, kind), good) in enumerate(kinds.items()):
            key = (cell_key(run[0].cell), machine_id, kind)
            latest[key] = [*good, *(failed if place == 0 else ())]
            facts[key] = dict(kind)
    made = []
    for key, run in latest.items():
        alike = [facts[other] for other in latest if other[:2] == key[:2]]
        apart = {
            name: value
            for name, value in facts[key].items()
            if len({each.get(name) for each in alike}) > 1
        }
        made.append(msgspec.structs.replace(_anatomy(run), apart=apart))
    return sorted(made, key=_order)


def step_times_s(record: AnatomyRecord) -> dict[VariantName, float]:
    """The step time of each variant that was measured: the median over all its timed epochs."""
    steps = record.steps or 1
    return {
        variant.name: statistics.median(
            wall_s / steps for visit in variant.visits for wall_s in visit.epochs_s
        )
        for variant in record.variants
        if _was_measured(variant)
    }


def parts_of(times_s: Mapping[VariantName, float]) -> dict[tuple[Part, ...], float]:
    """The parts of one process, in seconds; they add up to the step time of ``fit``.

    Where an ablation is missing, its part and the next one cannot be told apart and stand together.
    """
    parts: dict[tuple[Part, ...], float] = {}
    above, names = times_s[AS_IT_IS], list[Part]()
    for variant, part in REMOVED.items():
        names.append(part)
        if variant in times_s:
            parts[tuple(names)] = above - times_s[variant]
            above, names = times_s[variant], []
    parts[(*names, REST)] = above
    return parts


def located(values_s: Sequence[float]) -> Located:
    """A time from those of all processes, at least one."""
    if len(values_s) < MINIMUM_ROUNDS:
        return Located(
            estimate_s=statistics.median(values_s),
            low_s=min(values_s),
            high_s=max(values_s),
            interval=False,
        )
    found = interval(values_s)
    return Located(estimate_s=found.estimate, low_s=found.low, high_s=found.high, interval=True)


def _anatomy(records: Sequence[AnatomyRecord]) -> Anatomy:
    good = [record for record in records if record.status == "ok"]
    times = [step_times_s(record) for record in good]
    # A variant that one process could not measure is told of all: parts are over the same ones.
    common = set.intersection(*(set(one) for one in times))
    each = [parts_of({name: one[name] for name in common}) for one in times]
    parts = [
        PartTime(names=list(names), time=located([one[names] for one in each])) for names in each[0]
    ]
    first = good[0]
    return Anatomy(
        cell=first.cell,
        apart={},
        machine_id=_machine_id(first),
        run_id=first.run_id,
        started_at=min(record.started_at for record in records),
        processes=len(good),
        failed=len(records) - len(good),
        disturbed=sum(bool(_taken(record)) for record in good),
        rounds=max(len(variant.visits) for record in good for variant in record.variants),
        steps=first.steps or 1,
        optimizer=first.optimizer or "",
        metrics=first.metrics,
        synthetic=any(record.synthetic for record in good),
        measured=located([one[AGAIN if AGAIN in common else AS_IT_IS] for one in times]),
        parts=sorted(parts, key=lambda part: PARTS.index(part.names[-1])),
        absent=_absent(good),
    )


def _absent(records: Iterable[AnatomyRecord]) -> list[Absent]:
    found = {
        variant.name: variant.why or "it was not measured"
        for record in records
        for variant in record.variants
        if not _was_measured(variant)
    }
    return [Absent(name=name, why=why) for name, why in found.items()]


def _was_measured(variant: Variant) -> bool:
    return any(visit.epochs_s for visit in variant.visits)


def _taken(record: AnatomyRecord) -> list[str]:
    cores = record.environment.cpu.logical_cores if record.environment else None
    return taken_by_others(record.disturbance, cores)


def _machine_id(record: AnatomyRecord) -> str | None:
    return record.environment.machine_id if record.environment else None


def _facts(record: AnatomyRecord) -> dict[str, str]:
    """What two anatomies of one cell may differ in."""
    there = record.environment
    packages = (
        package_set(record.cell.backend, there.python, there.packages) if there is not None else {}
    )
    return {"scenario version": str(record.scenario_version), **packages}


def _began(run: Sequence[AnatomyRecord]) -> str:
    return min(record.started_at for record in run)


def _order(anatomy: Anatomy) -> tuple[object, ...]:
    cell = anatomy.cell
    settings = sorted(map(str, cell.settings.items()))
    place = (BACKENDS.index(cell.backend), cell.name or "")
    apart = sorted(anatomy.apart.items())
    return (cell.scenario, cell.device, cell.threads or 0, settings, place, apart)
