"""All that the records of a folder say, computed once: what every output is made from.

Terminal, Markdown, page, JSON, exports and findings look at the same groups and the same verdicts,
so they cannot disagree. What an output does not ask for is not computed.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from harness.analysis.anatomy import Anatomy, anatomies
from harness.analysis.answers import Answers, Pair, answer, slower_over_faster
from harness.analysis.ladder.ladder import Ladder, ladders
from harness.analysis.notes import weaknesses
from harness.analysis.notes.note import Note
from harness.analysis.provenance import (
    MAIN_SCENARIO,
    DataSet,
    Machine,
    Missing,
    data_sets,
    machines,
    missing_backends,
)
from harness.analysis.rows import Elsewhere, Group, Row, distinction, grouped, with_measurements
from harness.analysis.speed.across import Across, across
from harness.analysis.speed.machines import Combined, combined
from harness.analysis.speed.pairs import (
    CellPair,
    Judging,
    PairVerdict,
    Reasons,
    judged,
    judging,
    pairs_of,
    reasons_by_id,
)
from harness.analysis.sweeps.beside import beside_the_first
from harness.analysis.sweeps.sweeps import Sweep, sweeps
from harness.analysis.work import asked, cell_key, started
from harness.records.cell import MODES, Scalar, Struct
from harness.records.plan import Plan
from harness.records.trial import Record
from harness.scenario import Metric
from harness.store.benchmarks import Benchmarks
from harness.store.reading import Broken
from harness.store.runs import AnatomyRuns, Parity


class About(Struct, frozen=True, kw_only=True):
    """What is known here of a scenario and does not stand in its records.

    ``changed`` is :attr:`harness.scenario.Scenario.settings_before`; ``published`` has the value
    that was published for the settings of a cell, by its digest, where there is one.
    """

    metric: Metric
    defaults: dict[str, Scalar]
    changed: Mapping[str, Scalar] = msgspec.field(default_factory=dict)
    published: dict[str, float] = msgspec.field(default_factory=dict)

    @property
    def before(self) -> dict[str, Scalar]:
        """What a trial did before a setting existed, by the setting's name."""
        return {**self.defaults, **self.changed}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contest:
    """Groups that differ in backend or versions alone, measured on one machine, and their pairs.

    ``failed`` are groups that were asked the same and left no measurement.
    """

    groups: list[Group]
    pairs: list[Pair]
    failed: list[Group] = dataclasses.field(default_factory=list)

    @property
    def judged(self) -> list[Pair]:
        """The pairs that were measured in common rounds here, enough of them or not."""
        return [pair for pair in self.pairs if pair.speed is not None]

    @property
    def row(self) -> Row:
        """Any of the rows: they agree in scenario, device, mode, settings and machine."""
        return self.groups[0].row


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """What a folder of records says; :func:`study_of` makes it.

    Attributes:
        records: good and failed, the oldest first.
        about: what is known of the scenarios, by name. The quality of one that is not known here
            is not judged.
        plans: of the runs that left the records, as far as they are known.
        homes: the folders in which they go on, by ``run_id``, where a command must name them.
        broken: files that should have been records.
        benchmarks: latencies of single operations.
        parity: what `harness parity` left.
        anatomy: what `harness anatomy` left.
    """

    records: list[Record]
    about: Mapping[str, About]
    plans: Sequence[Plan]
    homes: Mapping[str, str]
    broken: Sequence[Broken]
    benchmarks: Benchmarks
    parity: Parity
    anatomy: AnatomyRuns

    @functools.cached_property
    def groups(self) -> list[Group]:
        """Records that may be pooled, by scenario, device, machine, settings, then backend."""
        return grouped(self.records)

    @property
    def rows(self) -> list[Row]:
        """What each of the groups says."""
        return [group.row for group in self.groups]

    @property
    def trials(self) -> int:
        """How many trials there are, good and failed."""
        return len(self.records)

    @property
    def failed(self) -> int:
        """How many trials left no measurement."""
        return sum(record.status != "ok" for record in self.records)

    @functools.cached_property
    def why(self) -> Reasons:
        """What disturbed each record, by its identity; ``None`` if nothing did."""
        return reasons_by_id(self.records)

    @functools.cached_property
    def rule(self) -> Judging:
        """How speed is judged: as the runs said beforehand."""
        return judging(self.plans)

    @functools.cached_property
    def _paired(self) -> list[tuple[Group, Group, CellPair]]:
        return pairs_of(self.groups, self.why)

    @property
    def verdicts(self) -> list[PairVerdict]:
        """The verdicts on speed: of all pairs that were interleaved, a family for each machine.

        The slower of two comes first, as in every output.
        """
        return [slower_over_faster(one) for one in self._judged]

    @functools.cached_property
    def _judged(self) -> list[PairVerdict]:
        return judged(
            [pair for *_, pair in self._paired],
            margin=self.rule.margin,
            sequential=self.rule.sequential,
        )

    @property
    def combined(self) -> list[Combined]:
        """What several machines that each interleaved them say of two cells, in one family."""
        return list(self.combinations.values())

    @functools.cached_property
    def combinations(self) -> dict[tuple[Elsewhere, Elsewhere], Combined]:
        """The same by the two rows that they are made of."""
        alike: dict[tuple[Elsewhere, Elsewhere], list[PairVerdict]] = defaultdict(list)
        for (ours, theirs, _), verdict in zip(self._paired, self._judged, strict=True):
            alike[ours.row.elsewhere, theirs.row.elsewhere].append(verdict)
        return combined(alike, self.rule)

    def combined_of(self, contest: Contest) -> list[Combined]:
        """The pairs of ``contest`` that several machines interleaved."""
        mine = {group.row.elsewhere for group in contest.groups}
        return [found for two, found in self.combinations.items() if mine.issuperset(two)]

    def everywhere(self, contest: Contest) -> list[Contest]:
        """``contest`` and those of other machines that are the same."""
        wanted = contest.row.family(but=("backend",), machine=False)
        return [
            one
            for one in self.contests
            if one.row.family(but=("backend",), machine=False) == wanted
        ]

    @functools.cached_property
    def across(self) -> Across | None:
        """What several scenarios say together, in the device and mode that lead the answer.

        Of each scenario the contest that leads it counts: by its default settings, where measured.
        """
        if not self.contests:
            return None
        first = self.contests[0].row
        chosen: dict[str, Contest] = {}
        for contest in self.contests:
            row = contest.row
            if (row.cell.device, row.cell.mode, row.machine_id) == (
                first.cell.device,
                first.cell.mode,
                first.machine_id,
            ):
                chosen.setdefault(row.cell.scenario, contest)
        names = {id(group): group.row.name for one in chosen.values() for group in one.groups}
        pairs: dict[str, dict[tuple[str, str], CellPair]] = {name: {} for name in sorted(chosen)}
        for ours, theirs, pair in self._paired:
            if id(ours) in names and id(theirs) in names:
                pairs[pair.first.scenario][names[id(ours)], names[id(theirs)]] = pair
        order = dict.fromkeys(group.row.name for group in self.groups)
        worse: dict[str, list[str]] = {}
        for scenario, contest in sorted(chosen.items()):
            for name in learn_worse(contest):
                worse.setdefault(name, []).append(scenario)
        return across(pairs, self.rule, order=list(order), worse=worse)

    @functools.cached_property
    def answers(self) -> Answers:
        """Speed and quality of all pairs together, and what each row learned."""
        both = zip(self._paired, self._judged, strict=True)
        speeds = ((first, second, verdict) for (first, second, _), verdict in both)
        return answer(self.groups, speeds, self.tolerances)

    @property
    def tolerances(self) -> dict[str, float]:
        """Largest difference in quality of no consequence, by scenario."""
        return {name: known.metric.tolerance for name, known in self.about.items()}

    @functools.cached_property
    def ladders(self) -> list[Ladder]:
        """The modes beside each other, wherever several were measured."""
        return ladders(
            self.groups, self.why, margin=self.rule.margin, sequential=self.rule.sequential
        )

    @functools.cached_property
    def sweeps(self) -> list[Sweep]:
        """Rows that differ along one axis alone."""
        said = {
            (id(ours.row), id(theirs.row)): one.verdict
            for (ours, theirs, _), one in zip(self._paired, self._judged, strict=True)
        }
        return beside_the_first(sweeps(self.rows), self.groups, self.why, self.rule, said)

    @functools.cached_property
    def anatomies(self) -> list[Anatomy]:
        """The latest anatomy of each cell and machine."""
        return anatomies(self.anatomy.records)

    @functools.cached_property
    def missing(self) -> list[Missing]:
        """Backends without a record beside others of the same scenario and device."""
        return missing_backends(self.groups)

    @functools.cached_property
    def notes(self) -> list[Note]:
        """What weakens the answer, what forbids a comparison altogether in front."""
        return weaknesses(
            self.groups,
            self.why,
            self.missing,
            self.broken,
            self.tolerances,
            combined=self.combined,
        )

    @functools.cached_property
    def machines(self) -> list[Machine]:
        """The machines that measured."""
        return machines(self.records)

    @functools.cached_property
    def data_sets(self) -> list[DataSet]:
        """The data that was trained on."""
        return data_sets(self.records)

    @functools.cached_property
    def contests(self) -> list[Contest]:
        """The groups that may be held against each other, what a reader asks for first in front."""
        found: dict[object, list[Group]] = {}
        for group in with_measurements(self.groups):
            found.setdefault(group.row.family(but=("backend",)), []).append(group)
        made = [
            Contest(groups=members, pairs=self._pairs(members), failed=self._failed(members))
            for members in found.values()
        ]
        return sorted(made, key=self._rank)

    def campaign_of(self, contest: Contest) -> list[Group]:
        """The groups of ``contest`` and those that differ from them in the mode alone."""
        wanted = contest.row.family()
        groups = with_measurements(self.groups)
        return [group for group in groups if group.row.family() == wanted]

    def _failed(self, members: Sequence[Group]) -> list[Group]:
        wanted = asked(members[0].row.cell, but=("backend",))
        return [
            group
            for group in self._without_measurement
            if asked(group.row.cell, but=("backend",)) == wanted
        ]

    @functools.cached_property
    def _without_measurement(self) -> list[Group]:
        """The groups of cells that left no measurement on any machine."""
        good = {cell_key(group.row.cell) for group in self.groups if group.row.good}
        return [group for group in self.groups if cell_key(group.row.cell) not in good]

    def _pairs(self, members: Sequence[Group]) -> list[Pair]:
        rows = [(group.row.cell, group.row.apart) for group in members]
        return [
            pair
            for pair in self.answers.pairs
            if (pair.first, pair.first_apart) in rows and (pair.second, pair.second_apart) in rows
        ]

    def _rank(self, contest: Contest) -> tuple[object, ...]:
        row = contest.row
        known = self.about.get(row.cell.scenario)
        by_default = known is not None and known.defaults | row.cell.settings == known.defaults
        good = [group.row for group in contest.groups if group.row.good]
        return (
            row.cell.scenario != MAIN_SCENARIO,
            not contest.judged,
            # The tutorial as written is what a reader asks for, even if another mode ran on more.
            MODES.index(row.cell.mode),
            -len({(row.cell.place, distinction(row.apart)) for row in good}),
            row.synthetic,
            not by_default,
            -sum(row.good for row in good),
        )


