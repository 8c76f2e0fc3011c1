"""What Keras costs on each backend: a section of the report, and a page on several folders.

Every figure and every sentence is made from records; nothing here names a backend by itself. A
sentence that calls one thing faster stands on a verdict.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

from harness.analysis.ladder.ladder import Across, Ladder, Rung, ladders_of_versions
from harness.analysis.rows import Row, distinction, versions
from harness.analysis.speed.verdict import Verdict, turned
from harness.analysis.study import About, Study
from harness.backends import FACTS
from harness.records.cell import MODES, Mode, Scalar, place_of
from harness.records.trial import Record
from harness.report import format as fmt
from harness.report.document import Bullet, Document, Section, document
from harness.report.naming import side
from harness.report.sections import anatomy, ladder, sweeps

KEY = "findings"

TITLE = "Findings: what Keras costs on each backend"

LEAD = (
    "Made from the records of one machine by the command below. Ratios hold there; absolute times "
    "mean little elsewhere. method.md defines each figure."
)

READING = (
    "First what Keras adds to the difference between backends, then what to use on each, then what "
    "ran differently from one mode to the next. Ratios are of step times; those of the last part "
    "are over the same backend's fit."
)

WHAT_RAN = (
    "What changes from one rung to the next, by the records. Ratios are step time "
    "over that of the same backend's fit."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Campaign:
    """A results folder: where it lies, and what its records say."""

    folder: str
    study: Study


def section(study: Study) -> Section:
    """What Keras costs on each backend and what follows from it; nothing without a ladder."""
    ladders = study.ladders
    lines = [*_driven_by_keras(ladders), *_advice(ladders)]
    lines += [line for one in ladders for line in _gaps(one, study.records)]
    return Section(
        key=KEY,
        heading="What Keras costs",
        paragraphs=[READING] if lines else [],
        bullets=[Bullet(text=line) for line in lines],
    )


def compose(campaigns: Sequence[Campaign], command: str) -> Document:
    """The page.

    Args:
        campaigns: in the order in which they are told.
        command: what makes the page again.
    """
    about = {name: one for each in campaigns for name, one in each.study.about.items()}
    rungs = [one for each in campaigns for one in each.study.ladders]
    bodies = [part for each in campaigns for part in _of(each, about)]
    sections = [
        Section(
            key="in-short",
            heading="In short",
            bullets=[Bullet(text=line) for line in _short(rungs)],
        ),
        Section(
            key="advice",
            heading="What follows",
            bullets=[Bullet(text=line) for line in _advice(rungs)],
        ),
        *bodies,
        Section(
            key="sources",
            heading="Where this comes from",
            bullets=[
                Bullet(text="To make it again:", command=command),
                *(Bullet(text=line) for each in campaigns for line in _machines(each)),
            ],
        ),
    ]
    return document(TITLE, [LEAD], sections)


def _of(campaign: Campaign, about: Mapping[str, About]) -> Iterator[Section]:
    yield Section(
        key=ladder.KEY,
        heading="The ladder",
        paragraphs=ladder.lines(campaign.study.ladders, about),
        tables=ladder.tables(campaign.study.ladders, about),
    )
    yield Section(
        key="gaps",
        heading="What closes each gap",
        paragraphs=[WHAT_RAN] if campaign.study.ladders else [],
        bullets=[
            Bullet(text=line)
            for one in campaign.study.ladders
            for line in _gaps(one, campaign.study.records)
        ],
    )
    yield anatomy.of(campaign.study.anatomies, about)
    yield Section(
        key=sweeps.KEY,
        heading=f"Sweep: {campaign.folder}",
        paragraphs=sweeps.lines(campaign.study.sweeps),
        tables=sweeps.tables(campaign.study.sweeps, about),
    )


def _short(ladders: Sequence[Ladder]) -> Iterator[str]:
    for one in ladders:
        yield from _driven_by_keras([one])
        for best in one.best:
            yield (
                f"{place_of(FACTS[best.backend].label, best.name)}"
                f"{distinction(best.apart)}: {best.mode} takes "
                f"{_ratio(best.over_native)} the step time of native."
            )


def _driven_by_keras(ladders: Sequence[Ladder]) -> Iterator[str]:
    """How much of the backends' difference under ``fit`` is left without Keras, pair by pair."""
    for one in ladders:
        by_mode = {key: given for across in one.across for key, given in _both_ways(across)}
        for (first, second, mode), fit in by_mode.items():
            native = by_mode.get((first, second, "native"))
            if mode != "fit" or native is None or fit.ratio is None or native.ratio is None:
                continue
            if fit.ratio < 1:
                continue  # told from the other side: the slower one first, as in the verdicts
            yield (
                f"{_pair(first, second, fit)} under fit, and {_ratio(native)} when both are "
                f"written by hand{_driven(fit.ratio, native.ratio)}."
            )


def _both_ways(across: Across) -> Iterator[tuple[tuple[str, str, Mode], Verdict]]:
    """The verdict of either side over the other."""
    first, second = _sides(across)
    yield (first, second, across.first.mode), across.verdict
    yield (second, first, across.first.mode), turned(across.verdict)


def _driven(fit: float, native: float) -> str:
    """The share of a ratio (of its logarithm) that is gone without Keras' loop."""
    if abs(math.log(fit)) < math.log(1.05) or math.log(fit) * math.log(native) < 0:
        return ""
    share = 1 - math.log(native) / math.log(fit)
    if share <= 0:
        return ""
    return f": {share:.0%} of the difference (of its logarithm) is the way they are driven"


