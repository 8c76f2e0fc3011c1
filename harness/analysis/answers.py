"""What the records of a folder answer: which cell is faster, and whether they learn alike.

Held against each other are backends in one mode, modes on one backend, and versions of one cell
(:mod:`harness.analysis.couples`): speed round by round (:mod:`harness.analysis.speed.pairs`),
quality seed by seed. Both are said together, since a faster cell that learns worse is not faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from harness.analysis.couples import Couple, couples
from harness.analysis.quality import (
    QualityKind,
    QualityVerdict,
    by_seed,
    gated,
    of_couples,
    over_seeds,
)
from harness.analysis.rows import Figure, Group, Row, median_and_range
from harness.analysis.speed.interval import MINIMUM_ROUNDS, Interval
from harness.analysis.speed.pairs import PairVerdict
from harness.analysis.speed.verdict import turned
from harness.analysis.work import asked, rung_order
from harness.records.cell import Cell, Struct
from harness.records.trial import Quality


class Learned(Struct, frozen=True, kw_only=True):
    """What one row learned; ``apart`` and ``machine_id`` are those of the row.

    ``seeds`` holds the final metric by seed, ``location`` its interval over seeds, ``None`` below
    four; ``beside`` what the same evaluation gave beside the metric, by name and seed.
    ``time_to_target_s`` is that of the trials that reached the target, ``reached`` how many of the
    ``trials`` did; both are ``None`` without a target.
    """

    cell: Cell
    apart: dict[str, str]
    machine_id: str | None = None
    quality: Quality
    seeds: dict[int, float]
    location: Interval | None
    beside: dict[str, dict[int, float]]
    trials: int
    reached: int | None
    time_to_target_s: Figure | None


class Pair(Struct, frozen=True, kw_only=True):
    """Two cells that differ in the backend alone, in the mode alone, or in versions.

    ``speed`` is ``None`` where they were not measured in common rounds, ``quality`` where the
    scenario's tolerance is not known here; both are where they did not do the same work. ``why``
    then tells the reason that there is no verdict on speed. ``outcome`` is the verdict in words,
    quality considered. ``first_apart`` and ``second_apart`` are those of the rows.

    The first is the one whose steps seem to take longer, so that no ratio is below 1; where there
    is no ratio, the order is that of the names.
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
    # As the rows are ordered, where numbers come by size.
    places: dict[str, int] = {}
    for group in groups:
        places.setdefault(_family(group.row), len(places))
    both = sorted(couples(groups), key=lambda each: places[_family(each.first.row)])
    qualities = of_couples(both, tolerances)
    ordered = sorted(groups, key=lambda one: (places[_family(one.row)], rung_order(one.row.cell)))
    return Answers(
        pairs=[
            slower_first(_pair(couple, quality, speeds.get((id(couple.first), id(couple.second)))))
            for couple, quality in zip(both, qualities, strict=True)
        ],
        learned=[one for group in ordered if (one := _learned(group)) is not None],
    )


def slower_first(pair: Pair) -> Pair:
    """The pair, turned round where its ratio is below 1.

    All outputs then have one direction: how many times as long the slower of two takes is how many
    times as fast the faster one is.
    """
    speed, learned = pair.speed, pair.quality
    if speed is None or (seen_from_there := slower_over_faster(speed)) is speed:
        return pair
    quality = None if learned is None else _turned_quality(learned)
    return msgspec.structs.replace(
        pair,
        first=pair.second,
        second=pair.first,
        first_apart=pair.second_apart,
        second_apart=pair.first_apart,
        outcome=gated(seen_from_there.verdict.kind, quality),
        speed=seen_from_there,
        quality=quality,
    )


def slower_over_faster(speed: PairVerdict) -> PairVerdict:
    """The verdict on speed, turned round where its ratio is below 1; else the same object."""
    if speed.verdict.ratio is None or speed.verdict.ratio >= 1:
        return speed
    return msgspec.structs.replace(
        speed,
        pair=msgspec.structs.replace(
            speed.pair,
            first=speed.pair.second,
            second=speed.pair.first,
            first_apart=speed.pair.second_apart,
            second_apart=speed.pair.first_apart,
            log_ratios=tuple(-each for each in speed.pair.log_ratios),
            cpu_log_ratios=tuple(-each for each in speed.pair.cpu_log_ratios),
        ),
        verdict=turned(speed.verdict),
        cpu=None if speed.cpu is None else turned(speed.cpu),
    )


def _turned_quality(found: QualityVerdict) -> QualityVerdict:
    """The verdict on quality seen from the second cell."""
    kinds: dict[QualityKind, QualityKind] = {"better": "worse", "worse": "better"}
    return msgspec.structs.replace(
        found,
        kind=kinds.get(found.kind, found.kind),
        difference=None if found.difference is None else 0.0 - found.difference,
        low=None if found.high is None else 0.0 - found.high,
        high=None if found.low is None else 0.0 - found.low,
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
    beside = sorted({name for one in judged for name in one.others})
    return Learned(
        cell=group.row.cell,
        apart=group.row.apart,
        machine_id=group.row.machine_id,
        quality=judged[0],
        seeds=seeds,
        location=over_seeds(list(seeds.values())) if len(seeds) >= MINIMUM_ROUNDS else None,
        beside={name: by_seed(group.good, beside=name) for name in beside},
        trials=len(judged),
        reached=len(times_s) if target else None,
        time_to_target_s=median_and_range(times_s) if target else None,
    )
