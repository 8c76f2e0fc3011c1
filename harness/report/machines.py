"""A contest that several machines interleaved: who is the fastest over all of them, in words.

A ratio over machines comes from :mod:`harness.analysis.speed.machines`. Where it does not settle
who is the fastest, the sentence counts on how many machines each one is.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

from harness.analysis.rows import Elsewhere
from harness.analysis.speed.machines import MINIMUM_MACHINES, Combined
from harness.analysis.study import Contest, Study, learn_worse
from harness.analysis.work import cell_key
from harness.report import format as fmt
from harness.report.naming import backends, by_row_name, side
from harness.report.standing import fastest
from harness.report.table import machine_label
from harness.words import count, joined, listed

FEW = 4
"""The rows of so many machines stand in a report one by one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class OverMachines:
    """What all machines that interleaved a contest say of it.

    Attributes:
        machines: those in the combination, by their ids.
        names: what is compared, as the answer names it.
        alone: what was measured beside them, and not by several machines.
        pairs: of any two of them.
        wins: on how many machines each is faster than every other one, by its name.
        worse: on how many each learns worse than another one, if on any.
        contests: the contest on each of the machines.
    """

    machines: list[str | None]
    names: list[str]
    alone: list[str]
    pairs: list[Combined]
    wins: Mapping[str, int]
    worse: Mapping[str, int]
    contests: list[Contest]

    @property
    def fastest(self) -> str | None:
        """The one that is surely faster than each of the others, if there is one.

        By the ratio over machines; where they are too few for an interval, on each of them by its
        own. What learns worse on any of them is never called faster.
        """
        for name in self.names:
            others = self.ahead_of(name)
            if name in self.worse or len(others) < len(self.names) - 1:
                continue
            if all(one.kind == "slower" for one in others):
                return name
            few = len(self.machines) < MINIMUM_MACHINES
            if few and self.wins.get(name) == len(self.machines):
                return name
        return None

    @property
    def equal(self) -> bool:
        """Whether all are equally fast over the machines."""
        return {one.kind for one in self.pairs} == {"equivalent"}

    def ahead_of(self, name: str) -> list[Combined]:
        """The pairs in which ``name`` is the one that takes less time."""
        return [one for one in self.pairs if named(one)[1] == name]


def named(pair: Combined) -> tuple[str, str]:
    """The two of a pair as the answer names them, the slower one first."""
    return side(pair.first, pair.first_apart), side(pair.second, pair.second_apart)


def over_machines(study: Study, contest: Contest) -> OverMachines | None:
    """What several machines say of ``contest``; ``None`` if they do not interleave it."""
    pairs = study.combined_of(contest)
    if not pairs:
        return None
    machines = list(dict.fromkeys(m.machine_id for one in pairs for m in one.counting))
    contests = [one for one in study.everywhere(contest) if one.row.machine_id in machines]
    mine = {name for one in pairs for name in named(one)}
    labels = by_row_name(study)
    wins = Counter(best for one in contests if (best := fastest(one)) is not None)
    worse = Counter(labels[name] for one in contests for name in learn_worse(one))
    return OverMachines(
        machines=machines,
        names=[name for name in backends(contest) if name in mine],
        alone=[name for name in backends(contest) if name not in mine],
        pairs=pairs,
        wins=wins,
        worse=worse,
        contests=contests,
    )


def sentence(found: OverMachines, margin: float, how: str = "") -> str:
    """``On 3 machines JAX is fastest: 2.0× TensorFlow (1.9–2.1), …; the ratio differs …``.

    Args:
        found: what the machines say.
        margin: smallest difference that matters, as a share.
        how: what else it holds for, such as ``" under native"``.
    """
    said = _fastest(found, margin, how)
    if found.alone:
        said += f" {joined(found.alone)}: not in enough rounds on several machines."
    return said


def _fastest(found: OverMachines, margin: float, how: str) -> str:
    where = f"On {count(len(found.machines), 'machine')}"
    best = found.fastest
    if best is not None:
        ahead = found.ahead_of(best)
        much = ", ".join(_much(one, found, margin) for one in ahead)
        if len(found.machines) < MINIMUM_MACHINES:
            return f"On both machines {best} is fastest{how}: {much}."
        return f"{where} {best} is fastest{how}: {much}{_differ(ahead)}{_but(best, found)}."
    if found.equal:
        return f"{where} {joined(found.names)} are equally fast{how}, within {fmt.percent(margin)}."
    told = ", ".join(
        fmt.inline(f"{slower} takes {ratio} {faster}'s time", ends)
        for one in found.pairs
        for slower, faster in [named(one)]
        for ratio, ends in [ratio_of(one, margin)]
    )
    worse = "".join(
        f"; {name} learns worse on {fmt.count(number)} of them"
        for name, number in found.worse.items()
    )
    return f"{where} none is called the fastest{how}: {told}{_won(found)}{worse}."


