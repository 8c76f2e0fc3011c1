"""What may not be compared with what: machines, data, versions, drift, load, and quality.

Each function yields the notes (:class:`harness.analysis.notes.Note`) of one kind. They say what
stands against a comparison; they compare nothing themselves.
"""

from __future__ import annotations

import itertools
import shlex
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from harness.analysis.notes import Note, joined, note, share, started
from harness.analysis.rows import Group
from harness.record import MODES, Cell, Record

AFTER_A_TRIAL_S = 180.0
"""The load average of one minute still shows a trial that ended this long ago (exp(-3) = 5%)."""

OWN_FOLDER = "--results results/interleaved"
"""Beside trials that were measured in blocks, interleaved ones would prove nothing."""

ALIASES = {"jax": "jax", "tensorflow": "tf", "torch": "torch"}
"""Backends as the tox environments and ``--backend`` call them."""


def several_machines(groups: Sequence[Group]) -> Iterator[Note]:
    """Records of more than one machine."""
    for scenario, mine in _by_scenario(groups):
        machines = {g.row.machine_id for g in mine if g.row.machine_id is not None}
        if len(machines) > 1:
            yield note(
                "several-machines",
                f"Records of {scenario} come from {len(machines)} machines. Rows of different "
                "machines cannot be ranked at all, only read one by one. To rank, measure all "
                "backends on one machine:",
                _interleave(scenario, mine),
            )


def other_work(groups: Sequence[Group]) -> Iterator[Note]:
    """Rows that were not given the same work: another scenario version or other data."""
    for scenario, mine in _by_scenario(groups):
        numbers = sorted({g.row.scenario_version for g in mine})
        if len(numbers) > 1:
            yield note(
                "several-scenario-versions",
                f"Rows of {scenario} come from versions {joined(map(str, numbers))} of the "
                "scenario, which train different things and cannot be compared.",
            )
        tables = {g.row.table_sha256 for g in mine if g.row.table_sha256 is not None}
        if len(tables) > 1:
            yield note(
                "several-tables",
                f"Rows of {scenario} were trained on {len(tables)} different tables of data, "
                "so neither their quality nor their times can be compared.",
            )


def several_versions(groups: Sequence[Group]) -> Iterator[Note]:
    """Packages that ran in more than one version."""
    for scenario, mine in _by_scenario(groups):
        seen: dict[str, set[str]] = defaultdict(set)
        for group in mine:
            for name, version in group.row.versions.items():
                seen[name].add(version)
        differing = [f"{n} {joined(sorted(v))}" for n, v in sorted(seen.items()) if len(v) > 1]
        if differing:
            yield note(
                "several-versions",
                f"Rows of {scenario} differ in package versions: {'; '.join(differing)}. A "
                "difference between such rows may come from the package, not from the backend.",
            )


def not_interleaved(groups: Sequence[Group]) -> Iterator[Note]:
    """Cells of one machine and device that were measured in blocks, one after the other."""
    by_place: dict[tuple[str, str, str | None], list[Group]] = defaultdict(list)
    for group in groups:
        cell = group.row.cell
        by_place[cell.scenario, cell.device, group.row.machine_id].append(group)
    for (scenario, device, _), mine in by_place.items():
        apart = blocks(mine)
        if len(apart) > 1:
            names = "; ".join(joined(_rung(group.row.cell) for group in one) for one in apart)
            yield note(
                "not-interleaved",
                f"The {device} cells of {scenario} were measured in {len(apart)} separate blocks, "
                f"one after the other, not in interleaved rounds ({names}): figures of different "
                "blocks may have drifted apart, so they are no ranking. To interleave them:",
                _interleave(scenario, mine),
            )


def blocks(groups: Sequence[Group]) -> list[list[Group]]:
    """Put those together that were interleaved with each other, be it through a third."""
    found: list[list[Group]] = []
    for group in groups:
        near = [block for block in found if any(interleaved(group, other) for other in block)]
        found = [block for block in found if block not in near]
        found.append([*(other for block in near for other in block), group])
    return found


def interleaved(a: Group, b: Group) -> bool:
    """Whether at least three quarters of the trials of two cells stand beside one of the other's.

    Where all records have a ``run_id``, that is told by the rounds that both have in common.
    Older ones have only the campaign's name and the round, which prove nothing: three tox
    environments that each run their three rounds into one folder give them the same. There, beside
    means: of the same campaign and round, with no other trial of the two cells between, and a
    single round interleaves nothing.
    """
    if all(record.run_id is not None for group in (a, b) for record in group.trials):
        first, second = ({(r.run_id, r.round) for r in group.trials} for group in (a, b))
        return 4 * len(first & second) >= 3 * max(len(first), len(second))
    trials = sorted(
        (started(record), i, (record.campaign, record.round))
        for i, group in enumerate((a, b))
        for record in group.trials
    )
    pairs = sum(
        one_round == next_round and one != other
        for (_, one, one_round), (_, other, next_round) in itertools.pairwise(trials)
    )
    # Not all, since a trial may be lost; not half, or three rounds would excuse three in a block.
    return pairs > 1 and 8 * pairs >= 3 * len(trials)


