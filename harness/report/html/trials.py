"""The table of all trials, and the samples of each, as data for the page's script."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from harness.analysis.figures import FIGURES, TrialFigure, Unit
from harness.analysis.step_time import steadiness
from harness.analysis.study import Study
from harness.analysis.warmup import SteadyState
from harness.analysis.work import started
from harness.records.cell import Scalar, Struct
from harness.records.trial import Record
from harness.report import format as fmt
from harness.report import repeat
from harness.report.naming import labels
from harness.report.table import Column, machine_label
from harness.words import count

MOST_SAMPLES = 1_200_000
"""Samples that a page holds, 6 bytes each. Beyond that each trial's are thinned, and it says so."""

ALWAYS = {"step_time_s", "first_step_s", "peak_rss_bytes"}
"""Figures with a column in any case."""

LEFT_OUT = {"examples_per_s", "peak_device_bytes"}
"""Figures without one: what they say is said by another, or rare."""

BEFORE = (
    Column(header="cell"),
    Column(header="round", figures=True),
    Column(header="seed", figures=True),
    Column(header="repetition", figures=True),
    Column(header="started"),
    Column(header="status"),
)
BEHIND = (Column(header="quality", figures=True), Column(header="noise"))
"""The columns on both sides of the figures."""

UNITS: dict[Unit, Callable[[float | None], str]] = {
    "s": fmt.duration,
    "bytes": fmt.memory,
    "examples/s": fmt.rate,
    "cores": lambda cores: fmt.NOTHING if cores is None else fmt.significant(cores, 2),
}

Key = float | int | str | None


class TrialRow(Struct, frozen=True, kw_only=True):
    """One trial: the texts of its cells, and what they are sorted by."""

    cells: list[str]
    keys: list[Key]


class Trials(Struct, frozen=True, kw_only=True):
    """The table of trials, and all that the page's script gets to know of them."""

    columns: list[Column]
    rows: list[TrialRow]
    total: int
    samples: int
    thinned_by: int
    payload: dict[str, Any]