def certainty(found: OverMachines, margin: float) -> str:
    """How sure the sentence is, and what it rests on."""
    rounds = [machine.rounds for one in found.pairs for machine in one.counting]
    ends = dict.fromkeys((min(rounds), max(rounds)))
    over = (
        f"{' to '.join(map(fmt.count, ends))} interleaved rounds on each of {len(found.machines):,}"
    )
    within = f"differences up to {fmt.percent(margin)} count as none."
    if len(found.machines) < MINIMUM_MACHINES:
        return (
            f"Each machine's own 95% intervals, from {over}; two machines give no interval over "
            f"machines. {within.capitalize()}"
        )
    together = " for all pairs together" if len(found.pairs) > 1 else ""
    return (
        f"95% intervals{together} of a machine in the middle, from {over} machines (random "
        f"effects); {within}"
    )


def processors(study: Study, found: OverMachines) -> str:
    """``99 machines: 50 × AMD EPYC, 49 × Intel Xeon.``."""
    cpus = Counter(one.cpu for one in study.machines if one.machine_id in found.machines)
    told = [fmt.plain(f"{number:,} × {cpu}", limit=80) for cpu, number in cpus.most_common()]
    others = len(study.machines) - len(found.machines)
    more = f"; {fmt.count(others)} more in the records" if others else ""
    return f"{count(len(found.machines), 'machine')}: {listed(told)}{more}."


def ratio_of(pair: Combined, margin: float) -> tuple[str, str]:
    """The ratio over machines and its interval; of two machines what each of them says."""
    if pair.low is None or pair.high is None:
        return fmt.ratio(pair.ratio)[0], " and ".join(fmt.significant(end) for end in pair.range)
    return fmt.ratio(pair.ratio, pair.low, pair.high, margin=margin)


def few_machines(study: Study) -> Study:
    """The study without the rows of most machines, where more than a few interleaved the same.

    Of rows that are combined those of one machine stay, and whatever else there is.
    """
    combined = {row for two in study.combinations for row in two}
    if not combined or len(study.machines) <= FEW:
        return study
    first: dict[str, str | None] = {}
    for contest in study.contests:
        first.setdefault(contest.row.cell.scenario, contest.row.machine_id)
    kept: dict[Elsewhere, str | None] = {}
    for row in study.rows:
        if row.elsewhere not in kept or row.machine_id == first.get(row.cell.scenario):
            kept[row.elsewhere] = row.machine_id
    cells = {key for key, *_ in combined}
    stay = {
        id(record)
        for group in study.groups
        if (
            group.row.elsewhere not in combined or kept[group.row.elsewhere] == group.row.machine_id
        )
        and (group.row.good or cell_key(group.row.cell) not in cells)
        for record in group.trials
    }
    return dataclasses.replace(study, records=[r for r in study.records if id(r) in stay])


def left_out(study: Study, few: Study) -> str:
    """What a part of the report says that shows the rows of one of many machines alone."""
    if few is study:
        return ""
    others = len(study.machines) - len(few.machines)
    names = joined(machine_label(machine.machine_id) for machine in few.machines)
    return (
        f"On machine{'s' * (len(few.machines) > 1)} {names}; "
        f"{count(others, 'further machine')} measured the same."
    )


def _much(pair: Combined, found: OverMachines, margin: float) -> str:
    """``2.0× TensorFlow (1.9–2.1)``."""
    ratio, ends = ratio_of(pair, margin)
    part = len(pair.counting)
    on = f" on {fmt.count(part)} of them" if part < len(found.machines) else ""
    return fmt.inline(f"{ratio} {named(pair)[0]}{on}", ends)


def _differ(pairs: Sequence[Combined]) -> str:
    """By how much the ratio differs between machines, beyond what rounds scatter."""
    low, high = (f(one.spread for one in pairs) for f in (min, max))
    if high == 0:
        return "; no difference between machines shows"
    if round(100 * high) == 0:
        return "; the ratio differs between machines by less than 1%"
    ends = dict.fromkeys(f"{100 * spread:.0f}" for spread in (low, high))
    shares = f"up to {100 * high:.0f}" if "0" in ends else " to ".join(ends)
    return f"; the ratio differs between machines by {shares}%"


def _but(best: str, found: OverMachines) -> str:
    """On how many machines another one is the fastest."""
    others = [
        f"on {fmt.count(number)} of them {name} is"
        for name, number in found.wins.items()
        if name != best
    ]
    return f"; {joined(others)}" if others else ""


def _won(found: OverMachines) -> str:
    """On how many machines each is the fastest, and on how many none is."""
    none = len(found.machines) - sum(found.wins.values())
    told = [
        *(f"{name} on {fmt.count(found.wins[name])}" for name in found.names if name in found.wins),
        *([f"none on {fmt.count(none)}"] if none else []),
    ]
    return f"; by itself is fastest {', '.join(told)}"
