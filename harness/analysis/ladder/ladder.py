"""The ladder: one model, the ways to run it (modes), and what each costs above the next.

A rung is a cell; a ladder holds the rungs that differ in backend and mode alone and were measured
on one machine. Ratios between rungs are those of common rounds, at the confidence of the whole
family of verdicts, so that looking for the best of them afterwards breaks no promise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from harness.analysis.couples import couples
from harness.analysis.ladder.break_even import BreakEven, break_even
from harness.analysis.ladder.floor import CommonFloor, common_floor, times_floor
from harness.analysis.rows import Figure, Group
from harness.analysis.speed.interval import Ratio
from harness.analysis.speed.pairs import Reasons, Shared, log_ratios, shared
from harness.analysis.speed.verdict import MARGIN, Verdict, verdict
from harness.backends import BACKENDS, Backend
from harness.records.cell import MODES, Cell, Mode, Struct, place_of

KERAS: tuple[Mode, ...] = ("fit", "tuned", "custom_loop")
"""The modes that train the Keras model."""


class Rung(Struct, frozen=True, kw_only=True):
    """One cell of a ladder.

    ``apart``, ``versions`` and figures are those of its row. ``times_floor`` is its step time over
    the floor. ``over_fit`` and ``over_native`` judge its step time over that of the same backend's
    ``fit`` and ``native``; each is ``None`` for that mode itself, and where the two have no round
    in common.
    """

    cell: Cell
    apart: dict[str, str]
    versions: dict[str, str]
    trials: int
    step_time_s: Figure | None
    first_step_s: Figure | None
    quality: Figure | None
    times_floor: Ratio | None
    over_fit: Verdict | None
    over_native: Verdict | None


class Across(Struct, frozen=True, kw_only=True):
    """Two backends in one mode; the verdict is on the first's step time over the second's."""

    first: Cell
    second: Cell
    first_apart: dict[str, str]
    second_apart: dict[str, str]
    verdict: Verdict


class BestKeras(Struct, frozen=True, kw_only=True):
    """The Keras rung of a backend that comes nearest to its ``native``, and how near.

    ``apart`` is that of the rung.
    """

    backend: Backend
    apart: dict[str, str]
    mode: Mode
    over_native: Verdict
    name: str | msgspec.UnsetType = msgspec.UNSET

    @property
    def place(self) -> str:
        """The backend and, where it has a name, its environment."""
        return place_of(self.backend, self.name)


class Ladder(Struct, frozen=True, kw_only=True):
    """All rungs of one scenario with equal settings on one device of one machine.

    ``floor`` is ``None`` where the records do not tell it. ``rungs`` are ordered by backend and
    mode, ``across`` by mode and backend, never by a figure.
    """

    machine_id: str | None
    synthetic: bool
    floor: CommonFloor | None
    rungs: list[Rung]
    best: list[BestKeras]
    across: list[Across]
    break_evens: list[BreakEven]

    @property
    def cell(self) -> Cell:
        """Any of the cells: they agree in all but backend and mode."""
        return self.rungs[0].cell


class _Judge:
    """Judges pairs of groups as all pairs of the records are judged."""

    def __init__(
        self, groups: Sequence[Group], why: Reasons, *, margin: float, sequential: bool
    ) -> None:
        self._couples = [(c.first, c.second) for c in couples(groups) if c.why is None]
        found = [(a, b, shared(a, b, why)) for a, b in self._couples]
        self.why = why
        self._together = {(id(a), id(b)): both for a, b, both in found if both is not None}
        self._margin = margin
        self._sequential = sequential

    def couples(self, groups: Sequence[Group]) -> list[tuple[Group, Group]]:
        """The couples that may be ranked among these groups."""
        mine = {id(group) for group in groups}
        return [(a, b) for a, b in self._couples if id(a) in mine and id(b) in mine]

    def together(self, first: Group, second: Group) -> Shared | None:
        """The rounds of a couple, in the order in which :func:`couples` names the two."""
        return self._together.get((id(first), id(second)))

    def verdict(self, first: Group, second: Group) -> Verdict | None:
        """On the step time of the first over the second; ``None`` without a common round."""
        if (both := self.together(first, second)) is not None:
            return self._verdict(log_ratios(both))
        if (both := self.together(second, first)) is not None:
            return self._verdict([-each for each in log_ratios(both)])
        return None

    def _verdict(self, logs: Sequence[float]) -> Verdict:
        return verdict(
            logs,
            margin=self._margin,
            comparisons=len(self._together),
            sequential=self._sequential,
        )


def ladders(
    groups: Sequence[Group], why: Reasons, *, margin: float = MARGIN, sequential: bool = False
) -> list[Ladder]:
    """The ladders of these groups: wherever more than one mode left a measurement.

    Args:
        groups: What may be pooled, put together.
        why: What disturbed each record.
        margin: Smallest difference in step time that matters, as a share.
        sequential: Whether a campaign stopped, or might have stopped, at a precision.
    """
    families: dict[object, list[Group]] = defaultdict(list)
    for group in groups:
        if group.row.step_time_s is not None:
            families[group.row.family()].append(group)
    found = [mine for mine in families.values() if len({g.row.cell.mode for g in mine}) > 1]
    if not found:
        return []
    judge = _Judge(groups, why, margin=margin, sequential=sequential)
    return [_ladder(mine, judge) for mine in found]


def ladders_of_versions(rungs: Sequence[Rung]) -> list[list[Rung]]:
    """The rungs of each backend and set of versions, which is one way down the ladder."""
    found: dict[object, list[Rung]] = defaultdict(list)
    for rung in rungs:
        found[rung.cell.place, tuple(rung.versions.items())].append(rung)
    return list(found.values())


def _ladder(groups: Sequence[Group], judge: _Judge) -> Ladder:
    ordered = sorted(groups, key=lambda g: (_backend(g.row.cell), MODES.index(g.row.cell.mode)))
    rungs = [_rung(group, ordered, judge) for group in ordered]
    judged = [
        (first, second, both, given)
        for first, second in judge.couples(groups)
        if (both := judge.together(first, second)) is not None
        and (given := judge.verdict(first, second)) is not None
    ]
    row = ordered[0].row
    return Ladder(
        machine_id=row.machine_id,
        synthetic=row.synthetic,
        floor=common_floor(ordered, judge.why),
        rungs=rungs,
        best=[best for mine in ladders_of_versions(rungs) if (best := _best(mine))],
        across=[
            Across(
                first=first.row.cell,
                second=second.row.cell,
                first_apart=first.row.apart,
                second_apart=second.row.apart,
                verdict=given,
            )
            for first, second, _, given in judged
            if first.row.cell.mode == second.row.cell.mode
        ],
        break_evens=[
            found
            for first, second, both, given in judged
            if (found := break_even(first, second, both, given)) is not None
        ],
    )


def _rung(group: Group, groups: Sequence[Group], judge: _Judge) -> Rung:
    row = group.row
    over: dict[str, Verdict] = {}
    # With packages of two versions there are two groups of one cell: the like of this one first.
    for other in sorted(groups, key=lambda each: each.row.versions != row.versions):
        cell = other.row.cell
        if cell.place != row.cell.place or cell.mode not in {"fit", "native"} - {row.cell.mode}:
            continue
        if cell.mode not in over and (given := judge.verdict(group, other)) is not None:
            over[cell.mode] = given
    return Rung(
        cell=row.cell,
        apart=row.apart,
        versions=row.versions,
        trials=row.good,
        step_time_s=row.step_time_s,
        first_step_s=row.first_step_s,
        quality=row.quality,
        times_floor=times_floor(group, judge.why),
        over_fit=over.get("fit"),
        over_native=over.get("native"),
    )


def _best(rungs: Sequence[Rung]) -> BestKeras | None:
    """By the ratio to ``native``, not by the step times, whose rounds may differ."""
    found = [
        (rung.over_native.ratio, rung)
        for rung in rungs
        if rung.cell.mode in KERAS and rung.over_native and rung.over_native.ratio is not None
    ]
    if not found:
        return None
    _, best = min(found, key=lambda each: each[0])
    if best.over_native is None:  # never: these were left out
        return None
    return BestKeras(
        backend=best.cell.backend,
        name=best.cell.name,
        apart=best.apart,
        mode=best.cell.mode,
        over_native=best.over_native,
    )


def _backend(cell: Cell) -> tuple[int, str]:
    return BACKENDS.index(cell.backend), cell.name or ""
