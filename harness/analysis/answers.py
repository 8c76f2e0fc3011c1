"""What the records of a folder answer: which cell is faster, and whether they learn alike.

Held against each other are backends in one mode, and modes on one backend: speed round by round
(:mod:`harness.analysis.pairs`), quality seed by seed. Both are said together, since a faster cell
that learns worse is not faster.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from harness.analysis import pairs
from harness.analysis.interval import MINIMUM_ROUNDS, Interval
from harness.analysis.pairs import PairVerdict
from harness.analysis.quality import QualityVerdict, by_seed, compare_quality, gated, over_seeds
from harness.analysis.rows import Figure, median_and_range
from harness.analysis.verdict import MARGIN, judging_confidence
from harness.record import Cell, Quality, Record, Struct


class Learned(Struct, frozen=True, kw_only=True):
    """What one cell learned.

    ``seeds`` holds the final metric by seed, ``location`` its interval over seeds, ``None`` below
    four. ``time_to_target_s`` is that of the trials that reached the target, ``reached`` how many
    of the ``trials`` did; both are ``None`` without a target.
    """

    cell: Cell
    quality: Quality
    seeds: dict[int, float]
    location: Interval | None
    trials: int
    reached: int | None
    time_to_target_s: Figure | None


class Pair(Struct, frozen=True, kw_only=True):
    """Two cells that differ in the backend alone, or in the mode alone.

    ``speed`` is ``None`` where they were not measured in common rounds, ``quality`` where the
    scenario's tolerance is not known here; ``why`` then tells the reason that there is no verdict
    on speed. ``outcome`` is the verdict in words, quality considered.
    """

    first: Cell
    second: Cell
    machine_id: str | None
    outcome: str | None
    why: str | None
    speed: PairVerdict | None
    quality: QualityVerdict | None


class Answers(Struct, frozen=True, kw_only=True):
    """All pairs of backends and of modes, and what each cell learned.

    Ordered by name, never by a figure.
    """

    pairs: list[Pair]
    learned: list[Learned]


Trials = list[Record]


def answer(
    records: Iterable[Record],
    *,
    tolerances: Mapping[str, float] | None = None,
    margin: float = MARGIN,
    sequential: bool = False,
) -> Answers:
    """Everything that may be said of these records.

    Args:
        records: Any records, good and failed, of one or several machines.
        tolerances: Largest difference in quality of no consequence, by scenario.
        margin: Smallest difference in speed that matters, as a share.
        sequential: Whether a campaign stopped, or might have stopped, at a precision.
    """
    records = list(records)
    cells = _by_work([record for record in records if record.status == "ok"])
    speeds: dict[tuple[bytes, bytes], list[PairVerdict]] = defaultdict(list)
    for found in pairs.verdicts_within(records, margin=margin, sequential=sequential):
        speeds[_key(found.pair.first), _key(found.pair.second)].append(found)
    couples = [
        couple
        for family in cells
        for couple in pairs.alike_but_one(family, cell=lambda trials: trials[0].cell)
    ]
    qualities = _qualities(couples, tolerances or {})
    made = [
        pair
        for (first, second), quality in zip(couples, qualities, strict=True)
        for pair in _pairs(first, second, quality, speeds)
    ]
    learned = [
        one for family in cells for trials in family if (one := _learned(trials)) is not None
    ]
    return Answers(pairs=made, learned=learned)


def _pairs(
    first: Trials,
    second: Trials,
    quality: QualityVerdict | None,
    speeds: Mapping[tuple[bytes, bytes], Sequence[PairVerdict]],
) -> list[Pair]:
    """One pair for each machine that measured both in common rounds, or one that says why none."""
    one, other = first[0].cell, second[0].cell
    found = speeds.get((_key(one), _key(other)), [])
    if not found:
        why = _why_no_verdict(first, second)
        return [
            Pair(
                first=one, second=other, machine_id=None, outcome=None, why=why, speed=None,
                quality=quality,
            )
        ]  # fmt: skip
    return [
        Pair(
            first=one,
            second=other,
            machine_id=speed.pair.machine_id,
            outcome=gated(speed.verdict.kind, quality),
            why=speed.verdict.reason if speed.verdict.low is None else None,
            speed=speed,
            quality=quality,
        )
        for speed in found
    ]


def _why_no_verdict(first: Trials, second: Trials) -> str:
    machines = [
        {r.environment.machine_id if r.environment else None for r in side}
        for side in (first, second)
    ]
    if not machines[0] & machines[1]:
        return "measured on different machines, which cannot be ranked"
    return "not measured in common rounds, so that they may have drifted apart"


def _qualities(
    couples: Sequence[tuple[Trials, Trials]], tolerances: Mapping[str, float]
) -> list[QualityVerdict | None]:
    """Paired by seed; those that can be judged make the family (Bonferroni)."""
    seeds = [(by_seed(first), by_seed(second)) for first, second in couples]
    family = sum(len(one.keys() & other.keys()) >= MINIMUM_ROUNDS for one, other in seeds)
    confidence = judging_confidence(0.95, max(1, family))
    found: list[QualityVerdict | None] = []
    for (first, _), (one, other) in zip(couples, seeds, strict=True):
        tolerance = tolerances.get(first[0].cell.scenario)
        quality = next((record.quality for record in first if record.quality), None)
        if tolerance is None or quality is None or not other:
            found.append(None)
            continue
        found.append(
            compare_quality(
                one,
                other,
                tolerance=tolerance,
                direction=quality.direction,
                confidence=confidence,
            )
        )
    return found


def _learned(trials: Trials) -> Learned | None:
    judged = [record.quality for record in trials if record.quality is not None]
    if not judged:
        return None
    seeds = by_seed(trials)
    times_s = [q.time_to_target_s for q in judged if q.time_to_target_s is not None]
    target = judged[0].target is not None
    return Learned(
        cell=trials[0].cell,
        quality=judged[0],
        seeds=seeds,
        location=over_seeds(list(seeds.values())) if len(seeds) >= MINIMUM_ROUNDS else None,
        trials=len(judged),
        reached=len(times_s) if target else None,
        time_to_target_s=median_and_range(times_s) if target else None,
    )


def _by_work(records: Iterable[Record]) -> list[list[Trials]]:
    """Good trials of each cell, those together that trained the same thing on the same data."""
    found: dict[str, dict[bytes, Trials]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        data = (record.hashes.table, record.hashes.split) if record.hashes else None
        plain = _key(msgspec.structs.replace(record.cell, backend="jax", mode="fit"))
        work = str((plain, record.scenario_version, data, record.synthetic))
        found[work][_key(record.cell)].append(record)
    return [
        sorted(family.values(), key=lambda trials: pairs.rung_order(trials[0].cell))
        for _, family in sorted(found.items())
    ]


def _key(cell: Cell) -> bytes:
    return msgspec.json.encode(cell, order="deterministic")
