"""What is behind the first sentence of a comparison and of a history: a reader's questions."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.analysis.before_after.compare import Comparison
from harness.analysis.before_after.history import Moment, Timeline
from harness.analysis.quality import QualityKind, QualityVerdict
from harness.analysis.speed.verdict import MARGIN
from harness.analysis.study import About
from harness.report import format as fmt
from harness.report.sections.facts import BELIEVED, COMPARED, COSTS, NEXT, Fact, machine_facts
from harness.report.table import machine_label
from harness.words import count, joined

LEARNED = "Does it learn the same?"

Repeat = Callable[[Sequence[str]], str | None]
"""Gives the command that measures a campaign once more, with these options besides."""

NO_ROUND = "Campaigns share no round: a change of the machine looks the same as one of software."

MACHINE_MOVED = 1.1
"""A speed probe that differs by more than this factor belongs into the first sentences."""

COUNTED: tuple[QualityKind, ...] = ("worse", "better", "equivalent", "undecided")


def of_comparison(
    comparison: Comparison, about: Mapping[str, About], *, repeat: Repeat | None
) -> list[Fact]:
    """Up to five facts on two campaigns; those that the records say nothing to are left out.

    Args:
        comparison: what was compared.
        about: what is known of the scenarios.
        repeat: gives the command that measures the first campaign once more, so that a change of
            the machine shows.
    """
    if not comparison.cells:
        return []
    scenarios = {cell.cell.scenario for cell in comparison.cells}
    labels = {about[name].metric.label for name in scenarios if name in about}
    learned = [cell.quality for cell in comparison.cells if cell.quality is not None]
    facts = [
        Fact(question=LEARNED, text=_learned(learned, labels)),
        Fact(question=BELIEVED, text=" ".join(_believed(comparison))),
        Fact(question=COMPARED, text=" ".join(_compared(comparison))),
        _next(comparison, repeat),
        Fact(question=COSTS, text=_memory(comparison)),
    ]
    return [fact for fact in facts if fact.text]


def machine_moved(comparison: Comparison) -> str:
    """``The machine itself was 2.0× as slow after, …``, where that may be what the cells show."""
    probe = comparison.probe
    kinds = {cell.speed.kind for cell in comparison.cells if cell.speed is not None}
    if probe is None:
        return ""
    if probe > MACHINE_MOVED and "slower" in kinds:
        word, ratio = "slow", probe
    elif probe < 1 / MACHINE_MOVED and "faster" in kinds:
        word, ratio = "fast", 1 / probe
    else:
        return ""
    return f"But the machine itself was {fmt.significant(ratio, 2)}× as {word} after."


def _learned(learned: Sequence[QualityVerdict], labels: set[str]) -> str:
    """``Yes: test RMSE within 0.00050 in all 3 cells.``; else how many do what."""
    if not learned:
        return "Not comparable: no cell has a metric on both sides."
    kinds = Counter(found.kind for found in learned)
    metric = labels.pop() if len(labels) == 1 else "the metric"
    sizes = {fmt.quality(found.tolerance) for found in learned}
    within = f"{metric} within {joined(sorted(sizes))}"
    if set(kinds) == {"equivalent"}:
        seeds = min(found.seeds for found in learned)
        return f"Yes: {within} in {_all(len(learned))}, on {fmt.count(seeds)} common seeds."
    told = [f"{fmt.count(kinds[kind])} {kind}" for kind in COUNTED if kind in kinds]
    answer = "Undecided" if set(kinds) <= {"equivalent", "undecided"} else "No"
    return f"{answer}: {', '.join(told)}; equivalent is {within}."


def _all(cells: int) -> str:
    return "the cell" if cells == 1 else f"all {fmt.count(cells)} cells"


def _believed(comparison: Comparison) -> Iterator[str]:
    limits = comparison.limits
    if comparison.ranked:
        together = " for all cells together" if len(comparison.cells) > 1 else ""
        yield (
            f"{fmt.percent(limits.confidence)} intervals{together}, each process counted once; "
            f"differences up to {fmt.percent(limits.margin)} count as none."
        )
    briefs = [note.brief or note.code for note in comparison.notes]
    if briefs:
        yield f"Caveats: {fmt.plain(' · '.join(briefs), limit=400)}."


def _memory(comparison: Comparison) -> str:
    told = []
    for name, found in (
        ("Peak memory", [cell.memory for cell in comparison.cells]),
        ("Peak device memory", [cell.device_memory for cell in comparison.cells]),
    ):
        kinds = Counter(change.kind for change in found if change is not None)
        words = ", ".join(f"{fmt.count(number)} {kind}" for kind, number in kinds.items())
        told += [f"{name}: {words}."] if kinds else []
    return " ".join(told)


def _compared(comparison: Comparison) -> Iterator[str]:
    versions = [
        one.name + " " + (one.after if one.before == one.after else f"{one.before} → {one.after}")
        for one in comparison.versions
    ]
    if versions:
        same = all(one.before == one.after for one in comparison.versions)
        yield fmt.plain(f"{', '.join(versions)}{' on both sides' if same else ''}.", limit=400)
    for first in comparison.machines[:1]:
        yield machine_facts(first, others=len(comparison.machines) - 1)


def _next(comparison: Comparison, repeat: Repeat | None) -> Fact:
    """Keras in two versions is measured in common rounds; else before is measured once more."""
    speeds = {cell.speed.kind for cell in comparison.cells if cell.speed is not None}
    if speeds == {"equivalent"}:
        return Fact(question=NEXT, text="Nothing: no step time changed.")
    needed = [
        cell.speed.trials_needed
        for cell in comparison.cells
        if cell.speed is not None and cell.speed.trials_needed is not None
    ]
    enough = f"{fmt.count(max(needed))} trials a side would settle the rest" if needed else ""
    if repeat is None:
        return Fact(question=NEXT, text=f"Measure more: {enough}." if enough else "")
    more = f" ({enough})" if enough else ""
    keras = next((one for one in comparison.versions if one.name == "keras"), None)
    unnamed = not any(cell.cell.name for cell in comparison.cells)
    moved = keras is not None and keras.before != keras.after
    if keras is not None and moved and unnamed and " " not in keras.before + keras.after:
        pair = {"before": keras.before, "after": keras.after}
        named = [f"--env {shlex.quote(f'{name}=keras=={v}')}" for name, v in pair.items()]
        text = f"To be sure, measure both in common rounds{more}:"
        options = [*named, "--results results/both"]
    elif enough and not speeds & {"slower", "faster"}:
        text, options = f"For a verdict, measure both longer{more}, such as:", []
    else:
        text = f"To know what the machine did, measure before once more, and compare{more}:"
        options = ["--results results/once-more"]
    return Fact(question=NEXT, text=text, command=repeat(options))


def of_history(
    timelines: Sequence[Timeline], about: Mapping[str, About], folder: str | None
) -> list[Fact]:
    """What is behind the first sentence of a history.

    Args:
        timelines: of every cell.
        about: what is known of the scenarios.
        folder: the one that holds the campaigns, for the command that compares two of them;
            ``None`` where campaigns are runs of one folder.
    """
    moments = [moment for timeline in timelines for moment in timeline.moments]
    learned = [moment.quality for moment in moments if moment.quality is not None]
    labels = {about[t.cell.scenario].metric.label for t in timelines if t.cell.scenario in about}
    moved = next(((t, m) for t in timelines for m in t.moments if m.moved), None)
    facts = [
        Fact(question=LEARNED, text=_learned_over_time(learned, labels)),
        Fact(question=BELIEVED, text=" ".join(_believed_over_time(timelines))),
        Fact(question=COMPARED, text=_measured(timelines)),
        Fact(question=NEXT, **_look(*moved, folder) if moved and folder else {}),
    ]
    return [fact for fact in facts if fact.text]


def _learned_over_time(learned: Sequence[QualityVerdict], labels: set[str]) -> str:
    if not learned:
        return ""
    kinds = Counter(found.kind for found in learned)
    metric = labels.pop() if len(labels) == 1 else "the metric"
    comparisons = f"{count(len(learned), 'comparison')} of {metric}"
    if set(kinds) == {"equivalent"}:
        return f"Yes, in {comparisons}."
    told = [f"{fmt.count(kinds[kind])} {kind}" for kind in COUNTED if kind in kinds]
    answer = "Undecided" if set(kinds) <= {"equivalent", "undecided"} else "No"
    return f"{answer}: {', '.join(told)} in {comparisons}."


def _believed_over_time(timelines: Sequence[Timeline]) -> Iterator[str]:
    moments = [moment for timeline in timelines for moment in timeline.moments]
    if any(moment.speed is not None and moment.speed.low is not None for moment in moments):
        yield (
            "95% intervals for all comparisons together; differences up to "
            f"{fmt.percent(MARGIN)} count as none."
        )
        yield NO_ROUND
    noisy, failed = (sum(getattr(m, name) for m in moments) for name in ("disturbed", "failed"))
    lost = [f"{fmt.count(n)} {word}" for n, word in ((noisy, "disturbed"), (failed, "failed")) if n]
    if lost:
        trials = sum(moment.trials for moment in moments)
        yield f"Caveats: {' · '.join(lost)} of {count(trials, 'trial')}."


def _measured(timelines: Sequence[Timeline]) -> str:
    """The latest versions of every cell, and the machines."""
    versions: dict[str, dict[str, None]] = {}
    for timeline in timelines:
        latest = timeline.moments[-1].versions
        for name in ("keras", timeline.cell.backend):
            versions.setdefault(name, {}).update(dict.fromkeys(latest.get(name, ())))
    packages = [f"{name} {joined(told)}" for name, told in versions.items() if told]
    machines = dict.fromkeys(machine_label(timeline.machine_id) for timeline in timelines)
    where = f"on {count(len(machines), 'machine')}: {joined(machines)}" if machines else ""
    newest = f"Latest: {', '.join(packages)}, " if packages else ""
    return fmt.plain(f"{newest}{where}.", limit=400) if timelines else ""


def _look(timeline: Timeline, moment: Moment, folder: str) -> dict[str, str]:
    place = timeline.moments.index(moment)
    sides = [timeline.moments[at].campaign for at in (place - 1, place)]
    paths = [shlex.quote(fmt.plain(f"{folder}/{name}", limit=400)) for name in sides]
    return {"text": "Look into the first change:", "command": f"harness compare {' '.join(paths)}"}
