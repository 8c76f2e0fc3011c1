"""MLPerf's ``:::MLLOG`` lines: what happened in each trial, an event in JSON on each line.

All trials stand in one file, one after the other; the ``namespace`` of a line names its trial.
These are no MLPerf results: the lines follow MLPerf's form, not its rules, and ``mlperf_logging``
parses them. Times of events are put together from ``started_at`` and the measured spans, without
the pauses between, so durations are to be read from ``wall_s`` and not from ``time_ms``.

As MLPerf has it, ``run_stop`` has the status ``success`` only if the target was reached;
``trial_status`` beside it is the harness' own.

Sources: https://github.com/mlcommons/logging, ``mllog/mllog.py`` for the form,
``mllog/constants.py`` for the keys and ``compliance_checker/mlp_parser`` for what is accepted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.analysis import notes
from harness.analysis.step_time import step_time_s
from harness.records.trial import Epoch, Record, Struct
from harness.report.exports.content import Content, counted, epoch_step_time_s
from harness.store.atomic import write_over

PREFIX = ":::MLLOG"
ESCAPED = r"\u004dLLOG"
POINT, START, END = "POINT_IN_TIME", "INTERVAL_START", "INTERVAL_END"


class Event(Struct, frozen=True, kw_only=True):
    """One line but its namespace; ``after_s`` is the time since the trial's start, in seconds."""

    after_s: float
    type: str
    key: str
    value: Any = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


def write(content: Content, path: Path) -> list[str]:
    """Write the events of every trial, failed ones included."""
    lines = [
        line(namespace(record, number), event, notes.started(record), synthetic=record.synthetic)
        for number, record in _numbered(content.records)
        for event in events(record)
    ]
    write_over(path, "".join(f"{text}\n" for text in lines).encode("ascii"))
    amount = f"{len(lines):,} lines of {len(content.records):,} trials"
    return [f"{amount}, in MLPerf's form and not by its rules: these are no MLPerf results."]


def line(namespace: str, event: Event, started_s: float, *, synthetic: bool) -> str:
    """An event as its line, in ASCII.

    The parser reads Latin-1 and cuts a line at the last token in it, so a text that holds the token
    has one letter of it escaped, as JSON allows.

    Args:
        namespace: the name of the trial.
        event: what happened.
        started_s: when the trial began, in seconds since 1970.
        synthetic: whether it trained on generated data.
    """
    content = {
        "namespace": namespace,
        "time_ms": round((started_s + event.after_s) * 1000),
        "event_type": event.type,
        "key": event.key,
        "value": event.value,
        "metadata": event.metadata | {"synthetic": synthetic},
    }
    text = json.dumps(content, allow_nan=False).replace("MLLOG", ESCAPED)
    return f"{PREFIX} {text}"


def _numbered(records: Sequence[Record]) -> list[tuple[int, Record]]:
    """Records with their numbers; the good ones count first, so that no failure renames them."""
    order = sorted(range(len(records)), key=lambda i: records[i].status != "ok")
    numbers = {place: number for number, place in enumerate(order, start=1)}
    return [(numbers[place], record) for place, record in enumerate(records)]


def namespace(record: Record, number: int) -> str:
    """The name of a trial: its number in the file, and its record's path without the ending."""
    cell = record.cell
    folder = f"{cell.backend}-{cell.device}-{cell.mode}-{cell.digest}"
    return f"{number}/{cell.scenario}/{folder}/seed-{record.seed}-rep-{record.repetition}"


def events(record: Record) -> Iterator[Event]:
    """What happened in a trial, in order."""
    cell, phases = record.cell, record.phases
    trial = {
        "backend": cell.backend,
        "device": cell.device,
        "mode": cell.mode,
        "init": cell.init,
        "threads": cell.threads,
        "campaign": record.campaign,
        "round": record.round,
    }
    yield Event(
        after_s=0, type=POINT, key="submission_benchmark", value=cell.scenario, metadata=trial
    )
    if record.device is not None:
        yield Event(after_s=0, type=POINT, key="submission_platform", value=record.device.name)
    yield Event(after_s=0, type=POINT, key="seed", value=record.seed)
    for name, value in cell.settings.items():
        yield Event(after_s=0, type=POINT, key=KEYS.get(name, f"setting_{name}"), value=value)
    now_s = 0.0
    if phases is not None:
        yield Event(after_s=now_s, type=START, key="init_start")
        now_s += phases.import_s + phases.data_s + phases.build_s
        spans = {"import_s": phases.import_s, "data_s": phases.data_s, "build_s": phases.build_s}
        yield Event(after_s=now_s, type=END, key="init_stop", metadata=spans)
    yield Event(after_s=now_s, type=START, key="run_start")
    examples = 0
    for epoch, counts in zip(record.epochs, counted(record), strict=True):
        examples += epoch.examples
        yield from _epoch(epoch, now_s, examples, counts=counts)
        now_s += epoch.wall_s + (epoch.evaluate_s or 0.0)
    yield Event(after_s=now_s, type=END, key="run_stop", metadata=_outcome(record))


KEYS = {
    "batch_size": "global_batch_size",
    "optimizer": "opt_name",
    "learning_rate": "opt_base_learning_rate",
}
"""MLPerf's names of settings that it knows, too."""


def _epoch(epoch: Epoch, now_s: float, examples: int, *, counts: bool) -> Iterator[Event]:
    number = {"epoch_num": epoch.index}
    sample = {
        "phase": epoch.phase,
        "steps": epoch.steps,
        "wall_s": epoch.wall_s,
        "step_time_s": epoch_step_time_s(epoch),
        "counted": counts,
        "train_loss": epoch.train_loss,
        "samples_count": examples,
    }
    yield Event(after_s=now_s, type=START, key="epoch_start", metadata=number)
    now_s += epoch.wall_s
    yield Event(after_s=now_s, type=END, key="epoch_stop", metadata=number | sample)
    if epoch.metric is None:
        return
    at = number | {"samples_count": examples}
    yield Event(after_s=now_s, type=START, key="eval_start", metadata=at)
    now_s += epoch.evaluate_s or 0.0
    yield Event(after_s=now_s, type=POINT, key="eval_accuracy", value=epoch.metric, metadata=at)
    yield Event(after_s=now_s, type=END, key="eval_stop", metadata=at)


def _outcome(record: Record) -> dict[str, Any]:
    quality, failure = record.quality, record.failure
    good = record.status == "ok"
    missed = quality is None or (quality.target is not None and quality.time_to_target_s is None)
    outcome: dict[str, Any] = {
        "status": "success" if good and not missed else "aborted",
        "trial_status": record.status,
        "step_time_s": step_time_s(record) if good else None,
    }
    if quality is not None:
        outcome |= {"metric": quality.metric, "quality": quality.value, "target": quality.target}
        outcome |= {"time_to_target_s": quality.time_to_target_s}
    return outcome | ({"failure": failure.reason} if failure else {})
