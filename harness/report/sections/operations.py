"""The section on the latencies of single operations."""

from __future__ import annotations

from harness.analysis.study import Study
from harness.backends import BACKENDS
from harness.report import format as fmt
from harness.report.document import Bullet, Section, broken_bullet
from harness.report.table import Column, Table
from harness.store.benchmarks import Benchmarks, Operation, backend_order, parse

KEY = "operations"

STAGES = {
    "retrieve": "retrieve candidates",
    "rank": "rank the candidates",
    "recommend": "both stages",
}
"""Operations of a recommender in two stages, by the name of their test."""

EXPLAINED = (
    "Latency of one call in a warm process: median, interquartile range (IQR) and rounds, measured "
    "by pytest-benchmark, one backend after the other: no ranking."
)


def section(study: Study) -> Section:
    """The latencies of single operations, if there are any."""
    benchmarks = study.benchmarks
    found = tables(benchmarks)
    bullets = [broken_bullet(file, "Benchmark file") for file in benchmarks.broken]
    if benchmarks.superseded:
        left_out = fmt.count(benchmarks.superseded)
        text = f"{left_out} earlier measurements left out: the table has the latest of each."
        bullets.append(Bullet(text=text))
    return Section(
        key=KEY,
        heading="Single operations",
        paragraphs=[EXPLAINED] if found else [],
        bullets=bullets,
        tables=found,
    )


def tables(benchmarks: Benchmarks) -> list[Table]:
    """Operations against backends, one table for each scenario and machine."""
    places = dict.fromkeys((o.scenario, o.machine) for o in benchmarks.operations)
    return [
        _table(
            [o for o in benchmarks.operations if (o.scenario, o.machine) == place],
            several_machines=len({machine for _, machine in places}) > 1,
        )
        for place in places
    ]


def label(test_name: str) -> str:
    """An operation in words: ``test_predict[100]`` is ``predict 100 candidates``."""
    operation, size = parse(test_name)
    if operation == "predict" and size is not None:
        return f"predict {fmt.count(size)} candidates"
    if operation in STAGES and size is not None:
        return f"one user, {fmt.count(size)} movies: {STAGES[operation]}"
    words = {"train_step": "one training step", "evaluate_batch": "evaluate one batch"}
    return words.get(operation, fmt.plain(test_name, limit=60))


def _table(operations: list[Operation], *, several_machines: bool) -> Table:
    columns = sorted({backend_order(one) for one in operations})
    cells = {(label(one.name), backend_order(one)): _cell(one) for one in operations}
    machine = f" on machine {operations[0].machine}" if several_machines else ""
    return Table(
        title=fmt.plain(f"Single operations of scenario {operations[0].scenario}{machine}"),
        columns=[
            Column(header="operation"),
            *(Column(header=f"{BACKENDS[i]} {device}", figures=True) for i, device in columns),
            Column(header="rounds", figures=True),
        ],
        rows=[
            [
                name,
                *(cells.get((name, column), fmt.NOTHING) for column in columns),
                _rounds([one.rounds for one in operations if label(one.name) == name]),
            ]
            for name in dict.fromkeys(label(one.name) for one in operations)
        ],
    )


def _cell(one: Operation) -> str:
    iqr = fmt.spread(one.iqr_s, of=one.median_s)
    return f"{fmt.duration(one.median_s)}\nIQR {iqr}"


def _rounds(counts: list[int]) -> str:
    low, high = min(counts), max(counts)
    return fmt.count(low) if low == high else f"{fmt.count(low)}–{fmt.count(high)}"
