"""Where records come from: machines and data sets, and the backends that nobody has measured."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence

from harness.analysis.rows import Group, with_measurements
from harness.backends import BACKENDS, FACTS
from harness.records.cell import Struct
from harness.records.machine import Environment
from harness.records.trial import Record

MAIN_SCENARIO = "ranking"
"""The scenario that plain ``tox -e jax,tf,torch`` trains."""


class Missing(Struct, frozen=True, kw_only=True):
    """A backend without any record, and the command that makes one."""

    scenario: str
    backend: str
    device: str
    command: str


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
    cpu_quota: float | None = None


class DataSet(Struct, frozen=True, kw_only=True):
    """Data that was trained on: its SHA-256, whether it was generated, and by how many trials."""

    sha256: str
    synthetic: bool
    trials: int


def missing_backends(groups: Sequence[Group]) -> list[Missing]:
    """Backends without a record beside others of the same scenario and device.

    Of an empty folder the main scenario's three backends are missing, on a CPU. None is missing
    where a backend was measured in two environments with names: there versions were asked for.
    """
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for group in with_measurements(groups):
        seen[group.row.cell.scenario, group.row.cell.device] = set()
    for group in groups:
        # A backend that failed has a record; but where none was measured, none is missed.
        if (group.row.cell.scenario, group.row.cell.device) in seen:
            seen[group.row.cell.scenario, group.row.cell.device].add(group.row.cell.backend)
    names: dict[tuple[str, str, str], set[str | None]] = defaultdict(set)
    for cell in (group.row.cell for group in groups):
        names[cell.scenario, cell.device, cell.backend].add(cell.name or None)
    versions = {(scenario, device) for (scenario, device, _), n in names.items() if len(n) > 1}
    return [
        Missing(
            scenario=scenario,
            backend=backend,
            device=device,
            command=_command(scenario, backend, device),
        )
        for (scenario, device), backends in (seen or {(MAIN_SCENARIO, "cpu"): set()}).items()
        for backend in BACKENDS
        if backend not in backends and (scenario, device) not in versions
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
        cpu_quota=latest.cpu_quota,
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
