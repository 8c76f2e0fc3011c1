"""What every export says of a study: a name for each row, the epochs that count, what to know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.analysis.notes import trials
from harness.analysis.rows import Row
from harness.analysis.study import Study
from harness.records.trial import Epoch
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


def epoch_step_time_s(epoch: Epoch) -> float | None:
    """Seconds per step of one epoch, the raw sample; ``None`` if it took no step."""
    return epoch.wall_s / epoch.steps if epoch.steps > 0 else None


def _base(row: Row) -> str:
    cell = row.cell
    scenario = fmt.plain(cell.scenario, limit=60)
    mark = f" {SYNTHETIC}" if row.synthetic else ""
    return f"{scenario}[{cell.place}-{cell.device}-{cell.mode}-{cell.digest}]{mark}"


def _apart(row: Row) -> str:
    """What tells a row from the others of its cell; empty for the only one."""
    told = {name: value for name, value in row.apart.items() if name != "synthetic"}
    return "".join(
        f" {fmt.plain(f'{name} {value[:12] if name in HASHES else value}', limit=80)}"
        for name, value in told.items()
    )
