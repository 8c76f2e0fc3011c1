"""Records of equal trials, put together: one row for each cell and whatever must not be mixed.

The process is the unit of replication (``docs/method.md``): each trial first becomes one figure,
and a row then tells the median trial and the range of trials. The raw samples stay in the records.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from harness.analysis.figures import FIGURES, values
from harness.analysis.work import Work, asked, cell_key, value_order, work_of
from harness.backends import BACKENDS, package_set
from harness.records.cell import MODES, Cell, Struct
from harness.records.trial import Record


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


Elsewhere = tuple[bytes, Work, tuple[tuple[str, str], ...]]
"""A cell, its work and its versions: what a row has in common with that of another machine."""


class Row(Struct, frozen=True, kw_only=True):
    """What all trials say that were asked the same and may be put together.

    ``versions`` holds Python, NumPy, Keras and the framework. ``apart`` holds, by name, whatever
    else tells this row from the others of its cell: versions, the machine, the data; it is empty
    where the cell has one row. ``steps`` are those of an epoch, ``device_name`` is that of the
    hardware. Times, rates and sizes are medians over trials with their range; ``quality`` is the
    mean of the final metric over seeds. A figure is ``None`` where no good trial has it. A row
    without any good trial tells what all of its failed ones know.
    """

    cell: Cell
    apart: dict[str, str]
    machine_id: str | None
    device_name: str | None = None
    scenario_version: int
    versions: dict[str, str]
    table_sha256: str | None
    split_sha256: str | None = None
    steps: int | None = None
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
    cpu_step_s: Figure | None = None
    busy_cores: Figure | None = None

    @property
    def work(self) -> Work:
        """The work that all trials of the row did."""
        return Work(
            scenario_version=self.scenario_version,
            synthetic=self.synthetic,
            table=self.table_sha256,
            split=self.split_sha256,
            steps=self.steps,
        )

    def family(
        self, *, but: Collection[str] = ("backend", "mode"), machine: bool = True
    ) -> tuple[object, ...]:
        """What rows that may be ranked have in common: what was asked, the machine, the work.

        Without the ``machine`` what they have in common with those of others.
        """
        return asked(self.cell, but=but), self.machine_id if machine else None, self.work

    @property
    def elsewhere(self) -> Elsewhere:
        """What tells the row from all but those that are the same on another machine."""
        return cell_key(self.cell), self.work, tuple(sorted(self.versions.items()))

    @property
    def name(self) -> str:
        """The backend, with what tells it from others: ``jax, keras 3.14.0``, ``jax (old)``."""
        return named(self.cell, self.apart)


class Group(Struct, frozen=True, kw_only=True):
    """A row and the records that it was made of."""

    row: Row
    trials: list[Record]

    @property
    def good(self) -> list[Record]:
        """The trials that left a measurement."""
        return [record for record in self.trials if record.status == "ok"]


Facts = dict[str, Any]
"""What a record knows of the things that must not be mixed, by name; unknown ones are left out."""

OF_THE_WORK = ("scenario version", "synthetic", "table", "split", "steps")
MACHINE = "machine"
PLAIN = (*OF_THE_WORK, MACHINE)
"""Names in :attr:`Row.apart` that tables have columns and words of their own for."""


def versions(record: Record) -> dict[str, str]:
    """Python, NumPy, Keras and the framework that ran; empty if the record does not tell."""
    if record.environment is None:
        return {}
    environment = record.environment
    return package_set(record.cell.backend, environment.python, environment.packages)


def grouped(records: Iterable[Record]) -> list[Group]:
    """Put those records together that may be pooled: one group for each :class:`Row`.

    The good trials of a group agree in cell, work, machine, device and package versions. A good
    trial whose record is silent about some of that joins the one group that nothing it knows speaks
    against; where there are several, it stands alone. A failed trial is counted in a group of its
    cell that has good ones, whatever else it knows, so that it changes nothing else; those of a
    machine without a good one make a group, as the failed trials of a cell without a good one do.
    """
    cells: dict[bytes, list[Record]] = defaultdict(list)
    for record in records:
        cells[cell_key(record.cell)].append(record)
    made = [group for trials in cells.values() for group in _of_cell(trials)]
    return sorted(made, key=lambda group: _order(group.row))


def with_measurements(groups: Sequence[Group]) -> list[Group]:
    """The groups with a good trial; all of them if there is none, since nothing else is there."""
    return [group for group in groups if group.row.good] or list(groups)


def named(cell: Cell, apart: Mapping[str, str], *, mode: bool = False) -> str:
    """A cell as one of its rows: ``jax, keras 3.14.0``, with its mode if that is asked for."""
    return (f"{cell.place} {cell.mode}" if mode else cell.place) + distinction(apart)


def distinction(apart: Mapping[str, str]) -> str:
    """What stands behind the name of a row: ``, keras 3.14.0``, or nothing.

    Work and machine are left out, since tables have columns for them.
    """
    return "".join(f", {name} {value}" for name, value in apart.items() if name not in PLAIN)


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


def _of_cell(trials: Sequence[Record]) -> list[Group]:
    exact: dict[frozenset[tuple[str, Any]], list[int]] = defaultdict(list)
    for i, record in enumerate(trials):
        if record.status == "ok":
            exact[frozenset(_facts(record).items())].append(i)
    homes: list[tuple[Facts, list[int]]] = []
    # Those that tell most come first, so that silent ones find where they belong.
    for _, members in sorted(exact.items(), key=lambda each: (-len(each[0]), each[1])):
        facts = _facts(trials[members[0]])
        agreeing = [home for home in homes if not _disagree(facts, home[0])]
        if len(agreeing) == 1:
            home, others = agreeing[0]
            home.update(facts | home)
            others.extend(members)
        else:
            homes.append((facts, members))
    homes.sort(key=lambda home: home[1])
    failed = [i for i, record in enumerate(trials) if record.status != "ok"]
    if not homes:
        return [_of_failed(trials, {})]
    told = [_apart(facts, [other for other, _ in homes]) for facts, _ in homes]
    machines = {facts.get(MACHINE) for facts, _ in homes}
    elsewhere: dict[str, list[Record]] = defaultdict(list)
    for i in failed:
        facts = _facts(trials[i])
        machine = facts.get(MACHINE)
        if machine is not None and None not in machines and machine not in machines:
            elsewhere[machine].append(trials[i])
        else:
            _home(facts, homes)[1].append(i)
    groups = []
    for (facts, members), apart in zip(homes, told, strict=True):
        mine = [trials[i] for i in sorted(members)]
        groups.append(Group(row=_row(facts, apart, mine), trials=mine))
    return [*groups, *(_of_failed(mine, {MACHINE: name}) for name, mine in elsewhere.items())]


def _of_failed(trials: Sequence[Record], apart: dict[str, str]) -> Group:
    """Trials without a good one beside them, with what all of them know."""
    known = [_facts(record) for record in trials]
    common = {k: v for k, v in known[0].items() if all(v == each.get(k) for each in known)}
    return Group(row=_row(common, apart, list(trials)), trials=list(trials))


def _home(facts: Facts, homes: list[tuple[Facts, list[int]]]) -> tuple[Facts, list[int]]:
    """Where a failed trial is counted: on its machine, and where it differs in least."""
    return min(
        homes,
        key=lambda home: (home[0].get(MACHINE) != facts.get(MACHINE), _disagree(facts, home[0])),
    )


def _facts(record: Record) -> Facts:
    good, environment = record.status == "ok", record.environment
    packages = versions(record)
    # Without its framework the list of packages is that of the launcher, not of the trial.
    complete = good or record.cell.backend in packages
    work = work_of(record)
    known: Facts = {
        "scenario version": work.scenario_version,
        # A trial that failed early does not know yet that its data are generated.
        "synthetic": work.synthetic if good else (work.synthetic or None),
        MACHINE: environment.machine_id if environment else None,
        "table": work.table,
        "split": work.split,
        "steps": work.steps if good else None,
        "device": record.device.name if record.device else None,
        **(packages if complete else {}),
    }
    return {name: value for name, value in known.items() if value is not None}


def _disagree(facts: Facts, others: Facts) -> int:
    """In how many things of which both tell they differ."""
    return sum(others.get(name, value) != value for name, value in facts.items())


def _apart(facts: Facts, others: Sequence[Facts]) -> dict[str, str]:
    """What tells one row from the others of its cell, in the order in which it is told."""
    names = dict.fromkeys(name for each in others for name in each)
    order = ["scenario version", "synthetic", MACHINE, "table", "split", "steps", "device"]
    apart = {
        name: str(facts.get(name, "unknown"))
        for name in sorted(names, key=lambda name: (*order, "python", "numpy", name).index(name))
        if len({each.get(name) for each in others}) > 1
    }
    places = {(each.get(MACHINE), each.get("device")) for each in others}
    if len(places) == len({machine for machine, _ in places}):
        apart.pop("device", None)  # the machine says which it is
    return apart


def _row(facts: Facts, apart: dict[str, str], trials: list[Record]) -> Row:
    good = [record for record in trials if record.status == "ok"]
    first = (good or trials)[0]
    packages = ("python", "numpy", "keras", first.cell.backend)
    return Row(
        cell=first.cell,
        apart=apart,
        machine_id=facts.get(MACHINE),
        device_name=facts.get("device"),
        scenario_version=facts.get("scenario version", first.scenario_version),
        versions={name: facts[name] for name in packages if name in facts},
        table_sha256=facts.get("table"),
        split_sha256=facts.get("split"),
        steps=facts.get("steps"),
        synthetic=facts.get("synthetic", False),
        seeds=sorted({record.seed for record in good}),
        good=len(good),
        failed=len(trials) - len(good),
        quality=_quality(good),
        predictions=_predictions(good),
        **{figure.key: median_and_range(values(good, figure.key)) for figure in FIGURES},
    )


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
        sorted((name, value_order(value)) for name, value in cell.settings.items()),
    )
    where = (row.scenario_version, row.machine_id or "", row.table_sha256 or "", row.synthetic)
    last = (sorted(row.versions.items()), row.split_sha256 or "", row.steps or 0)
    backend = BACKENDS.index(cell.backend)
    # Those without a measurement know too little to find a place among the others.
    place = (backend, cell.name or "")
    return (cell.scenario, cell.device, not row.good, *where, variant, *place, *last)
