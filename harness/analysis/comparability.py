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

from harness.analysis.couples import couples
from harness.analysis.notes import Note, note, started
from harness.analysis.quality import draws, of_couples
from harness.analysis.rows import Group, Row, named
from harness.analysis.speed.interval import MINIMUM_ROUNDS
from harness.analysis.speed.rounds_needed import MOST_ROUNDS
from harness.analysis.work import asked
from harness.backends import BACKENDS, FACTS
from harness.records.trial import MODES, Record
from harness.words import joined, share

AFTER_A_TRIAL_S = 180.0
"""The load average of one minute still shows a trial that ended this long ago (exp(-3) = 5%)."""

OWN_FOLDER = "--results results/interleaved"
"""Beside trials that were measured in blocks, interleaved ones would prove nothing."""


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
    """Rows that were not given the same work: another scenario version, other data or steps."""
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
    for couple in couples(groups):
        one, other = couple.first.row, couple.second.row
        # The notes above tell what is the matter with the version and the table.
        if not couple.same_work and (one.scenario_version, one.table_sha256) == (
            other.scenario_version,
            other.table_sha256,
        ):
            yield note(
                "other-work",
                f"Rows of {one.cell.scenario} were asked the same, yet it was {couple.why}. So "
                "neither their quality nor their times can be compared.",
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
    for group in (group for group in groups if group.row.good):
        cell = group.row.cell
        by_place[cell.scenario, cell.device, group.row.machine_id].append(group)
    for (scenario, device, _), mine in by_place.items():
        apart = blocks(mine)
        if len(apart) > 1:
            names = "; ".join(joined(_rung(group.row) for group in one) for one in apart)
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

    Asked is about good trials alone. That a neighbour failed takes nothing away from the round that
    it ran in, so where rounds prove something, failed ones count as neighbours.
    """
    if all(record.run_id is not None for group in (a, b) for record in group.good):
        good = [{(r.run_id, r.round) for r in group.good} for group in (a, b)]
        tried = [{(r.run_id, r.round) for r in group.trials} for group in (a, b)]
        beside = (good[0] & tried[1], good[1] & tried[0])
        return all(4 * len(mine) >= 3 * len(own) for mine, own in zip(beside, good, strict=True))
    trials = sorted(
        (started(record), i, (record.campaign, record.round))
        for i, group in enumerate((a, b))
        for record in group.good
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
        good = record.status == "ok"
        measured += good
        limit = machine.cpu.logical_cores / 2
        # In a campaign the trial just before fills the load average, up to all cores; only what
        # is beyond that is other work. Without this, every campaign would be called disturbed.
        if started(record) - ended.get(machine.machine_id, float("-inf")) < AFTER_A_TRIAL_S:
            limit += machine.cpu.logical_cores
        if good and machine.load_average > limit:
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

    Compared are rows that did the same work and differ in backend, mode or versions alone, since
    every mode trains one model. Where the model draws random numbers in training, equal seeds do
    not give equal masks, so that no single seed tells anything: these are judged over seeds.
    ``tolerances`` are those of the scenarios' metrics; a scenario that is not known here is not
    judged.
    """
    families: dict[object, list[Group]] = defaultdict(list)
    for group in groups:
        cell = group.row.cell
        if group.row.good and cell.init == "common" and cell.scenario in tolerances:
            families[asked(cell), group.row.work].append(group)
    apart: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for family in families.values():
        scenario = family[0].row.cell.scenario
        yield from _other_weights(family)
        if not any(draws(group.good) for group in family):
            apart[scenario] += _seed_by_seed(family, tolerances[scenario])
    for scenario, cases in apart.items():
        if cases:
            difference, text = max(cases)
            yield note(
                "quality-differs",
                f"Not all cells learned the same in {scenario}: from equal initial weights "
                f"and {text}, {difference:.5f} apart where {tolerances[scenario]:.5f} is allowed"
                + (f" (the widest of {len(cases)} such cases)." if len(cases) > 1 else "."),
            )
    yield from _over_seeds(groups, tolerances)


def _other_weights(family: Sequence[Group]) -> Iterator[Note]:
    """Rows that were to begin from common weights and did not."""
    began: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for group in family:
        for record in group.good:
            if record.hashes is not None:
                began[record.seed][record.hashes.initial_weights].append(_rung(group.row))
    for seed, weights in began.items():
        if len(weights) > 1:
            names = "; ".join(joined(dict.fromkeys(rungs)) for rungs in weights.values())
            yield note(
                "initial-weights",
                f"Rows of {family[0].row.cell.scenario} were to begin from common weights, and on "
                f"seed {seed} began from {len(weights)} different sets ({names}): what they "
                "learned cannot be compared seed by seed.",
            )
            return


def _seed_by_seed(family: Sequence[Group], tolerance: float) -> Iterator[tuple[float, str]]:
    """Every seed on which two rows that began from equal weights ended too far apart."""
    values: dict[tuple[int, str | None], dict[str, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for group in family:
        for record in group.good:
            if record.quality is not None:
                weights = record.hashes.initial_weights if record.hashes else None
                values[record.seed, weights][_rung(group.row)].append(record.quality.value)
    for (seed, _), ended in values.items():
        ends = sorted((statistics.fmean(v), name) for name, v in ended.items())
        (low, low_name), (high, high_name) = ends[0], ends[-1]
        if high - low > tolerance:
            text = f"seed {seed}, {low_name} ended at {low:.5f} and {high_name} at {high:.5f}"
            yield high - low, text


def _over_seeds(groups: Sequence[Group], tolerances: Mapping[str, float]) -> Iterator[Note]:
    """What the seeds together say of rows whose model draws random numbers in training."""
    both = couples(groups)
    hidden: dict[str, list[tuple[str, int | None]]] = defaultdict(list)
    for couple, found in zip(both, of_couples(both, tolerances), strict=True):
        first, second = couple.first, couple.second
        if found is None or not (draws(first.good) or draws(second.good)):
            continue
        scenario, names = first.row.cell.scenario, f"{_rung(first.row)} and {_rung(second.row)}"
        if found.kind in {"better", "worse"} and found.difference is not None:
            yield note(
                "quality-differs",
                f"Not all cells learned the same in {scenario}: over {found.seeds} seeds {names} "
                f"ended {abs(found.difference):.5f} apart where {found.tolerance:.5f} is allowed, "
                "more than the seed's randomness explains.",
            )
        elif found.kind == "undecided":
            hidden[scenario].append((names, found.seeds_needed))
    for scenario, pairs in hidden.items():
        yield note(
            "seed-randomness",
            f"The model of {scenario} draws random numbers in training, each backend its own, so "
            "that equal seeds do not give equal quality. The seed's randomness hides whether "
            f"{'; '.join(dict.fromkeys(names for names, _ in pairs))} learn the same within "
            f"{tolerances[scenario]:.5f}: {_seeds([needed for _, needed in pairs])}",
        )


def _seeds(needed: Sequence[int | None]) -> str:
    """How many seeds would tell."""
    known = [seeds for seeds in needed if seeds is not None]
    if len(known) < len(needed):
        return f"it takes more than {MOST_ROUNDS:,} seeds to tell."
    if max(known) <= MINIMUM_ROUNDS:
        return f"at least {MINIMUM_ROUNDS} seeds are needed to tell anything."
    return f"it takes about {max(known):,} seeds to tell."


def _by_scenario(groups: Sequence[Group]) -> list[tuple[str, list[Group]]]:
    """Groups with a good trial: a failed one says nothing about what may be compared."""
    found: dict[str, list[Group]] = defaultdict(list)
    for group in (group for group in groups if group.row.good):
        found[group.row.cell.scenario].append(group)
    return list(found.items())


def _interleave(scenario: str, groups: Sequence[Group]) -> str:
    backends: set[str] = {g.row.cell.backend for g in groups}
    if len(backends) == 1:
        backends = set(BACKENDS)
    gpu = all(g.row.cell.device == "gpu" for g in groups)
    names = ",".join(FACTS[backend].tox_name for backend in BACKENDS if backend in backends)
    where = " --device gpu" if gpu else ""
    modes = [mode for mode in MODES if mode in {g.row.cell.mode for g in groups}]
    how = "" if modes == ["fit"] else f" --mode {','.join(modes)}"
    return f"harness run {shlex.quote(scenario)} --backend {names}{where}{how} {OWN_FOLDER}"


def _rung(row: Row) -> str:
    """The backend, the mode where it is not the tutorial's, and what tells the row from others."""
    return named(row.cell, row.apart, mode=row.cell.mode != "fit")
