"""What a set of records says, with what weakens it: the one source of every output's figures.

``summarise`` is pure: the same records give the same summary, in whatever order they come. There
is no rule of significance here and no ranking; intervals and verdicts are another module's work.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from harness.analysis import comparability, notes
from harness.analysis.notes import Broken, Missing, Note
from harness.analysis.rows import Group, Row, grouped, with_measurements
from harness.analysis.sources import changed_scenarios
from harness.backends import BACKENDS, FACTS
from harness.records.trial import Environment, Record, Scalar, Struct
from harness.scenario import Metric

MAIN_SCENARIO = "ranking"
"""The scenario that plain ``tox -e jax,tf,torch`` trains."""


class About(Struct, frozen=True, kw_only=True):
    """What is known here of a scenario and does not stand in its records."""

    metric: Metric
    defaults: dict[str, Scalar]


class Machine(Struct, frozen=True, kw_only=True):
    """A machine that measured, as its latest record describes it. Sizes in bytes.

    ``python`` and ``numpy`` list every version that ran on it, ``trials`` counts its good trials.
    """

    machine_id: str
    hostname: str
    os: str
    cpu: str
    logical_cores: int
    physical_cores: int | None
    memory_total_bytes: int
    gpus: list[str]
    virtualised: str | None
    python: list[str]
    numpy: list[str]
    trials: int


class DataSet(Struct, frozen=True, kw_only=True):
    """Data that was trained on: its SHA-256, whether it was generated, and by how many trials."""

    sha256: str
    synthetic: bool
    trials: int


class Summary(Struct, frozen=True, kw_only=True):
    """Everything that a report tells about the trials of a results folder.

    ``rows`` are ordered by scenario, device, machine and settings, then by backend, never by
    speed. ``trials`` counts all readable records, ``failed`` those without a measurement.
    """

    rows: list[Row]
    missing: list[Missing]
    notes: list[Note]
    machines: list[Machine]
    data_sets: list[DataSet]
    broken: list[Broken]
    about: dict[str, About]
    trials: int
    failed: int


def summarise(
    records: Iterable[Record],
    broken: Iterable[tuple[object, str]] = (),
    *,
    about: Mapping[str, About] | None = None,
) -> Summary:
    """Sum up records.

    Args:
        records: any records, good and failed, from one or several machines.
        broken: path and reason of each file that should have been a record.
        about: what is known of the scenarios, by name. Without it the quality of backends is not
            held against a tolerance.
    """
    # Sorted, so that nothing below depends on the order in which a folder was read.
    records = sorted(
        records, key=lambda r: (notes.started(r), r.campaign, r.cell.digest, r.seed, r.repetition)
    )
    known = dict(about or {})
    files = [Broken(path=str(path), reason=reason) for path, reason in broken]
    groups = grouped(records)
    missing = missing_backends(groups)
    return Summary(
        rows=[group.row for group in groups],
        missing=missing,
        notes=weaknesses(groups, missing, files, known),
        machines=machines(records),
        data_sets=data_sets(records),
        broken=files,
        about=known,
        trials=len(records),
        failed=sum(record.status != "ok" for record in records),
    )


def weaknesses(
    groups: Sequence[Group],
    missing: Sequence[Missing],
    broken: Sequence[Broken],
    about: Mapping[str, About],
) -> list[Note]:
    """All notes, those first that forbid a comparison altogether."""
    tolerances = {name: known.metric.tolerance for name, known in about.items()}
    found = [
        *notes.synthetic_data(groups),
        *comparability.several_machines(groups),
        *comparability.other_work(groups),
        *comparability.quality_differs(groups, tolerances),
        *changed_scenarios(groups),
        *comparability.not_interleaved(groups),
        *comparability.several_versions(groups),
        *notes.disturbed_trials(groups),
        *notes.unsettled_trials(groups),
        *comparability.loaded_machine(groups),
        *notes.missing_backends(missing),
        *notes.failed_trials(groups),
        *notes.one_trial(groups),
        *notes.custom_initialisers(groups),
        *notes.broken_records(broken),
        *notes.harness_checkout(groups),
    ]
    # Two machines may well have the same to say.
    return list(dict.fromkeys(found))


def missing_backends(groups: Sequence[Group]) -> list[Missing]:
    """Backends without a record beside others of the same scenario and device.

    Of an empty folder the main scenario's three backends are missing, on a CPU.
    """
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for group in with_measurements(groups):
        seen[group.row.cell.scenario, group.row.cell.device] = set()
    for group in groups:
        # A backend that failed has a record; but where none was measured, none is missed.
        if (group.row.cell.scenario, group.row.cell.device) in seen:
            seen[group.row.cell.scenario, group.row.cell.device].add(group.row.cell.backend)
    return [
        Missing(
            scenario=scenario,
            backend=backend,
            device=device,
            command=_command(scenario, backend, device),
        )
        for (scenario, device), backends in (seen or {(MAIN_SCENARIO, "cpu"): set()}).items()
        for backend in BACKENDS
        if backend not in backends
    ]


def machines(records: Iterable[Record]) -> list[Machine]:
    """The machines of the good trials, ordered by their id; of all trials if none is good."""
    found: dict[str, list[Environment]] = defaultdict(list)
    for record in _measured(records):
        if record.environment is not None:
            found[record.environment.machine_id].append(record.environment)
    return [_machine(environments) for _, environments in sorted(found.items())]


def data_sets(records: Iterable[Record]) -> list[DataSet]:
    """The tables of data that the good trials trained on, ordered by their hash."""
    found: dict[tuple[str, bool], int] = defaultdict(int)
    for record in _measured(records):
        if record.hashes is not None:
            found[record.hashes.table, record.synthetic] += 1
    return [
        DataSet(sha256=sha256, synthetic=synthetic, trials=trials)
        for (sha256, synthetic), trials in sorted(found.items())
    ]


def _measured(records: Iterable[Record]) -> list[Record]:
    """The good ones: a failed trial changes nothing that is said of them."""
    everything = list(records)
    return [record for record in everything if record.status == "ok"] or everything


def _machine(environments: list[Environment]) -> Machine:
    latest = environments[-1]
    return Machine(
        machine_id=latest.machine_id,
        hostname=latest.hostname,
        os=latest.os,
        cpu=latest.cpu.model,
        logical_cores=latest.cpu.logical_cores,
        physical_cores=latest.cpu.physical_cores,
        memory_total_bytes=latest.memory_total_bytes,
        gpus=[gpu.name for gpu in latest.gpus],
        virtualised=latest.virtualised,
        python=sorted({e.python for e in environments}),
        numpy=sorted({e.packages["numpy"] for e in environments if "numpy" in e.packages}),
        trials=len(environments),
    )


def _command(scenario: str, backend: str, device: str) -> str:
    alias = FACTS[backend].tox_name
    gpu = device == "gpu"
    if scenario == MAIN_SCENARIO:
        return f"tox -e {alias}{'-gpu' if gpu else ''}"
    run = f"harness run {shlex.quote(scenario)} --backend {alias}"
    return f"{run} --device gpu" if gpu else run
