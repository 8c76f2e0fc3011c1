"""The trials of two cells that stand beside each other: one of each, for every round in common.

Whatever holds one cell against another (:mod:`.pairs`, :mod:`.break_even`) looks at these and no
others: between trials of different rounds lies whatever else changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from harness.analysis import comparability
from harness.analysis.notes import started
from harness.analysis.rows import Group
from harness.analysis.speed import disturbed
from harness.analysis.step_time import step_time_s
from harness.records.trial import Record, Struct

RoundKey = tuple[str, int]
"""A run (its ``run_id``, or the campaign's name in records that have none) and a round in it."""

Reasons = Mapping[int, str | None]
"""Why each record was disturbed, by the identity (``id``) of the record; ``None`` if it was not."""


class Shared(Struct, frozen=True, kw_only=True):
    """What two cells have in common.

    ``trials`` are pairs of undisturbed trials, the first cell's and the second's, in the order of
    their rounds. ``disturbed`` counts common rounds that are left out since one of the two has only
    disturbed trials in it, ``incomplete`` rounds in which only one of them was measured.
    """

    trials: tuple[tuple[Record, Record], ...]
    disturbed: int
    incomplete: int


def reasons_by_id(records: Sequence[Record]) -> Reasons:
    """Why each of ``records`` was disturbed; they are judged together.

    A failed trial is in no figure, so none is called disturbed, and what is typical of a run is
    told by its good trials alone.
    """
    good = [record for record in records if record.status == "ok"]
    found: dict[int, str | None] = dict.fromkeys(map(id, records))
    return found | dict(zip(map(id, good), disturbed.reasons(good), strict=True))


def shared(first: Group, second: Group, why: Reasons) -> Shared | None:
    """The common rounds of two cells of one machine; ``None`` if there are none."""
    ours, theirs = by_round(first), by_round(second)
    if not comparability.interleaved(first, second):
        # A run's id proves that a round was interleaved; the number of a round alone does not.
        ours, theirs = _proven(ours), _proven(theirs)
    common = sorted(ours.keys() & theirs.keys())
    if not common:
        return None
    both = [(undisturbed(ours[key], why), undisturbed(theirs[key], why)) for key in common]
    trials = tuple((a, b) for a, b in both if a is not None and b is not None)
    return Shared(
        trials=trials,
        disturbed=len(common) - len(trials),
        incomplete=len(ours.keys() ^ theirs.keys()),
    )


def each_round(group: Group, why: Reasons) -> list[Record]:
    """One trial of a cell for each round that has an undisturbed one, in the order of rounds."""
    rounds = by_round(group)
    found = (undisturbed(rounds[key], why) for key in sorted(rounds))
    return [record for record in found if record is not None]


def by_round(group: Group) -> dict[RoundKey, list[Record]]:
    """The good trials of each round, the earliest first."""
    rounds: dict[RoundKey, list[Record]] = defaultdict(list)
    for record in sorted(group.trials, key=started):
        if step_time_s(record) is not None and record.status == "ok":
            rounds[round_key(record)].append(record)
    return rounds


def round_key(record: Record) -> RoundKey:
    """Which round of which run a record belongs to."""
    return record.run_id or f"campaign {record.campaign}", record.round


def undisturbed(trials: Iterable[Record], why: Reasons) -> Record | None:
    """The latest trial which was not disturbed: a repeat replaces what it repeats."""
    quiet = [record for record in trials if why[id(record)] is None]
    return quiet[-1] if quiet else None


def _proven(rounds: Mapping[RoundKey, list[Record]]) -> dict[RoundKey, list[Record]]:
    return {key: trials for key, trials in rounds.items() if trials[0].run_id is not None}
