"""The answer in a sentence, made from the verdicts and never stronger than they are.

A reader asks six things: which backend is fastest here, by how much and how sure, do they learn the
same, what does it cost in memory, on what machine, and how is it repeated. Each has its line; where
the records cannot answer, the line says why instead.
"""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.quality import QualityVerdict
from harness.analysis.study import Pair
from harness.analysis.summary import About
from harness.backends import FACTS
from harness.records.trial import Struct
from harness.report import format as fmt
from harness.report import repeat
from harness.report.evidence import Contest, Evidence, side
from harness.report.ranking import certainty, fastest, ranked, sides, unranked
from harness.report.sections.quality import of_difference
from harness.words import joined


class Answer(Struct, frozen=True, kw_only=True):
    """What the first screen says.

    ``settled`` tells whether ``speed`` names one backend that is faster than all others that were
    measured beside it. ``repeat`` is a command.
    """

    speed: str
    certainty: str
    quality: str
    target: str
    memory: str
    machine: str
    repeat: str | None
    settled: bool


def answer(evidence: Evidence) -> Answer:
    """The answer to a reader's questions, from the cells that a reader asks for first."""
    contests = evidence.contests
    contest = next((one for one in contests if one.backends), None)
    if contest is None:
        return _nothing(evidence)
    best = fastest(contest)
    speed = ranked(best, contest) if best else unranked(evidence, contest)
    about = evidence.summary.about.get(contest.row.cell.scenario)
    return Answer(
        speed=_about_data(contest) + speed + _unmeasured(evidence, contest),
        certainty=certainty(contest),
        quality=_quality(contest, about),
        target=_target(evidence, contest),
        memory=_memory(contest),
        machine=_machine(evidence, contest),
        repeat=repeat.command(evidence.campaign_of(contest), about, evidence.plans),
        settled=best is not None,
    )


def _about_data(contest: Contest) -> str:
    return "On SYNTHETIC data: " if contest.row.synthetic else ""


def _unmeasured(evidence: Evidence, contest: Contest) -> str:
    cell = contest.row.cell
    lacking = [
        FACTS[lack.backend].label
        for lack in evidence.summary.missing
        if (lack.scenario, lack.device) == (cell.scenario, cell.device)
    ]
    failed = [FACTS[group.row.cell.backend].label for group in contest.failed]
    words = [f" {joined(lacking)} was not measured."] if lacking else []
    words += [f" No trial of {joined(dict.fromkeys(failed))} succeeded."] if failed else []
    return "".join(words)


def _quality(contest: Contest, about: About | None) -> str:
    learned = [(pair, pair.quality) for pair in contest.pairs if pair.quality is not None]
    if not learned or about is None:
        return "Whether the backends learn the same cannot be told: fewer than two have a metric."
    label = about.metric.label
    within = f"{label} within {fmt.quality(about.metric.tolerance)}"
    names = joined(contest.backends)
    seeds = min(found.seeds for _, found in learned)
    kinds = {found.kind for _, found in learned}
    if kinds == {"equivalent"}:
        return f"{names} learn the same: {within} on {fmt.count(seeds)} common seeds."
    reasons = {found.reason for _, found in learned}
    if kinds == {"undecided"} and len(reasons) == 1:
        return f"Whether {names} learn the same is undecided: {reasons.pop()}."
    return "; ".join(_learned(pair, found, label, within) for pair, found in learned) + "."


def _learned(pair: Pair, found: QualityVerdict, label: str, within: str) -> str:
    first, second = sides(pair)
    if found.kind == "equivalent":
        return f"{first} and {second} learn the same ({within})"
    if found.kind == "undecided":
        return f"{first} and {second}: undecided, {found.reason}"
    _, span = of_difference(found)
    return f"{first} learns {found.kind} than {second} (difference in {label} {span})"


def _target(evidence: Evidence, contest: Contest) -> str:
    """The training time to the target of the metric, of those that reached it."""
    rows = [(group.row.cell, group.row.apart) for group in contest.groups]
    mine = [
        one
        for one in evidence.answers.learned
        if (one.cell, one.apart) in rows and one.quality.target
    ]
    if not mine:
        return ""
    times = [
        f"{side(one.cell, one.apart)} {fmt.duration(one.time_to_target_s.value)}"
        + ("" if one.reached == one.trials else f" ({one.reached} of {one.trials} trials)")
        if one.time_to_target_s is not None
        else f"{side(one.cell, one.apart)} never"
        for one in mine
    ]
    return f"Training time to {fmt.quality(mine[0].quality.target)}: {joined(times)}."


def _memory(contest: Contest) -> str:
    peaks = [
        f"{side(row.cell, row.apart)} {fmt.memory(row.peak_rss_bytes.value)}"
        for row in (group.row for group in contest.groups)
        if row.peak_rss_bytes is not None
    ]
    return f"Peak memory of a process: {joined(peaks)}." if peaks else "No trial tells its memory."


def _machine(evidence: Evidence, contest: Contest) -> str:
    machines = evidence.summary.machines
    mine = next((m for m in machines if m.machine_id == contest.row.machine_id), None)
    if mine is None:
        return "The records do not tell the machine."
    facts: Iterable[str] = [
        mine.cpu,
        f"{mine.logical_cores} logical cores",
        *mine.gpus,
        f"{fmt.capacity(mine.memory_total_bytes)} memory",
        mine.os,
    ]
    others = len(machines) - 1
    more = f"; {fmt.count(others)} more in the records" if others else ""
    return fmt.plain(", ".join(facts)) + more + "."


def _nothing(evidence: Evidence) -> Answer:
    failed = bool(evidence.records)
    return Answer(
        speed="No trial left a measurement yet, so there is nothing to compare."
        if failed
        else "There are no records yet: nothing has been measured.",
        certainty="",
        quality="",
        target="",
        memory="",
        machine="",
        repeat=next((lack.command for lack in evidence.summary.missing), None),
        settled=False,
    )
