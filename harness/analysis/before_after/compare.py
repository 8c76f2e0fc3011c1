"""Campaign against campaign: did it become slower, hungrier for memory, or less accurate?

Two campaigns of one machine, before and after an upgrade, say. They have no round in common, so
whatever the machine did between them is in the difference as well: a comparison within one campaign
is always the stronger one. Pure: the same records give the same answer, in whatever order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.analysis.before_after import what_changed
from harness.analysis.before_after.change import MEMORY, SPEED, Change, Words, change
from harness.analysis.before_after.match import (
    Apart,
    Matched,
    OneSided,
    machine_names,
    match,
    without,
)
from harness.analysis.before_after.settings import Before, completed
from harness.analysis.figures import values
from harness.analysis.notes.note import Note
from harness.analysis.provenance import Machine, machines
from harness.analysis.quality import QualityVerdict, by_seed, compare_quality, draws, gated
from harness.analysis.rows import Figure, mean_and_range
from harness.analysis.speed.interval import MINIMUM_ROUNDS
from harness.analysis.speed.pairs import reasons_by_id
from harness.analysis.speed.verdict import MARGIN, judging_confidence
from harness.records.cell import Cell, Struct
from harness.records.trial import Record
from harness.words import joined

MEMORY_MARGIN = 0.05
"""Differences in peak memory below 5% decide nothing: they are 30 MB of a process of 600 MB."""

Judged = tuple[Change | None, Change | None, Change | None, QualityVerdict | None]

NOT_COMPARED = "not compared"

OTHER_MACHINE = (
    "measured on different machines ({} before, {} after), whose step times and memory cannot be "
    "ranked: measure both campaigns on one"
)


class Limits(Struct, frozen=True, kw_only=True):
    """How large a difference must be to matter: shares, and a tolerance in the metric's own unit.

    A ``tolerance`` of ``None`` is that of each scenario's metric, as far as it is known.
    """

    margin: float = MARGIN
    memory_margin: float = MEMORY_MARGIN
    tolerance: float | None = None
    confidence: float = 0.95


class CellChange(Struct, frozen=True, kw_only=True):
    """One cell before and after.

    ``outcome`` is the verdict in words, quality considered. ``speed``, ``memory`` and
    ``device_memory`` are ``None`` where they cannot be compared; ``unranked`` tells why there is no
    verdict on speed. ``quality`` is after against before on common seeds, ``None`` without a
    tolerance or without any quality; ``quality_before`` and ``quality_after`` are means over these
    seeds, or over all where none is common. ``disturbed`` counts the trials before and after that
    were left out of the step times.
    """

    cell: Cell
    machine_id: str | None
    trials_before: int
    trials_after: int
    disturbed: tuple[int, int]
    outcome: str
    unranked: str | None
    speed: Change | None
    memory: Change | None
    device_memory: Change | None
    quality: QualityVerdict | None
    quality_before: Figure | None
    quality_after: Figure | None


class Comparison(Struct, frozen=True, kw_only=True):
    """All that can be said of two campaigns.

    ``cells`` and the lists of those that cannot be compared are ordered by name, never by a figure.
    ``versions`` has Keras and the frameworks of the compared trials, also where they are the same;
    ``packages`` what differs. ``probe`` is the time of a fixed piece of work after over before, if
    the records of both sides hold it: how fast the machine itself was.
    """

    limits: Limits
    cells: list[CellChange]
    apart: list[Apart]
    only_before: list[OneSided]
    only_after: list[OneSided]
    packages: dict[str, list[what_changed.PackageChange]]
    versions: list[what_changed.PackageChange]
    machines: list[Machine]
    probe: float | None
    notes: list[Note]

    @property
    def ranked(self) -> bool:
        """Whether the speed of at least one cell was compared."""
        return any(cell.speed is not None for cell in self.cells)


def compare(
    before: Iterable[Record],
    after: Iterable[Record],
    *,
    limits: Limits | None = None,
    tolerances: Mapping[str, float] | None = None,
    settings_before: Before | None = None,
) -> Comparison:
    """Compare two campaigns, cell by cell.

    The cells make one family for each question (speed, memory, quality), each interval computed at
    the confidence with which all of a family hold together (Bonferroni).

    Args:
        before: All records of one campaign, good and failed.
        after: All records of the other one.
        limits: Sizes that matter.
        tolerances: Those of the scenarios' metrics, by scenario.
        settings_before: What a record that is older than a setting was measured with, by scenario.
    """
    limits = limits or Limits()
    first = list(before)
    both = completed([*first, *after], settings_before)
    first, second = both[: len(first)], both[len(first) :]
    matches = match(first, second)
    matched = matches.matched
    noisy = _disturbed(first) | _disturbed(second)
    quiet = [without(one, noisy) for one in matched]
    # No allowance for campaigns that stopped at a precision, unlike in verdicts within one: there
    # it is pairs of rounds that are narrow by luck, not these samples
    # (docs/studies/two-campaigns.md).
    judged = zip(
        _changes(quiet, "step_time_s", SPEED, limits.margin, limits.confidence),
        _changes(matched, "peak_rss_bytes", MEMORY, limits.memory_margin, limits.confidence),
        _changes(matched, "peak_device_bytes", MEMORY, limits.memory_margin, limits.confidence),
        _qualities(matched, limits, tolerances or {}),
        strict=True,
    )
    return Comparison(
        limits=limits,
        cells=[_cell(*one) for one in zip(matched, quiet, judged, strict=True)],
        apart=matches.apart,
        only_before=matches.only_before,
        only_after=matches.only_after,
        packages=what_changed.packages(matched),
        versions=what_changed.versions(matched),
        machines=machines([*first, *second]),
        probe=what_changed.probe(matched),
        notes=what_changed.notes(matched, first, second, noisy=len(noisy)),
    )


def _cell(matched: Matched, quiet: Matched, judged: Judged) -> CellChange:
    speed, memory, device_memory, quality = judged
    return CellChange(
        cell=matched.cell,
        machine_id=matched.machine_id,
        trials_before=len(matched.before),
        trials_after=len(matched.after),
        disturbed=(
            len(matched.before) - len(quiet.before),
            len(matched.after) - len(quiet.after),
        ),
        outcome=gated(speed.kind, quality) if speed else NOT_COMPARED,
        unranked=None if speed else _why_unranked(quiet),
        speed=speed,
        memory=memory,
        device_memory=device_memory,
        quality=quality,
        quality_before=_mean_quality(matched.before, matched.after),
        quality_after=_mean_quality(matched.after, matched.before),
    )


def _changes(
    matched: Sequence[Matched],
    key: str,
    words: Words,
    margin: float,
    confidence: float,
) -> list[Change | None]:
    """One verdict for each cell on one figure; those that can be judged make the family."""
    sides: list[list[list[float]]] = [
        [[v for v in values(side, key) if v > 0] for side in (one.before, one.after)]
        if one.machine_id is not None
        else [[], []]
        for one in matched
    ]
    family = sum(min(map(len, pair)) >= MINIMUM_ROUNDS for pair in sides)
    return [
        change(*pair, words=words, margin=margin, confidence=confidence, comparisons=max(1, family))
        for pair in sides
    ]


def _qualities(
    matched: Sequence[Matched], limits: Limits, tolerances: Mapping[str, float]
) -> list[QualityVerdict | None]:
    """After against before, paired by the seeds that both have."""
    seeds = [(by_seed(one.after), by_seed(one.before)) for one in matched]
    family = sum(len(after.keys() & before.keys()) >= MINIMUM_ROUNDS for after, before in seeds)
    found: list[QualityVerdict | None] = []
    for one, (after, before) in zip(matched, seeds, strict=True):
        tolerance = limits.tolerance or tolerances.get(one.cell.scenario)
        direction = next((r.quality.direction for r in one.after if r.quality), None)
        if not (after and before and tolerance and direction):
            found.append(None)
            continue
        found.append(
            compare_quality(
                after,
                before,
                tolerance=tolerance,
                direction=direction,
                confidence=judging_confidence(limits.confidence, max(1, family)),
                random_draws=draws(one.before) or draws(one.after),
            )
        )
    return found


def _mean_quality(trials: Sequence[Record], others: Sequence[Record]) -> Figure | None:
    """The mean over common seeds, if any: with others it would show the difference of the seeds."""
    mine, theirs = by_seed(trials), by_seed(others)
    common = [value for seed, value in mine.items() if seed in theirs]
    return mean_and_range(common or list(mine.values()))


def _why_unranked(quiet: Matched) -> str:
    if quiet.machine_id is None:
        return OTHER_MACHINE.format(machine_names(quiet.before), machine_names(quiet.after))
    lacking = [
        name for name, side in (("before", quiet.before), ("after", quiet.after)) if not side
    ]
    if lacking:
        return f"every trial {joined(lacking)} was disturbed: repeat on a quiet machine"
    return "no trial has a step time on both sides"


def _disturbed(records: Sequence[Record]) -> frozenset[int]:
    """The identities of the trials whose times say more about the machine than about the cell."""
    return frozenset(key for key, reason in reasons_by_id(records).items() if reason is not None)
