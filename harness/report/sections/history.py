"""Campaigns as a timeline of each cell, with the changes that the verdict's rule found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from harness.analysis.before_after.change import Change
from harness.analysis.before_after.history import Moment, Timeline
from harness.analysis.speed.interval import MINIMUM_ROUNDS
from harness.analysis.study import About
from harness.report import format as fmt
from harness.report.document import Bullet, Document, Section, document
from harness.report.sections.facts import Fact, behind
from harness.report.sections.quality import of_difference
from harness.report.table import Column, Table, figure, machine_label, stacked
from harness.store.reading import Broken
from harness.words import count, joined

TITLE = "Keras backends over time"

NAMED = 6
"""Cells that a caveat names; the timelines show the others."""

READING = (
    "A campaign is compared with all trials since the last change. It is a change only if "
    "the whole interval of the step time's ratio lies beyond the margin, or if it surely learned "
    "better or worse; all intervals of this page together hold at 95%. Campaigns share no round, "
    "so a change of the machine between them looks the same as a change of software."
)


def compose(
    timelines: Sequence[Timeline],
    broken: Sequence[Broken],
    about: Mapping[str, About],
    facts: Sequence[Fact] = (),
) -> Document:
    """The timelines as a document; outputs only lay it out.

    Args:
        timelines: of every cell.
        broken: files that should have been records.
        about: what is known of the scenarios.
        facts: what is behind the first sentence.
    """
    moved = [(t, m) for t in timelines for m in t.moments if m.moved]
    lead = [in_short(timelines, about)]
    if not timelines:
        lead = ["There are no campaigns with records here: name the folder that holds theirs."]
    sections = [
        behind(facts),
        Section(
            key="changes",
            heading="Changes",
            bullets=[Bullet(text=_change(t, m, about)) for t, m in moved] or [Bullet(text="None.")],
        ),
        Section(
            key="timelines",
            heading="Timelines",
            tables=[_table(timeline, about) for timeline in timelines],
        ),
        Section(
            key="caveats",
            heading="Caveats",
            bullets=[*_weak(timelines), *_alone(timelines, about), *_broken(broken)],
        ),
        Section(
            key="reading", heading="How to read this", paragraphs=[READING] if timelines else []
        ),
    ]
    return document(TITLE, lead, sections)


NAMED = 3
"""So many changes stand in the first sentence; the list below it has all."""


def in_short(timelines: Sequence[Timeline], about: Mapping[str, About]) -> str:
    """What moved, first; else whether nothing moved, or nothing could be compared at all."""
    campaigns = len({m.campaign for t in timelines for m in t.moments})
    over = f"{count(len(timelines), 'cell')} over {count(campaigns, 'campaign')}"
    moved = [(t, m) for t in timelines for m in t.moments if m.moved]
    judged = [m.speed for t in timelines for m in t.moments if m.speed and m.speed.low is not None]
    learned = [m.quality for t in timelines for m in t.moments if m.quality is not None]
    if moved:
        told = [_moved(t, m, about) for t, m in moved[:NAMED]]
        more = [f"and {fmt.count(len(moved) - NAMED)} more"] if len(moved) > NAMED else []
        return fmt.plain(f"Moved: {'; '.join([*told, *more])}. {over}.", limit=2_000)
    if judged:
        undecided = sum(one.kind == "inconclusive" for one in judged)
        tail = f", {fmt.count(undecided)} undecided" if undecided else ""
        return f"Nothing moved: {over}, {count(len(judged), 'comparison')}{tail}."
    if learned:
        return f"No step time could be compared, and nothing learned otherwise: {over}."
    return (
        f"Nothing compared: {over}, and no cell has two campaigns of at least "
        f"{MINIMUM_ROUNDS} undisturbed trials."
    )


def _moved(timeline: Timeline, moment: Moment, about: Mapping[str, About]) -> str:
    words = []
    if moment.speed is not None and moment.speed.kind in {"faster", "slower"}:
        words.append(f"{moment.speed.kind}, {fmt.inline(*_ratio(moment.speed))}")
    if moment.quality is not None and moment.quality.kind in {"better", "worse"}:
        words.append(f"learns {moment.quality.kind}")
    name = fmt.plain(_cell(timeline, about), limit=80)
    return f"{name} is {' and '.join(words)} since {fmt.plain(moment.campaign, limit=60)}"


def name_of(timeline: Timeline, about: Mapping[str, About]) -> str:
    """A cell in a few words and its machine; settings are named where they are not the default."""
    return fmt.plain(f"{_cell(timeline, about)} on {machine_label(timeline.machine_id)}", limit=160)


def _cell(timeline: Timeline, about: Mapping[str, About]) -> str:
    cell = timeline.cell
    known = about.get(cell.scenario)
    settings = [
        f"{name}={value}"
        for name, value in cell.settings.items()
        if known is None or known.defaults.get(name) != value
    ]
    return " ".join([cell.scenario, cell.label, *(settings if known else [])])


def version_changes(before: Moment | None, now: Moment) -> list[str]:
    """Packages whose versions are others than in the campaign before: ``keras 3.15.1 → 3.16.0``."""
    if before is None:
        return []
    return [
        fmt.plain(
            f"{name} {joined(before.versions.get(name, ['none']))} → {joined(told)}", limit=80
        )
        for name, told in now.versions.items()
        if before.versions.get(name, ["none"]) != told
    ]


def day(moment: Moment) -> str:
    """When a campaign began, as a day and a time of Greenwich."""
    try:
        return dt.datetime.fromtimestamp(moment.began, dt.UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):
        # A record may tell of any year; the calendar of Python ends in 9999.
        return fmt.NOTHING


def _change(timeline: Timeline, moment: Moment, about: Mapping[str, About]) -> str:
    words = []
    if moment.speed is not None and moment.speed.kind in {"faster", "slower"}:
        words.append(f"{moment.speed.kind}, step time {fmt.inline(*_ratio(moment.speed))}")
    if moment.quality is not None and moment.quality.kind in {"better", "worse"}:
        _, span = of_difference(moment.quality)
        words.append(f"learns {moment.quality.kind}, difference {span}")
    place = timeline.moments.index(moment)
    changed = version_changes(timeline.moments[place - 1] if place else None, moment)
    why = f" Versions changed: {', '.join(changed)}." if changed else " No version changed."
    at = f"{fmt.plain(moment.campaign, limit=80)} ({day(moment)})"
    return f"{name_of(timeline, about)}: {' and '.join(words)} from {at} on.{why}"


def _table(timeline: Timeline, about: Mapping[str, About]) -> Table:
    heads = ["trials", "step time", "against the level before"]
    moments = zip([None, *timeline.moments], timeline.moments, strict=False)
    return Table(
        title=name_of(timeline, about),
        columns=[
            Column(header="campaign"),
            Column(header="began"),
            *(figure(head) for head in heads),
            Column(header="outcome"),
            Column(header="versions that changed"),
        ],
        rows=[
            [
                fmt.plain(moment.campaign, limit=60),
                day(moment),
                stacked(fmt.count(moment.trials), *_lost(moment)),
                _step_time(moment),
                _against(moment),
                _outcome(moment),
                "\n".join(version_changes(before, moment)) or fmt.NOTHING,
            ]
            for before, moment in moments
        ],
    )


def _lost(moment: Moment) -> list[str]:
    lost = ((moment.failed, "failed"), (moment.disturbed, "disturbed"))
    return [f"{fmt.count(number)} {word}" for number, word in lost if number]


def _step_time(moment: Moment) -> str:
    if moment.middle_s is None:
        return fmt.NOTHING
    low, high = min(moment.step_times_s), max(moment.step_times_s)
    return stacked(fmt.duration(moment.middle_s), fmt.duration_range(low, high, of=moment.middle_s))


def _against(moment: Moment) -> str:
    if moment.speed is None:
        return fmt.NOTHING
    return stacked(*_ratio(moment.speed))


def _ratio(change: Change) -> tuple[str, str]:
    return fmt.ratio(change.ratio, change.low, change.high, margin=change.margin)


def _outcome(moment: Moment) -> str:
    words: list[str] = [] if moment.speed is None else [moment.speed.kind]
    words += [f"learns {moment.quality.kind}"] if moment.quality is not None else []
    return stacked("CHANGED" if moment.moved else "", *words) or fmt.NOTHING


def _weak(timelines: Sequence[Timeline]) -> list[Bullet]:
    noisy = sum(m.disturbed for t in timelines for m in t.moments)
    failed = sum(m.failed for t in timelines for m in t.moments)
    machines = {t.machine_id for t in timelines}
    few = sum(m.speed is not None and m.speed.low is None for t in timelines for m in t.moments)
    told = [
        (noisy, "{} disturbed trials are left out of step times."),
        (failed, "{} trials left no measurement."),
        (few, "{} campaigns of a cell have fewer than four trials on a side: no verdict on them."),
        (
            len(machines) if len(machines) > 1 else 0,
            "{} machines: each has its own timelines, which cannot be compared.",
        ),
    ]
    return [Bullet(text=text.format(fmt.count(number))) for number, text in told if number]


def _alone(timelines: Sequence[Timeline], about: Mapping[str, About]) -> list[Bullet]:
    """The cells of which one campaign alone has measurements."""
    alone = [one for one in timelines if len(one.moments) == 1]
    if not alone:
        return []
    names = list(dict.fromkeys(name_of(one, about) for one in alone))
    told = names if len(names) <= NAMED else [*names[:NAMED], f"{len(names) - NAMED} more"]
    were = "cells were" if len(alone) > 1 else "cell was"
    return [
        Bullet(
            text=f"{fmt.count(len(alone))} {were} measured in one campaign alone, so there is "
            f"nothing to compare: {'; '.join(told)}."
        )
    ]


def _broken(broken: Sequence[Broken]) -> list[Bullet]:
    return [
        Bullet(text=fmt.plain(f"{file.path} could not be read: {file.reason}", limit=400))
        for file in broken
    ]
