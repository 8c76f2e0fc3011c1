"""Whether trials of one scenario ran the same source, by the hashes in their records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from harness.analysis.notes.note import Note, note
from harness.analysis.rows import Group
from harness.analysis.trial_names import name_of
from harness.records.trial import Record
from harness.words import joined


class HasSource(Protocol):
    """A record of any kind of child."""

    @property
    def scenario_sha256(self) -> str | None:
        """Identifies the source that it ran; ``None`` if it does not tell."""
        ...


def is_changed(records: Iterable[HasSource]) -> bool:
    """Whether ``records`` of one scenario ran more than one source."""
    return len({r.scenario_sha256 for r in records if r.scenario_sha256 is not None}) > 1


def changed_scenarios(groups: Sequence[Group]) -> Iterator[Note]:
    """Scenarios whose source files were changed between trials that stand in one table.

    Records from before there was such a hash say nothing of it, and make no note.
    """
    trials = [record for group in groups for record in group.trials if record.status == "ok"]
    for scenario in dict.fromkeys(record.cell.scenario for record in trials):
        mine = [record for record in trials if record.cell.scenario == scenario]
        by_source: dict[str, list[Record]] = defaultdict(list)
        for record in mine:
            if record.scenario_sha256 is not None:
                by_source[record.scenario_sha256].append(record)
        if len(by_source) > 1:
            told = [f"{name_of(each, mine)} ran {sha256:.8}…" for sha256, each in by_source.items()]
            yield note(
                "scenario-changed",
                "the scenario's source changed",
                f"The source of {scenario} was changed between trials, which then may not have "
                f"trained the same: {joined(told)} (SHA-256). Figures over both mix them; to "
                "measure all with one source, run again into a folder of its own: --results.",
            )


def changed_between(before: Iterable[Record], after: Iterable[Record]) -> Iterator[Note]:
    """Scenarios whose source is not the same in two campaigns that are compared."""
    sides = [_by_scenario(records) for records in (before, after)]
    for scenario in sorted(sides[0].keys() & sides[1].keys()):
        first, second = (", ".join(sorted(side[scenario])) for side in sides)
        if first != second:
            yield note(
                "scenario-changed",
                "the scenario's source changed",
                f"The source of {scenario} is not the same ({first} before, {second} after, "
                "SHA-256): a difference may be its own.",
            )


def _by_scenario(records: Iterable[Record]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for record in records:
        if record.status == "ok" and record.scenario_sha256 is not None:
            found[record.cell.scenario].add(f"{record.scenario_sha256:.8}…")
    return found
