"""What every export says of a study: a name for each row, the epochs that count, what to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.analysis.notes import trials
from harness.analysis.rows import Row
from harness.analysis.step_time import steadiness
from harness.analysis.study import Study
from harness.records.trial import Epoch, Record
from harness.report import format as fmt

SYNTHETIC = "SYNTHETIC"
"""Stands in a name wherever a format has little more than names."""


HASHES = {"table", "split"}
"""Facts that are told by their first digits."""


def warnings(study: Study) -> list[str]:
    """What a reader of any format must know: generated data, failed trials, unreadable files."""
    found = [
        *trials.synthetic_data(study.groups),
        *trials.failed_trials(study.groups),
        *trials.broken_records(study.broken),
    ]
    return [fmt.plain(note.text, limit=2_000) for note in found]


def names(rows: Sequence[Row]) -> list[str]:
    """A name for each row, such as ``ranking[jax-cpu-fit-1a2b3c4d]``, all of them different.

    The part in brackets is the folder of the row's records. A name stays the same from campaign to
    campaign, so that tools can follow it; versions and the machine stand in it only where rows of
    one folder differ in nothing else.
    """
    told = [_base(row) + _apart(row) for row in rows]
    seen: Counter[str] = Counter()
    for place, name in enumerate(told):
        seen[name] += 1
        if seen[name] > 1:  # long facts that begin alike
            told[place] = f"{name} ({seen[name]})"
    return told


def counted(record: Record) -> list[bool]:
    """For each epoch, whether the trial's step time rests on it.

    None does in a failed trial: it is in no figure.
    """
    timed = [i for i, epoch in enumerate(record.epochs) if epoch.steps > 0 and epoch.wall_s > 0]
    state = steadiness(record)
    if state is None:
        warm_up = [record.epochs[i].warm_up for i in timed]
    elif all(state.warm_up):  # never settled: its figure is that of the later half
        warm_up = [place < len(timed) // 2 for place in range(len(timed))]
    else:
        warm_up = list(state.warm_up)
    good = record.status == "ok"
    marks = {i: good and not mark for i, mark in zip(timed, warm_up, strict=True)}
    return [marks.get(i, False) for i in range(len(record.epochs))]


def epoch_step_time_s(epoch: Epoch) -> float | None:
    """Seconds per step of one epoch, the raw sample; ``None`` if it took no step."""
    return epoch.wall_s / epoch.steps if epoch.steps > 0 else None


def samples_s(record: Record) -> list[float]:
    """The step times that count, in seconds and in order; their median is the trial's figure."""
    return [
        epoch.wall_s / epoch.steps
        for epoch, counts in zip(record.epochs, counted(record), strict=True)
        if counts
    ]


def _base(row: Row) -> str:
    cell = row.cell
    scenario = fmt.plain(cell.scenario, limit=60)
    mark = f" {SYNTHETIC}" if row.synthetic else ""
    return f"{scenario}[{cell.backend}-{cell.device}-{cell.mode}-{cell.digest}]{mark}"


def _apart(row: Row) -> str:
    """What tells a row from the others of its cell; empty for the only one."""
    told = {name: value for name, value in row.apart.items() if name != "synthetic"}
    return "".join(
        f" {fmt.plain(f'{name} {value[:12] if name in HASHES else value}', limit=80)}"
        for name, value in told.items()
    )
