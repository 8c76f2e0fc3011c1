"""How a cell changed from campaign to campaign: its level, and where the level moved.

A change counts only by the verdict's rule: the whole interval of the shift must lie beyond the
margin. Each campaign is held against all trials since the last change, so that a slow drift that no
two neighbours show is found once it has added up. Pure, as all of the analysis.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence

from harness.analysis.before_after.change import SPEED, Change, change
from harness.analysis.before_after.settings import Before, completed
from harness.analysis.quality import QualityVerdict, by_seed, compare_quality, draws
from harness.analysis.rows import Group, Row, distinction, grouped, versions
from harness.analysis.speed.interval import MINIMUM_ROUNDS
from harness.analysis.speed.pairs import reasons_by_id
from harness.analysis.speed.verdict import MARGIN, judging_confidence
from harness.analysis.step_time import step_time_s
from harness.analysis.work import started
from harness.backends import BACKENDS
from harness.records.cell import Cell, Struct
from harness.records.trial import Record


class Campaign(Struct, frozen=True, kw_only=True):
    """Records that were measured together, and what they are called."""

    name: str
    records: list[Record]


def campaigns(loaded: Mapping[str, Sequence[Record]]) -> list[Campaign]:
    """The campaigns of some folders by name. Of a single one its runs are the campaigns.

    So a folder into which somebody measured every week reads as well.
    """
    found = {name: records for name, records in loaded.items() if records}
    if len(found) == 1:
        by_run: dict[str, list[Record]] = defaultdict(list)
        for record in next(iter(found.values())):
            by_run[record.run_id or record.campaign].append(record)
        found = dict(by_run)
    return [Campaign(name=name, records=list(records)) for name, records in found.items()]


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

    @property
    def compared(self) -> int:
        """How many of the moments were compared with what was before, and have an answer."""
        return sum(
            (moment.speed is not None and moment.speed.low is not None)
            or (moment.quality is not None and moment.quality.kind != "undecided")
            for moment in self.moments
        )


Key = tuple[object, ...]

Measured = tuple[str, Group, list[float], int]
"""A campaign's name, its trials of a cell, their undisturbed step times, and how many were not."""


def timelines(
    campaigns: Sequence[Campaign],
    *,
    margin: float = MARGIN,
    confidence: float = 0.95,
    tolerances: Mapping[str, float] | None = None,
    settings_before: Before | None = None,
) -> list[Timeline]:
    """The timeline of every cell, ordered by name, never by a figure.

    All comparisons of all timelines make one family (Bonferroni): whoever looks at a hundred of
    them would else see changes that are none.

    Args:
        campaigns: In any order.
        margin: Smallest difference in step time that matters, as a share.
        confidence: Of all intervals together.
        tolerances: Largest difference in quality of no consequence, by scenario.
        settings_before: What a record that is older than a setting was measured with, by scenario.
    """
    found: dict[Key, list[Measured]] = defaultdict(list)
    for one in sorted(_completed(campaigns, settings_before), key=_began):
        why = reasons_by_id(one.records)
        for group in grouped(one.records):
            if not group.row.good:
                continue
            times = [
                time_s
                for record in group.good
                if why[id(record)] is None and (time_s := step_time_s(record)) is not None
            ]
            noisy = sum(why[id(record)] is not None for record in group.good)
            found[group.row.family(but=())].append((_name(one, group.row), group, times, noisy))
    for moments in found.values():
        # Two versions of one campaign are two moments, in the order in which they ran.
        moments.sort(key=lambda each: min(started(record) for record in each[1].good))
    comparisons = max(sum(len(moments) - 1 for moments in found.values()), 1)
    each = judging_confidence(confidence, comparisons)
    made = []
    for moments in found.values():
        cell = moments[0][1].row.cell
        tolerance = (tolerances or {}).get(cell.scenario)
        made.append(_timeline(moments, margin, each, tolerance))
    return sorted(made, key=_order)


def _completed(campaigns: Sequence[Campaign], before: Before | None) -> list[Campaign]:
    """The campaigns, with settings that some of them are older than."""
    records = iter(completed((r for one in campaigns for r in one.records), before))
    return [
        Campaign(name=one.name, records=[next(records) for _ in one.records]) for one in campaigns
    ]


def _timeline(
    campaigns: Sequence[Measured],
    margin: float,
    confidence: float,
    tolerance: float | None,
) -> Timeline:
    moments: list[Moment] = []
    level: list[float] = []
    learned: list[Record] = []
    for name, group, times, noisy in campaigns:
        good = group.good
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
                began=min(started(record) for record in good),
                trials=len(good),
                failed=group.row.failed,
                disturbed=noisy,
                step_times_s=times,
                middle_s=statistics.median(times) if times else None,
                versions=_versions(good),
                speed=speed,
                quality=quality,
                moved=moved,
            )
        )
    first = campaigns[0][1].row
    return Timeline(cell=first.cell, machine_id=first.machine_id, moments=moments)


def _quality(
    after: Sequence[Record], before: Sequence[Record], tolerance: float | None, confidence: float
) -> QualityVerdict | None:
    """After against before on common seeds, or ``None`` where there are too few of them."""
    first, second = by_seed(after), by_seed(before)
    direction = next((record.quality.direction for record in after if record.quality), None)
    if not tolerance or not direction or len(first.keys() & second.keys()) < MINIMUM_ROUNDS:
        return None
    return compare_quality(
        first,
        second,
        tolerance=tolerance,
        direction=direction,
        confidence=confidence,
        random_draws=draws(after) or draws(before),
    )


def _versions(trials: Sequence[Record]) -> dict[str, list[str]]:
    seen: dict[str, set[str]] = defaultdict(set)
    for record in trials:
        for name, version in versions(record).items():
            seen[name].add(version)
    return {name: sorted(told) for name, told in seen.items()}


def _name(campaign: Campaign, row: Row) -> str:
    """The campaign, with the versions where it measured several of them."""
    return campaign.name + distinction(row.apart)


def _began(campaign: Campaign) -> tuple[float, str]:
    good = [record for record in campaign.records if record.status == "ok"]
    return min((started(record) for record in good or campaign.records), default=0.0), campaign.name


def _order(timeline: Timeline) -> tuple[object, ...]:
    cell = timeline.cell
    settings = sorted(map(str, cell.settings.items()))
    variant = (cell.device, cell.mode, cell.init, settings, timeline.machine_id or "")
    return (cell.scenario, *variant, BACKENDS.index(cell.backend), cell.name or "")