def table(study: Study) -> Trials:
    """Every record in the order of the groups and of time, failed ones too."""
    rows: list[TrialRow] = []
    more: list[list[Any]] = []
    samples = sum(len(record.epochs) for record in study.records)
    every = -(-samples // MOST_SAMPLES) or 1
    commands = []
    figures = [
        one
        for one in FIGURES
        if one.key in ALWAYS
        or (one.key not in LEFT_OUT and any(getattr(row, one.key) for row in study.rows))
    ]
    heads = [*BEFORE, *(Column(header=one.label, figures=True) for one in figures), *BEHIND]
    for number, (group, label) in enumerate(zip(study.groups, labels(study), strict=True)):
        about = study.about.get(group.row.cell.scenario)
        commands.append(repeat.command([group], about, ()))
        for record in sorted(group.trials, key=started):
            noise, state = study.why.get(id(record)), steadiness(record)
            rows.append(_row(record, figures, label, noise))
            more.append([number, _facts(record, noise), *_samples(record, state, every)])
    return Trials(
        columns=heads,
        rows=rows,
        total=len(rows),
        samples=samples,
        thinned_by=every,
        payload={
            "columns": [[column.header, column.figures] for column in heads],
            "rows": [[row.cells, row.keys] for row in rows],
            "more": more,
            "commands": commands,
        },
    )


def _row(record: Record, shown: Sequence[TrialFigure], label: str, noise: str | None) -> TrialRow:
    figures = [(figure.read(record), UNITS[figure.unit]) for figure in shown]
    quality = record.quality.value if record.quality else None
    return TrialRow(
        cells=[
            label,
            fmt.count(record.round),
            str(record.seed),
            fmt.count(record.repetition),
            fmt.plain(record.started_at[:19].replace("T", " "), limit=40),
            record.status,
            *(spell(value) for value, spell in figures),
            fmt.quality(quality),
            "disturbed" if noise else "",
        ],
        keys=[
            label,
            record.round,
            record.seed,
            record.repetition,
            started(record),
            record.status,
            *(value for value, _ in figures),
            quality,
            "disturbed" if noise else "",
        ],
    )


def _facts(record: Record, noise: str | None) -> list[tuple[str, str]]:
    """What a reader gets to see of a trial on request, beside what stands in its row."""
    return [
        ("machine", machine_label(record.environment.machine_id if record.environment else None)),
        ("campaign", fmt.plain(record.campaign, limit=120)),
        *([("run", fmt.plain(record.run_id, limit=80))] if record.run_id else []),
        ("started", fmt.plain(record.started_at, limit=60)),
        *(
            [("scenario source", f"SHA-256 {fmt.short_hash(record.scenario_sha256)}")]
            if record.scenario_sha256
            else []
        ),
        ("whole trial", fmt.duration(record.duration_s)),
        *_phases(record),
        *_quality(record),
        *([("disturbed", fmt.plain(noise, limit=400))] if noise else []),
        *_program(record),
        *_failure(record),
    ]


def _samples(
    record: Record, state: SteadyState | None, every: int
) -> tuple[list[msgspec.Raw], list[int]]:
    """Milliseconds per step of each epoch shown, and the places of those that are warm-up."""
    timed = [epoch for epoch in record.epochs if epoch.steps > 0 and epoch.wall_s > 0]
    marks = state.warm_up if state else [epoch.warm_up for epoch in timed]
    shown = range(0, len(timed), every)
    return (
        [_milliseconds(timed[i].wall_s / timed[i].steps) for i in shown],
        [i // every for i in shown if marks[i]],
    )


def _milliseconds(seconds: float) -> msgspec.Raw:
    # Four digits: what is drawn is not what is computed with, and a page may hold a million.
    value = 1e3 * seconds
    return msgspec.Raw(b"%.4g" % value if math.isfinite(value) else b"null")


def _phases(record: Record) -> list[tuple[str, str]]:
    if record.phases is None:
        return []
    names = {"import": "import_s", "data": "data_s", "build": "build_s", "predict": "predict_s"}
    return [(name, fmt.duration(getattr(record.phases, field))) for name, field in names.items()]


def _quality(record: Record) -> list[tuple[str, str]]:
    quality = record.quality
    if quality is None:
        return []
    to_target = quality.time_to_target_s
    reached = fmt.duration(to_target) if to_target is not None else "not reached"
    return [
        *([("time to quality", reached)] if quality.target is not None else []),
        *_engine(record),
    ]


def _engine(record: Record) -> list[tuple[str, str]]:
    told: dict[str, Scalar | None] = record.engine
    text = ", ".join(f"{name}={value}" for name, value in told.items())
    return [("engine", fmt.plain(text, limit=400))] if text else []


def _program(record: Record) -> list[tuple[str, str]]:
    """What a script of the user's own did."""
    run = record.program
    if run is None:
        return []
    facts = [("whole script", fmt.duration(run.script_s))]
    for fit in run.fits:
        counts = ", which counts" if fit.number == run.counts else ""
        told = [count(fit.epochs, "epoch"), f"{fit.input}"]
        told += [count(fit.steps, "step")] if fit.steps else []
        told += [f"batches of {fit.batch_size}"] if fit.batch_size else []
        told += [f"batches SHA-256 {fmt.short_hash(fit.batches_sha256)}"] * bool(fit.batches_sha256)
        name = fmt.plain(f"fit {fit.number} of {run.calls}{counts}", limit=80)
        facts.append((name, fmt.plain(f"{fit.model}: {', '.join(told)}", limit=400)))
    facts += [("remark", fmt.plain(remark, limit=400)) for remark in run.remarks]
    last = run.output_tail.rpartition("\n")[2]
    return [*facts, *([("last line printed", fmt.plain(last, limit=200))] if last else [])]


def _failure(record: Record) -> list[tuple[str, str]]:
    if record.failure is None:
        return []
    return [("failure", fmt.plain(record.failure.reason, limit=400))]
