"""All that a report is made from, gathered once: records, their groups, verdicts and plans.

The answer, the plots and the details look at the same groups and the same verdicts, so they cannot
tell different stories.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from harness.analysis.ladder.ladder import Ladder
from harness.analysis.ladder.ladder import ladders as ladders_of
from harness.analysis.rows import Group, Row, distinction, grouped, with_measurements
from harness.analysis.shared_rounds import reasons_by_id
from harness.analysis.speed.pairs import judging
from harness.analysis.study import Answers, Pair
from harness.analysis.study import answer as answers_of
from harness.analysis.summary import MAIN_SCENARIO, Summary
from harness.analysis.work import asked
from harness.backends import FACTS
from harness.records.plan import Plan
from harness.records.trial import MODES, Cell, Record
from harness.report import format as fmt
from harness.report import table
from harness.report.anatomy_found import Dissected
from harness.report.parity_found import Parity
from harness.store.benchmarks import Benchmarks

"""What the frameworks call themselves."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contest:
    """Groups that differ in backend or versions alone, measured on one machine, and their pairs.

    ``failed`` are groups that were asked the same and left no measurement.
    """

    groups: list[Group]
    pairs: list[Pair]
    failed: list[Group] = dataclasses.field(default_factory=list)

    @property
    def backends(self) -> list[str]:
        """What was measured, by name, each once, in the order of the rows."""
        return list(dict.fromkeys(side(g.row.cell, g.row.apart) for g in self.groups if g.row.good))

    @property
    def judged(self) -> list[Pair]:
        """The pairs that were measured in common rounds here, enough of them or not."""
        return [pair for pair in self.pairs if pair.speed is not None]

    @property
    def row(self) -> Row:
        """Any of the rows: they agree in scenario, device, mode, settings and machine."""
        return self.groups[0].row


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a folder of records says, ready to be told.

    ``labels`` names each group in the order of ``groups``; ``why`` tells of each record, by its
    identity, what disturbed it.
    """

    summary: Summary
    answers: Answers
    records: list[Record]
    groups: list[Group]
    labels: list[str]
    plans: list[Plan]
    benchmarks: Benchmarks
    parity: Parity
    why: Mapping[int, str]
    ladders: Sequence[Ladder] = ()
    dissected: Dissected = dataclasses.field(default_factory=Dissected)

    @functools.cached_property
    def contests(self) -> list[Contest]:
        """The groups that may be held against each other, what a reader asks for first in front."""
        found: dict[object, list[Group]] = {}
        for group in with_measurements(self.groups):
            found.setdefault(_work(group.row), []).append(group)
        made = [
            Contest(groups=members, pairs=self._pairs(members), failed=self._failed(members))
            for members in found.values()
        ]
        return sorted(made, key=self._rank)

    def campaign_of(self, contest: Contest) -> list[Group]:
        """The groups of ``contest`` and those that differ from them in the mode alone."""
        wanted = _work(contest.row, any_mode=True)
        groups = with_measurements(self.groups)
        return [group for group in groups if _work(group.row, any_mode=True) == wanted]

    def _failed(self, members: Sequence[Group]) -> list[Group]:
        wanted = asked(members[0].row.cell, but=("backend",))
        return [
            group
            for group in self.groups
            if not group.row.good and asked(group.row.cell, but=("backend",)) == wanted
        ]

    def _pairs(self, members: Sequence[Group]) -> list[Pair]:
        rows = [(group.row.cell, group.row.apart) for group in members]
        return [
            pair
            for pair in self.answers.pairs
            if (pair.first, pair.first_apart) in rows and (pair.second, pair.second_apart) in rows
        ]

    def _rank(self, contest: Contest) -> tuple[object, ...]:
        row = contest.row
        known = self.summary.about.get(row.cell.scenario)
        by_default = known is not None and known.defaults | row.cell.settings == known.defaults
        return (
            row.cell.scenario != MAIN_SCENARIO,
            not contest.judged,
            # The tutorial as written is what a reader asks for, even if another mode ran on more.
            MODES.index(row.cell.mode),
            -len(contest.backends),
            row.synthetic,
            not by_default,
            -sum(group.row.good for group in contest.groups),
        )


def gather(
    records: Iterable[Record],
    summary: Summary,
    *,
    answers: Answers | None = None,
    benchmarks: Benchmarks | None = None,
    plans: Iterable[Plan] = (),
    parity: Parity | None = None,
    ladders: Sequence[Ladder] | None = None,
    dissected: Dissected | None = None,
) -> Evidence:
    """Put together what all parts of a report look at.

    Args:
        records: any records, good and failed.
        summary: of the same records.
        answers: the verdicts on them; made here if they are not at hand.
        benchmarks: latencies of single operations, if there are any.
        plans: of the runs that left the records, as far as they are known.
        parity: what `harness parity` found, if it was run.
        ladders: the modes beside each other; made here if they are not at hand.
        dissected: what `harness anatomy` found, if it was run.
    """
    records, plans = list(records), list(plans)
    rule = judging(plans)
    groups = grouped(records)
    return Evidence(
        summary=summary,
        answers=answers
        or answers_of(
            records,
            tolerances={name: about.metric.tolerance for name, about in summary.about.items()},
            margin=rule.margin,
            sequential=rule.sequential,
        ),
        records=records,
        groups=groups,
        labels=labels([group.row for group in groups], summary),
        plans=plans,
        benchmarks=benchmarks or Benchmarks(),
        parity=parity or Parity(),
        dissected=dissected or Dissected(),
        ladders=ladders_of(records, margin=rule.margin, sequential=rule.sequential)
        if ladders is None
        else ladders,
        why={key: why for key, why in reasons_by_id(records).items() if why},
    )


def labels(rows: Sequence[Row], summary: Summary) -> list[str]:
    """A name for each row, as short as tells it from the others: ``jax``, ``jax mode=native``.

    Versions stand there where they tell it from others of its cell: ``jax, keras 3.14.0``.
    """
    told: dict[int, list[str]] = {}
    for scenario in dict.fromkeys(row.cell.scenario for row in rows):
        mine = [row for row in rows if row.cell.scenario == scenario]
        lines = table.settings(mine, summary.about.get(scenario))
        told |= {id(row): line for row, line in zip(mine, lines, strict=True)}
    places = _places(rows)
    names = [
        fmt.plain(" ".join([row.name, *told[id(row)], *place]), limit=80)
        for row, place in zip(rows, places, strict=True)
    ]
    # Those that failed come last: what failed has no say in how the others are called.
    order = sorted(range(len(rows)), key=lambda i: not rows[i].good)
    seen: Counter[str] = Counter()
    for i in order:
        seen[names[i]] += 1
        if seen[names[i]] > 1:  # long facts that begin alike
            names[i] = f"{names[i]} #{seen[names[i]]}"
    return names


def _places(rows: Sequence[Row]) -> list[list[str]]:
    """Scenario, device and machine of each row, as far as they are not the same for all."""
    facts = [
        [row.cell.scenario, row.cell.device, f"on {table.machine_label(row.machine_id)}"]
        for row in rows
    ]
    good = [fact for fact, row in zip(facts, rows, strict=True) if row.good] or facts
    differ = [len(set(column)) > 1 for column in zip(*good, strict=True)]
    return [[name for name, told in zip(one, differ, strict=True) if told] for one in facts]


def side(cell: Cell, apart: Mapping[str, str]) -> str:
    """A row as the answer names it: ``JAX``, ``JAX, keras 3.14.0``."""
    return fmt.plain(FACTS[cell.backend].label + distinction(apart), limit=120)


def _work(row: Row, *, any_mode: bool = False) -> object:
    but = ("backend", "mode") if any_mode else ("backend",)
    return asked(row.cell, but=but), row.machine_id, row.work
