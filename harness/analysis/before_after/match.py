"""Which records of two campaigns may be held against each other, and why the others may not.

Cells are matched by equality: scenario, backend, device, mode, initial weights, threads and every
setting. Equal cells are comparable if they did the same work (:mod:`harness.analysis.work`), and
their times only if one machine measured both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from harness.analysis.rows import grouped, versions
from harness.analysis.work import NOT_THE_SAME, Work, cell_key, why_other
from harness.backends import BACKENDS
from harness.records.cell import MODES, Cell, Struct
from harness.records.trial import Record
from harness.words import joined


class Matched(Struct, frozen=True, kw_only=True):
    """Good trials of one cell that did the same work on both sides.

    ``machine_id`` is the machine that measured both. It is ``None`` where there is no such machine:
    what was learned may still be compared, but neither times nor memory.
    """

    cell: Cell
    machine_id: str | None
    before: list[Record]
    after: list[Record]


class Apart(Struct, frozen=True, kw_only=True):
    """A cell that both sides have and that cannot be compared at all, and why."""

    cell: Cell
    reason: str


class OneSided(Struct, frozen=True, kw_only=True):
    """A cell with good trials on one side only; ``reason`` tells what the other side has of it."""

    cell: Cell
    trials: int
    reason: str


class Matches(Struct, frozen=True, kw_only=True):
    """All cells of two campaigns.

    Each is in one of the lists, once, or in ``matched`` once for each machine that has both sides.
    """

    matched: list[Matched]
    apart: list[Apart]
    only_before: list[OneSided]
    only_after: list[OneSided]


Groups = dict[tuple[Work, str | None], list[Record]]


def match(before: Iterable[Record], after: Iterable[Record]) -> Matches:
    """Match the cells of two campaigns, ordered by name, never by a figure."""
    firsts, seconds = _by_cell(before), _by_cell(after)
    cells = {key: trials[0].cell for key, trials in (firsts | seconds).items()}
    matched: list[Matched] = []
    apart: list[Apart] = []
    alone: tuple[list[OneSided], list[OneSided]] = ([], [])
    for key in sorted(cells, key=lambda key: _order(cells[key])):
        cell, sides = cells[key], (firsts.get(key, []), seconds.get(key, []))
        good = [[record for record in side if record.status == "ok"] for side in sides]
        if all(good):
            found = _matched(cell, _groups(good[0]), _groups(good[1]))
            matched += found if isinstance(found, list) else []
            apart += [found] if isinstance(found, Apart) else []
        elif any(good):
            here, there = (0, 1) if good[0] else (1, 0)
            reason = _lack(sides[there])
            alone[here].append(OneSided(cell=cell, trials=len(good[here]), reason=reason))
        else:
            apart.append(Apart(cell=cell, reason="no trial left a measurement, before or after"))
    return Matches(matched=matched, apart=apart, only_before=alone[0], only_after=alone[1])


def without(matched: Matched, noisy: AbstractSet[int]) -> Matched:
    """The same without the trials of these identities (``id``)."""
    return msgspec.structs.replace(
        matched,
        before=[record for record in matched.before if id(record) not in noisy],
        after=[record for record in matched.after if id(record) not in noisy],
    )


def machine_names(trials: Sequence[Record]) -> str:
    """The machines of some trials, each by its host's name and what tells its id from others."""
    known = [record.environment for record in trials if record.environment]
    names = sorted({f"{e.hostname} {e.machine_id[:8]}" for e in known})
    return joined(names) if names else "a machine that the records do not name"


def _matched(cell: Cell, before: Groups, after: Groups) -> list[Matched] | Apart:
    """One entry for each machine that did the same work on both sides, or else one without."""
    common = {work for work, _ in before} & {work for work, _ in after}
    if not common:
        first, second = ([work for work, _ in side] for side in (before, after))
        reason = why_other(first, second, ("before", "after"))
        return Apart(cell=cell, reason=reason or NOT_THE_SAME)
    mixed = _mixed(before, "before", common) or _mixed(after, "after", common)
    if mixed:
        return Apart(cell=cell, reason=mixed)
    (work,) = common
    # A trial that does not tell its machine has none in common with any other.
    machines = sorted({m for w, m in before.keys() & after.keys() if w == work and m is not None})
    if not machines:
        return [
            Matched(
                cell=cell,
                machine_id=None,
                before=_of_work(before, common),
                after=_of_work(after, common),
            )
        ]
    return [
        Matched(cell=cell, machine_id=m, before=before[work, m], after=after[work, m])
        for m in machines
    ]


def _groups(trials: Sequence[Record]) -> Groups:
    """Good trials by what they did and where; versions may differ, and are told apart later."""
    groups: Groups = defaultdict(list)
    for group in grouped(trials):
        groups[group.row.work, group.row.machine_id].extend(group.trials)
    return groups


def _of_work(side: Groups, wanted: AbstractSet[Work]) -> list[Record]:
    return [record for (work, _), records in side.items() if work in wanted for record in records]


def _mixed(side: Groups, name: str, common: AbstractSet[Work]) -> str | None:
    """Why one side is no single thing to compare with, if it is none."""
    if len(common) > 1:
        works = f"{len(common)} scenario versions, tables or splits"
        return f"{name} mixes {works}: name a folder that holds one"
    seen: dict[str, set[str]] = defaultdict(set)
    for record in _of_work(side, common):
        for package, version in versions(record).items():
            seen[package].add(version)
    several = [f"{p} {joined(sorted(v))}" for p, v in sorted(seen.items()) if len(v) > 1]
    if several:
        return f"{name} mixes versions ({'; '.join(several)}): name a folder that holds one"
    return None


def _lack(trials: Sequence[Record]) -> str:
    """What the other side has of a cell that has no good trial there."""
    if not trials:
        return "no record"
    statuses = Counter(record.status for record in trials)
    told = joined(f"{count} {status}" for status, count in sorted(statuses.items()))
    failure = next((record.failure for record in trials if record.failure), None)
    first_line = next(iter(failure.reason.strip().splitlines()), "") if failure else ""
    return f"no good trial ({told}{f': {first_line}' if first_line else ''})"


def _by_cell(records: Iterable[Record]) -> dict[bytes, list[Record]]:
    cells: dict[bytes, list[Record]] = defaultdict(list)
    for record in records:
        cells[cell_key(record.cell)].append(record)
    return cells


def _order(cell: Cell) -> tuple[object, ...]:
    settings = sorted(map(str, cell.settings.items()))
    variant = (cell.device, MODES.index(cell.mode), cell.init, cell.threads or 0, settings)
    return (cell.scenario, *variant, BACKENDS.index(cell.backend), cell.name or "")