def _advice(ladders: Sequence[Ladder]) -> Iterator[str]:
    for one in ladders:
        for rungs in ladders_of_versions(one.rungs):
            yield f"{_of_versions(rungs)}: {_advise(one, rungs)}"


def _advise(one: Ladder, rungs: Sequence[Rung]) -> str:
    mine = {rung.cell.mode: rung for rung in rungs}
    better = [
        (given.ratio, mode, given)
        for mode, rung in mine.items()
        if mode not in {"fit", "native"}
        and (given := rung.over_fit) is not None
        and given.kind == "faster"
        and given.ratio is not None
    ]
    if not better:
        return "no Keras mode is shown to be faster than fit here, so stay with fit."
    said = []
    better.sort(key=lambda one: one[0], reverse=True)
    for _, mode, given in better:
        said.append(f"{mode} takes {_ratio(given)} the step time of fit{_from(one, mine, mode)}")
    nearest = better[-1][1]
    return "; ".join(said) + "." + _without_keras(nearest, mine[nearest].over_native)


def _without_keras(nearest: Mode, over_native: Verdict | None) -> str:
    """What is still to be gained from the fastest Keras rung."""
    if over_native is None or over_native.ratio is None:
        return ""
    found = _ratio(over_native)
    if over_native.kind == "slower":
        return f" Leaving Keras altogether would bring {nearest} from {found} to 1 times native."
    return (
        f" Leaving Keras altogether is not shown to gain anything: {nearest} takes {found} the "
        "step time of native."
    )


def _from(one: Ladder, mine: Mapping[Mode, Rung], mode: Mode) -> str:
    """From where on a mode has paid for its first step, against ``fit``."""
    wanted = [(mine[each].cell, mine[each].apart) for each in ("fit", mode) if each in mine]
    for each in one.break_evens:
        both = [(each.first, each.first_apart), (each.second, each.second_apart)]
        if both in (wanted, wanted[::-1]):
            if each.steps is None or each.seconds is None or each.epochs is None:
                return ""
            if each.steps == 1:
                return ", from the first step on"
            return (
                f", ahead in total from step {fmt.count(each.steps)} on "
                f"({fmt.significant(each.epochs)} epochs, {fmt.duration(each.seconds)})"
            )
    return ""


def _gaps(one: Ladder, records: Sequence[Record]) -> Iterator[str]:
    for rungs in ladders_of_versions(one.rungs):
        mine = sorted(rungs, key=lambda rung: MODES.index(rung.cell.mode))
        ran = [_engine(rung, records) for rung in mine]
        for before, rung, was, now in zip(mine, mine[1:], ran, ran[1:], strict=False):
            ratio = f", {_ratio(rung.over_fit)}" if rung.over_fit is not None else ""
            yield fmt.plain(
                f"{_of_versions(rungs)}, {before.cell.mode} → {rung.cell.mode}{ratio}: "
                f"{_changes(was, now) or 'nothing in the records'}.",
                limit=1_500,
            )


def _engine(rung: Rung, records: Sequence[Record]) -> dict[str, Scalar | None]:
    """What ran, from the first good record of the rung's cell and versions."""
    return next(
        (
            r.engine
            for r in records
            if r.cell == rung.cell and r.status == "ok" and versions(r) == rung.versions
        ),
        {},
    )


def _changes(was: Mapping[str, Scalar | None], now: Mapping[str, Scalar | None]) -> str:
    absent = object()
    told = [
        f"{name.replace('_', ' ')}: {was.get(name, '–')} → {now.get(name, '–')}"
        for name in dict.fromkeys([*was, *now])
        if was.get(name, absent) != now.get(name, absent)
    ]
    return "; ".join(told)


def _pair(first: str, second: str, given: Verdict) -> str:
    return f"{first} takes {_ratio(given)} the step time of {second}"


def _sides(across: Across) -> tuple[str, str]:
    return side(across.first, across.first_apart), side(across.second, across.second_apart)


def _of_versions(rungs: Sequence[Rung]) -> str:
    """The backend of some rungs, with versions if any of them has others beside it."""
    apart = {name: value for rung in rungs for name, value in rung.apart.items()}
    return side(rungs[0].cell, apart)


def _ratio(given: Verdict | None) -> str:
    if given is None or given.ratio is None:
        return fmt.NOTHING
    much = fmt.ratio(given.ratio, given.low, given.high, margin=given.margin)
    return fmt.inline(*much) + _settled(given)


def _settled(given: Verdict) -> str:
    return " (not settled)" if given.kind == "inconclusive" else ""


def _machines(campaign: Campaign) -> Iterator[str]:
    for machine in campaign.study.machines:
        yield fmt.plain(
            f"{campaign.folder}: {fmt.count(machine.trials)} trials on {machine.cpu}, "
            f"{machine.logical_cores} logical cores, {fmt.capacity(machine.memory_total_bytes)}, "
            f"{machine.os}, Python {', '.join(machine.python)}; versions "
            f"{_versions(campaign.study.rows)}"
        )


def _versions(rows: Sequence[Row]) -> str:
    good = [row for row in rows if row.good] or rows
    seen = {f"{name} {version}": None for row in good for name, version in row.versions.items()}
    return ", ".join(name for name in seen if not name.startswith("python"))