def loaded_machine(groups: Sequence[Group]) -> Iterator[Note]:
    """Trials that began while other programs used more than half of the cores."""
    trials = sorted((r for g in groups for r in g.trials if r.environment), key=started)
    ended: dict[str, float] = {}
    measured, loaded = 0, list[tuple[float, Record]]()
    for record in trials:
        machine = record.environment
        if machine is None or machine.load_average is None:
            continue
        measured += 1
        limit = machine.cpu.logical_cores / 2
        # In a campaign the trial just before fills the load average, up to all cores; only what
        # is beyond that is other work. Without this, every campaign would be called disturbed.
        if started(record) - ended.get(machine.machine_id, float("-inf")) < AFTER_A_TRIAL_S:
            limit += machine.cpu.logical_cores
        if machine.load_average > limit:
            loaded.append((machine.load_average, record))
        ended[machine.machine_id] = started(record) + record.duration_s
    if loaded:
        highest, record = max(loaded, key=lambda pair: pair[0])
        cores = record.environment.cpu.logical_cores if record.environment else 0
        yield note(
            "loaded-machine",
            f"Other programs were busy before {share(len(loaded), measured, 'trial')}: load "
            f"average up to {highest:.1f} on {cores} cores. Times may be many times too long. "
            "To see whether a machine is quiet:",
            "harness doctor",
        )


def quality_differs(groups: Sequence[Group], tolerances: Mapping[str, float]) -> Iterator[Note]:
    """Backends that ended apart from equal seeds and equal initial weights.

    Compared are cells that differ in backend and mode alone, since every mode trains one model.
    ``tolerances`` are those of the scenarios' metrics; a scenario that is not known here is not
    judged.
    """
    alike: dict[tuple[object, ...], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for group in groups:
        row, cell = group.row, group.row.cell
        if cell.init != "common" or cell.scenario not in tolerances:
            continue
        plain = msgspec.structs.replace(cell, backend="jax", mode="fit")
        work = msgspec.json.encode(plain, order="sorted")
        asked = (cell.scenario, work, row.scenario_version, row.table_sha256, row.synthetic)
        for record in group.trials:
            if record.status == "ok" and record.quality is not None:
                alike[*asked, record.seed][_rung(cell)].append(record.quality.value)
    apart: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for (scenario, *_, seed), values in alike.items():
        ends = sorted((statistics.fmean(v), name) for name, v in values.items())
        (low, low_name), (high, high_name) = ends[0], ends[-1]
        if high - low > tolerances[str(scenario)]:
            text = f"seed {seed}, {low_name} ended at {low:.5f} and {high_name} at {high:.5f}"
            apart[str(scenario)].append((high - low, text))
    for scenario, cases in apart.items():
        difference, text = max(cases)
        yield note(
            "quality-differs",
            f"Not all cells learned the same in {scenario}: from equal initial weights "
            f"and {text}, {difference:.5f} apart where {tolerances[scenario]:.5f} is allowed"
            + (f" (the widest of {len(cases)} such cases)." if len(cases) > 1 else "."),
        )


def _by_scenario(groups: Sequence[Group]) -> list[tuple[str, list[Group]]]:
    found: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        found[group.row.cell.scenario].append(group)
    return list(found.items())


def _interleave(scenario: str, groups: Sequence[Group]) -> str:
    backends = {g.row.cell.backend for g in groups}
    if len(backends) == 1:
        backends = set(ALIASES)  # type: ignore[arg-type]
    gpu = all(g.row.cell.device == "gpu" for g in groups)
    names = ",".join(alias for backend, alias in ALIASES.items() if backend in backends)
    where = " --device gpu" if gpu else ""
    modes = [mode for mode in MODES if mode in {g.row.cell.mode for g in groups}]
    how = "" if modes == ["fit"] else f" --mode {','.join(modes)}"
    return f"harness run {shlex.quote(scenario)} --backend {names}{where}{how} {OWN_FOLDER}"


def _rung(cell: Cell) -> str:
    """The backend, and the mode where it is not the tutorial's."""
    return cell.backend if cell.mode == "fit" else f"{cell.backend} {cell.mode}"
