"""How a cell changed from campaign to campaign: its level, and where the level moved.

A change counts only by the verdict's rule: the whole interval of the shift must lie beyond the
margin. Each campaign is held against all trials since the last change, so that a slow drift that no
two neighbours show is found once it has added up. Pure, as all of the analysis.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from harness.analysis import disturbed
from harness.analysis.change import SPEED, Change, change
from harness.analysis.interval import MINIMUM_ROUNDS
from harness.analysis.notes import started
from harness.analysis.quality import QualityVerdict, by_seed, compare_quality
from harness.analysis.rows import versions
from harness.analysis.steps import step_time_s
from harness.analysis.verdict import MARGIN, judging_confidence
from harness.record import BACKENDS, Cell, Record, Struct


class Campaign(Struct, frozen=True, kw_only=True):
    """Records that were measured together, and what they are called."""

    name: str
    records: list[Record]


class Moment(Struct, frozen=True, kw_only=True):
    """One cell in one campaign.

    ``step_times_s`` are those of the trials that were not disturbed, ``middle_s`` their median,
    ``None`` without any. ``versions`` lists every version of each package that ran. ``speed`` and
    ``quality`` hold this campaign against all trials since the last change; ``None`` where there is
    nothing before, or too little. ``moved`` tells whether a new level begins here.
    """

    campaign: str
    began: float
    trials: int
    failed: int
    disturbed: int
    step_times_s: list[float]
    middle_s: float | None
    versions: dict[str, list[str]]
    speed: Change | None = None
    quality: QualityVerdict | None = None
    moved: bool = False


class Timeline(Struct, frozen=True, kw_only=True):
    """One cell on one machine, its campaigns in the order of time."""

    cell: Cell
    machine_id: str | None
    moments: list[Moment]


Key = tuple[object, ...]


def timelines(
    campaigns: Sequence[Campaign],
    *,
    margin: float = MARGIN,
    confidence: float = 0.95,
    tolerances: Mapping[str, float] | None = None,
) -> list[Timeline]:
    """The timeline of every cell, ordered by name, never by a figure.

    All comparisons of all timelines make one family (Bonferroni): whoever looks at a hundred of
    them would else see changes that are none.

    Args:
        campaigns: In any order.
        margin: Smallest difference in step time that matters, as a share.
        confidence: Of all intervals together.
        tolerances: Largest difference in quality of no consequence, by scenario.
    """
    found: dict[Key, list[tuple[str, list[Record], list[float], int]]] = defaultdict(list)
    for one in sorted(campaigns, key=_began):
        why = disturbed.reasons(one.records)
        quiet = {id(r) for r, reason in zip(one.records, why, strict=True) if reason is None}
        for key, trials in _by_cell(one.records).items():
            good = [record for record in trials if record.status == "ok"]
            times = [
                time_s
                for record in good
                if id(record) in quiet and (time_s := step_time_s(record)) is not None
            ]
            noisy = sum(id(record) not in quiet for record in good)
            found[key].append((one.name, trials, times, noisy))
    comparisons = max(sum(len(moments) - 1 for moments in found.values()), 1)
    each = judging_confidence(confidence, comparisons)
    made = []
    for moments in found.values():
        cell = moments[0][1][0].cell
        tolerance = (tolerances or {}).get(cell.scenario)
        made.append(_timeline(moments, margin, each, tolerance))
    return sorted(made, key=_order)


def _timeline(
    campaigns: Sequence[tuple[str, list[Record], list[float], int]],
    margin: float,
    confidence: float,
    tolerance: float | None,
) -> Timeline:
    moments: list[Moment] = []
    level: list[float] = []
    learned: list[Record] = []
    for name, trials, times, noisy in campaigns:
        good = [record for record in trials if record.status == "ok"]
        speed = change(level, times, words=SPEED, margin=margin, confidence=confidence)
        quality = _quality(good, learned, tolerance, confidence)
        moved = (speed is not None and speed.kind in SPEED) or (
            quality is not None and quality.kind in {"better", "worse"}
        )
        if moved:
            level, learned = [], []
        level, learned = level + times, learned + good
        moments.append(
            Moment(
                campaign=name,
                began=min(started(record) for record in trials),
                trials=len(good),
                failed=len(trials) - len(good),
                disturbed=noisy,
                step_times_s=times,
                middle_s=statistics.median(times) if times else None,
                versions=_versions(good),
                speed=speed,
                quality=quality,
                moved=moved,
            )
        )
    first = campaigns[0][1][0]
    machine = first.environment.machine_id if first.environment else None
    return Timeline(cell=first.cell, machine_id=machine, moments=moments)


def _quality(
    after: Sequence[Record], before: Sequence[Record], tolerance: float | None, confidence: float
) -> QualityVerdict | None:
    """After against before on common seeds, or ``None`` where there are too few of them."""
    first, second = by_seed(after), by_seed(before)
    direction = next((record.quality.direction for record in after if record.quality), None)
    if not tolerance or not direction or len(first.keys() & second.keys()) < MINIMUM_ROUNDS:
        return None
    return compare_quality(
        first, second, tolerance=tolerance, direction=direction, confidence=confidence
    )


def _versions(trials: Sequence[Record]) -> dict[str, list[str]]:
    seen: dict[str, set[str]] = defaultdict(set)
    for record in trials:
        for name, version in versions(record).items():
            seen[name].add(version)
    return {name: sorted(told) for name, told in seen.items()}


def _by_cell(records: Sequence[Record]) -> dict[Key, list[Record]]:
    """Trials that did the same work on the same machine; versions may differ, that is the point.

    A trial that failed early does not know its machine or data, and joins the first that does.
    """
    found: dict[Key, list[Record]] = defaultdict(list)
    lost: list[Record] = []
    for record in records:
        if record.status == "ok" and record.environment is not None:
            found[_key(record)].append(record)
        else:
            lost.append(record)
    for record in lost:
        cell = msgspec.json.encode(record.cell, order="deterministic")
        home = next((key for key in found if key[0] == cell), None)
        if home is not None:
            found[home].append(record)
    return found


def _key(record: Record) -> Key:
    return (
        msgspec.json.encode(record.cell, order="deterministic"),
        record.environment.machine_id if record.environment else None,
        record.scenario_version,
        record.hashes.table if record.hashes else None,
        record.hashes.split if record.hashes else None,
        record.synthetic,
    )


def _began(campaign: Campaign) -> tuple[float, str]:
    return min((started(record) for record in campaign.records), default=0.0), campaign.name


def _order(timeline: Timeline) -> tuple[object, ...]:
    cell = timeline.cell
    settings = sorted(map(str, cell.settings.items()))
    variant = (cell.device, cell.mode, cell.init, settings, timeline.machine_id or "")
    return (cell.scenario, *variant, BACKENDS.index(cell.backend))
