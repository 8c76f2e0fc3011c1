"""What the records of a folder answer: which cell is faster, and whether they learn alike.

Held against each other are backends in one mode, modes on one backend, and versions of one cell
(:mod:`harness.analysis.couples`): speed round by round (:mod:`harness.analysis.speed.pairs`),
quality seed by seed. Both are said together, since a faster cell that learns worse is not faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.analysis.couples import Couple, couples
from harness.analysis.quality import QualityVerdict, by_seed, gated, of_couples, over_seeds
from harness.analysis.rows import Figure, Group, Row, median_and_range
from harness.analysis.speed.interval import MINIMUM_ROUNDS, Interval
from harness.analysis.speed.pairs import PairVerdict
from harness.analysis.work import asked, rung_order
from harness.records.trial import Cell, Quality, Struct


class Learned(Struct, frozen=True, kw_only=True):
    """What one row learned; ``apart`` and ``machine_id`` are those of the row.

    ``seeds`` holds the final metric by seed, ``location`` its interval over seeds, ``None`` below
    four. ``time_to_target_s`` is that of the trials that reached the target, ``reached`` how many
    of the ``trials`` did; both are ``None`` without a target.
    """

    cell: Cell
    apart: dict[str, str]
    machine_id: str | None = None
    quality: Quality
    seeds: dict[int, float]
    location: Interval | None
    trials: int
    reached: int | None
    time_to_target_s: Figure | None


class Pair(Struct, frozen=True, kw_only=True):
    """Two cells that differ in the backend alone, in the mode alone, or in versions.

    ``speed`` is ``None`` where they were not measured in common rounds, ``quality`` where the
    scenario's tolerance is not known here; both are where they did not do the same work. ``why``
    then tells the reason that there is no verdict on speed. ``outcome`` is the verdict in words,
    quality considered. ``first_apart`` and ``second_apart`` are those of the rows.
    """

    first: Cell
    second: Cell
    first_apart: dict[str, str]
    second_apart: dict[str, str]
    machine_id: str | None
    outcome: str | None
    why: str | None
    speed: PairVerdict | None
    quality: QualityVerdict | None


class Answers(Struct, frozen=True, kw_only=True):
    """All pairs of backends, of modes and of versions, and what each row learned.

    Ordered by name, never by a figure.
    """

    pairs: list[Pair]
    learned: list[Learned]


def answer(
    groups: Sequence[Group],
    judged: Iterable[tuple[Group, Group, PairVerdict]],
    tolerances: Mapping[str, float],
) -> Answers:
    """Everything that may be said of these groups.

    Args:
        groups: What may be pooled, put together.
        judged: The verdicts on speed, with the two groups of each.
        tolerances: Largest difference in quality of no consequence, by scenario.
    """
    speeds = {(id(first), id(second)): verdict for first, second, verdict in judged}
    both = sorted(couples(groups), key=lambda each: _family(each.first.row))
    qualities = of_couples(both, tolerances)
    ordered = sorted(groups, key=lambda each: (_family(each.row), rung_order(each.row.cell)))
    return Answers(
        pairs=[
            _pair(couple, quality, speeds.get((id(couple.first), id(couple.second))))
            for couple, quality in zip(both, qualities, strict=True)
        ],
        learned=[one for group in ordered if (one := _learned(group)) is not None],
    )


def _family(row: Row) -> str:
    """Rows that were asked the same and did the same work stand together."""
    data = (row.table_sha256, row.split_sha256) if row.table_sha256 else None
    return str((asked(row.cell), row.scenario_version, data, row.synthetic))


def _pair(couple: Couple, quality: QualityVerdict | None, speed: PairVerdict | None) -> Pair:
    first, second = couple.first.row, couple.second.row
    why: str | None
    if speed is None:
        why = couple.why or "not measured in common rounds, so that they may have drifted apart"
    else:
        why = speed.verdict.reason if speed.verdict.low is None else None
    return Pair(
        first=first.cell,
        second=second.cell,
        first_apart=first.apart,
        second_apart=second.apart,
        machine_id=None if speed is None else speed.pair.machine_id,
        outcome=None if speed is None else gated(speed.verdict.kind, quality),
        why=why,
        speed=speed,
        quality=quality,
    )


def _learned(group: Group) -> Learned | None:
    judged = [record.quality for record in group.good if record.quality is not None]
    if not judged:
        return None
    seeds = by_seed(group.good)
    times_s = [q.time_to_target_s for q in judged if q.time_to_target_s is not None]
    target = judged[0].target is not None
    return Learned(
        cell=group.row.cell,
        apart=group.row.apart,
        machine_id=group.row.machine_id,
        quality=judged[0],
        seeds=seeds,
        location=over_seeds(list(seeds.values())) if len(seeds) >= MINIMUM_ROUNDS else None,
        trials=len(judged),
        reached=len(times_s) if target else None,
        time_to_target_s=median_and_range(times_s) if target else None,
    )
