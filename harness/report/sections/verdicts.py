"""The verdicts between backends, modes and versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from harness.analysis.answers import Answers, Pair
from harness.analysis.study import About, Study
from harness.report import format as fmt
from harness.report.document import Section
from harness.report.sections.quality import facts, quality_word
from harness.report.table import (
    Column,
    Table,
    cell_tables,
    figure,
    pair_name,
    stacked,
)
from harness.words import joined

NONE_POSSIBLE = "No verdict: no two backends or modes ran the same scenario with the same settings."

KEY = "verdicts"


def section(study: Study) -> Section:
    """Who is faster, pair by pair; nothing without trials."""
    answers = study.answers
    any_trial = bool(study.trials)
    return Section(
        key=KEY,
        heading="Verdicts",
        paragraphs=lines(answers) if any_trial else [],
        tables=tables(answers, study.about) if any_trial else [],
    )


def lines(answers: Answers) -> list[str]:
    """How to read the verdicts, or why there is none; one line for each reason."""
    judged = [pair for pair in answers.pairs if pair.why is None]
    lines = [_reading(judged)] if judged else []
    why: dict[str, list[str]] = defaultdict(list)
    for pair in answers.pairs:
        if pair.why is not None:
            why[pair.why].append(pair_name(pair))
    lines += [
        f"No verdict on {joined(dict.fromkeys(names))}: {reason}." for reason, names in why.items()
    ]
    return [fmt.plain(line) for line in lines] or [NONE_POSSIBLE]


def tables(answers: Answers, about: Mapping[str, About]) -> list[Table]:
    """The pairs that a verdict can be given on, each once."""
    told = any(_cpu(pair) != fmt.NOTHING for pair in answers.pairs if pair.why is None)
    return cell_tables(
        "Step time, the slower over the faster",
        [pair for pair in answers.pairs if pair.why is None],
        about,
        cell=lambda pair: pair.first,
        name=(Column(header="pair"), pair_name),
        machine=lambda pair: pair.machine_id,
        facts=facts,
        fillers=[
            (figure("rounds"), _rounds),
            (figure("ratio", kept=True), _ratio),
            (Column(header="the first is", kept=True), _outcome),
            *([(figure("CPU time"), _cpu)] if told else []),
            (Column(header="quality"), lambda pair: quality_word(pair.quality)),
        ],
    )


def _reading(judged: Sequence[Pair]) -> str:
    speeds = [pair.speed for pair in judged if pair.speed is not None]
    margins = joined(dict.fromkeys(fmt.percent(found.verdict.margin) for found in speeds))
    several = len({found.pair.machine_id for found in speeds}) > 1
    together = (
        "All intervals of one machine" if several else f"All {fmt.count(len(speeds))} intervals"
    )
    reading = (
        f"Faster or slower: the whole interval is beyond {margins}. Equivalent: it lies within. "
        f"Else inconclusive. {together} together hold at 95%, over rounds."
        if len(speeds) > 1
        else f"Faster or slower: the whole 95% interval, over rounds, is beyond {margins}. "
        "Equivalent: it lies within. Else inconclusive."
    )
    if any(found.pair.in_turns for found in speeds):
        reading += (
            " Processes took turns: a round's ratio is the median over neighbouring turns, which "
            "need not be the ratio of two step times."
        )
        if any(found.pair.in_turns < len(found.pair.log_ratios) for found in speeds):
            reading += " In rounds where they ran one after the other, it is that ratio."
    return reading


def _rounds(pair: Pair) -> str:
    if pair.speed is None:
        return fmt.NOTHING
    left_out = pair.speed.pair.disturbed
    more = f"{fmt.count(left_out)} disturbed" if left_out else ""
    return stacked(fmt.count(pair.speed.verdict.rounds), more)


def _ratio(pair: Pair) -> str:
    if pair.speed is None:
        return fmt.NOTHING
    found = pair.speed.verdict
    return stacked(*fmt.ratio(found.ratio, found.low, found.high, margin=found.margin))


def _cpu(pair: Pair) -> str:
    """The second verdict: on the CPU time of a step, which other programs disturb less."""
    found = pair.speed.cpu if pair.speed is not None else None
    if found is None or found.low is None:
        return fmt.NOTHING
    word = {"faster": "less", "slower": "more"}.get(found.kind, found.kind)
    return stacked(*fmt.ratio(found.ratio, found.low, found.high, margin=found.margin), word)


def _outcome(pair: Pair) -> str:
    further = pair.speed.verdict.further_rounds if pair.speed is not None else None
    more = (
        f"{fmt.count(further)} more round{'s' * (further != 1)} would settle it" if further else ""
    )
    return stacked(pair.outcome or fmt.NOTHING, more)
