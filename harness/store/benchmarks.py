"""Latencies of single operations, read from the JSON that pytest-benchmark saves.

The store finds the files, in ``benchmarks/`` beside the records. A test's name tells the operation
(``test_predict[100]``), its ``extra_info`` the scenario, the backend and the device.
Format: https://pytest-benchmark.readthedocs.io/en/latest/usage.html (``--benchmark-json``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from harness.backends import BACKENDS, Backend
from harness.records.bounds import Number, Seconds
from harness.records.cell import Device, Struct
from harness.records.decoding import decode
from harness.store import reading
from harness.store.reading import Broken

NAMED = "with_host"
"""Beside ``node`` in ``machine_info`` where the name of the machine was asked for."""

_NAME = re.compile(r"test_(?P<operation>\w+?)(?:\[(?P<parameters>.*)\])?")


class Operation(Struct, frozen=True, kw_only=True):
    """The latency of one operation on one backend: median and interquartile range in seconds."""

    name: str
    scenario: str
    backend: Backend
    device: Device
    median_s: float
    iqr_s: float
    rounds: int
    machine: str
    measured_at: str


class Benchmarks(Struct, frozen=True, kw_only=True):
    """What the benchmark files of a folder say.

    Of an operation that was measured several times the latest stands in ``operations``, and
    ``superseded`` counts the others.
    """

    operations: list[Operation] = msgspec.field(default_factory=list)
    broken: list[Broken] = msgspec.field(default_factory=list)
    superseded: int = 0


class _Stats(msgspec.Struct):
    median: Seconds
    iqr: Seconds
    rounds: Number


class _Info(msgspec.Struct):
    scenario: str
    backend: Backend
    device: Device


class _Benchmark(msgspec.Struct):
    name: str
    extra_info: _Info
    stats: _Stats


class _File(msgspec.Struct):
    benchmarks: list[_Benchmark]
    machine_info: dict[str, Any] = {}
    datetime: str = ""


def read(paths: Iterable[Path]) -> Benchmarks:
    """Read benchmark files; one that cannot be read is named and stops nothing."""
    found: list[Operation] = []
    broken: list[Broken] = []
    for path in paths:
        file = reading.read(path, _File, "benchmark", schema=None)
        if isinstance(file, Broken):
            broken.append(file)
        else:
            found += _operations(file)
    return latest(found, broken)


def latest(found: Iterable[Operation], broken: Iterable[Broken] = ()) -> Benchmarks:
    """Keep the latest measurement of each operation on each backend, device and machine."""
    kept: dict[tuple[str, ...], Operation] = {}
    superseded = 0
    for one in sorted(found, key=lambda operation: operation.measured_at):
        key = (one.scenario, one.name, one.backend, one.device, one.machine)
        superseded += key in kept
        kept[key] = one
    return Benchmarks(
        operations=sorted(kept.values(), key=_order), broken=list(broken), superseded=superseded
    )


def parse(test_name: str) -> tuple[str, int | None]:
    """The operation and its size; other parameters, such as the scenario's name, do not matter."""
    match = _NAME.fullmatch(test_name)
    if match is None:
        return test_name, None
    parts = (match["parameters"] or "").split("-")
    sizes = [int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 10]
    return match["operation"], sizes[0] if sizes else None


def without_host(content: bytes) -> bytes:
    """A benchmark file without the name of the machine, unless its user asked for that.

    Raises:
        UndecodableError: if it is none.
    """
    file = decode(content, dict[str, Any], "benchmark")
    machine = file.get("machine_info", {})
    if "node" not in machine or machine["node"] == _node(machine):
        return content
    machine["node"] = _node(machine)
    return msgspec.json.format(msgspec.json.encode(file), indent=4)


def _node(machine: dict[str, Any]) -> str:
    """The machine's name if its user asked for it, else a hash; pytest-benchmark asks nobody."""
    from harness.probe.machine import withheld  # the command line starts without it

    name = str(machine.get("node", "unknown"))
    return name if machine.get(NAMED) is True else withheld(name)


def _operations(file: _File) -> list[Operation]:
    return [
        Operation(
            name=one.name,
            scenario=one.extra_info.scenario,
            backend=one.extra_info.backend,
            device=one.extra_info.device,
            median_s=one.stats.median,
            iqr_s=one.stats.iqr,
            rounds=one.stats.rounds,
            machine=_node(file.machine_info),
            measured_at=file.datetime,
        )
        for one in file.benchmarks
    ]


def _order(one: Operation) -> tuple[object, ...]:
    # In the order of a model's life: it trains, it is evaluated, it predicts more and more.
    life = ["train_step", "evaluate_batch", "predict"]
    operation, size = parse(one.name)
    place = life.index(operation) if operation in life else len(life)
    return (one.scenario, one.machine, place, operation, size or 0, one.name, *backend_order(one))


def backend_order(one: Operation) -> tuple[int, str]:
    """Sorts by backend, then by device."""
    return (BACKENDS.index(one.backend), one.device)