def learn_worse(contest: Contest) -> list[str]:
    """The names of rows that learn worse than another one of the contest, each once."""
    names = {
        (group.row.cell.digest, str(group.row.apart)): group.row.name for group in contest.groups
    }
    found = []
    for pair in contest.pairs:
        sides = (
            names[pair.first.digest, str(pair.first_apart)],
            names[pair.second.digest, str(pair.second_apart)],
        )
        kind = pair.quality.kind if pair.quality is not None else None
        found += [sides[0]] * (kind == "worse") + [sides[1]] * (kind == "better")
    return list(dict.fromkeys(found))


def study_of(
    records: Iterable[Record],
    *,
    about: Mapping[str, About] | None = None,
    plans: Iterable[Plan] = (),
    homes: Mapping[str, str] | None = None,
    broken: Iterable[Broken] = (),
    benchmarks: Benchmarks | None = None,
    parity: Parity | None = None,
    anatomy: AnatomyRuns | None = None,
) -> Study:
    """The study of ``records`` and of what else lies in their folder; see :class:`Study`."""
    return Study(
        # Sorted, so that nothing depends on the order in which a folder was read.
        records=sorted(
            records, key=lambda r: (started(r), r.campaign, r.cell.digest, r.seed, r.repetition)
        ),
        about=dict(about or {}),
        plans=list(plans),
        homes=dict(homes or {}),
        broken=list(broken),
        benchmarks=benchmarks or Benchmarks(),
        parity=parity or Parity(),
        anatomy=anatomy or AnatomyRuns(),
    )
