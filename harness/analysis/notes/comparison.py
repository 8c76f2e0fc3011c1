"""Notes on what may not be compared with what: machines, work, versions, drift and load."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence

from harness.analysis.couples import couples
from harness.analysis.notes.note import Note, note, rung_name
from harness.analysis.rows import Group
from harness.analysis.speed.interval import MINIMUM_ROUNDS
from harness.analysis.speed.machines import Combined
from harness.analysis.speed.pairs import interleaved
from harness.analysis.work import started
from harness.backends import BACKENDS, FACTS
from harness.records.cell import MODES
from harness.records.trial import Record
from harness.words import joined, listed, share

AFTER_A_TRIAL_S = 180.0
"""The load average of one minute still shows a trial that ended this long ago (exp(-3) = 5%)."""

OWN_FOLDER = "--results results/interleaved"
"""Beside trials that were measured in blocks, interleaved ones would prove nothing."""


def several_machines(groups: Sequence[Group], combined: Sequence[Combined] = ()) -> Iterator[Note]:
    """Records of more than one machine, unless each of them interleaved what is compared."""
    for scenario, mine in _by_scenario(groups):
        machines = {g.row.machine_id for g in mine if g.row.machine_id is not None}
        together = {
            machine.machine_id
            for found in combined
            if found.first.scenario == scenario
            for machine in found.counting
        }
        alone = sorted(machines - together)
        if together and alone:
            yield note(
                "machines-left-out",
                f"{len(alone):,} of {len(machines):,} machines in no combined ratio",
                f"{share(len(alone), len(machines), 'machine')} of {scenario} "
                f"{'is' if len(alone) == 1 else 'are'} in no ratio over machines, for want of "
                f"{MINIMUM_ROUNDS} rounds that interleaved the same cells there: "
                f"{listed([machine[:8] for machine in alone])}.",
            )
        elif len(machines) > 1 and not together:
            yield note(
                "several-machines",
                f"{len(machines):,} machines",
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
                f"{len(numbers):,} versions of the scenario",
                f"Rows of {scenario} come from versions {joined(map(str, numbers))} of the "
                "scenario, which train different things and cannot be compared.",
            )
        tables = {g.row.table_sha256 for g in mine if g.row.table_sha256 is not None}
        if len(tables) > 1:
            yield note(
                "several-tables",
                f"{len(tables):,} tables of data",
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
                "rows that did other work",
                f"Rows of {one.cell.scenario} were asked the same, yet it was {couple.why}. So "
                "neither their quality nor their times can be compared.",
            )


def several_versions(groups: Sequence[Group]) -> Iterator[Note]:
    """Packages that ran in more than one version, in environments of the same name or of none."""
    for scenario, mine in _by_scenario(groups):
        seen: dict[tuple[str, str | None], set[str]] = defaultdict(set)
        for group in mine:
            for name, version in group.row.versions.items():
                seen[name, group.row.cell.name or None].add(version)
        several = {(name, *sorted(found)) for (name, _), found in seen.items() if len(found) > 1}
        differing = [f"{name} {joined(found)}" for name, *found in sorted(several)]
        if differing:
            yield note(
                "several-versions",
                "several package versions",
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
            names = "; ".join(joined(rung_name(group.row) for group in one) for one in apart)
            yield note(
                "not-interleaved",
                f"measured in {len(apart):,} separate blocks",
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


def products_in_tf32(groups: Sequence[Group]) -> Iterator[Note]:
    """Backends of which some multiply float32 matrices in TF32 and others in float32.

    JAX and TensorFlow use TF32 by default on a GPU that has it; PyTorch does for convolutions only.
    """
    for scenario, mine in _by_scenario(groups):
        using: dict[bool, set[str]] = defaultdict(set)
        for group in mine:
            for record in group.trials:
                if record.status == "ok" and group.row.cell.device == "gpu":
                    using[record.engine.get("tf32") is True].add(group.row.cell.backend)
        if len(using) == 2:
            coarse, full = (
                joined(FACTS[backend].label for backend in BACKENDS if backend in using[tf32])
                for tf32 in (True, False)
            )
            yield note(
                "tf32",
                "TF32 on some backends",
                f"On the GPU {coarse} multiplied in TF32, which keeps 10 of float32's 23 binary "
                f"digits, and {full} in float32 (scenario {scenario}). Both are defaults; TF32 is "
                "faster and rounds more coarsely.",
            )


def loaded_machine(groups: Sequence[Group]) -> Iterator[Note]:
    """Trials that began while other programs used more than half of the cores."""
    trials = sorted((r for g in groups for r in g.trials if r.environment), key=started)
    ended: dict[str, float] = {}
    measured, loaded = 0, list[tuple[float, Record]]()
    for record in trials:
        machine = record.environment
        if machine is None or machine.load_average is None or _has_a_part(record):
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
            f"{len(loaded):,} of {measured:,} began on a busy machine",
            f"Other programs were busy before {share(len(loaded), measured, 'trial')}: load "
            f"average up to {highest:.1f} on {cores} cores. Times may be many times too long. "
            "To see whether a machine is quiet:",
            "harness doctor",
        )


def _has_a_part(record: Record) -> bool:
    """Whether the trial was kept to a part of the CPUs; the load is that of all of them."""
    training = record.noise.training if record.noise else None
    return training is not None and training.cpus is not None


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
