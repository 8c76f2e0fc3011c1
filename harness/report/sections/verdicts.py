"""The verdicts between backends and modes, and what each cell learned, as sections of a report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from harness.analysis.answers import Answers, Learned, Pair
from harness.analysis.quality import QualityVerdict
from harness.analysis.rows import OF_THE_WORK, named
from harness.analysis.study import About
from harness.report import format as fmt
from harness.report.table import (
    Column,
    Table,
    cell_facts,
    cell_tables,
    common_facts,
    common_work,
    figure,
    pair_name,
    stacked,
)
from harness.words import joined

NONE_POSSIBLE = "No verdict: there are no two backends or modes that were asked the same."

UNDECIDED = "undecided"


def verdict_lines(answers: Answers) -> list[str]:
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


def verdict_tables(answers: Answers, about: Mapping[str, About]) -> list[Table]:
    """The pairs that a verdict can be given on, each once."""
    return cell_tables(
        "Step time, first over second",
        [pair for pair in answers.pairs if pair.why is None],
        about,
        cell=lambda pair: pair.first,
        name=(Column(header="pair"), pair_name),
        machine=lambda pair: pair.machine_id,
        facts=_facts,
        fillers=[
            (figure("rounds"), _rounds),
            (figure("ratio"), _ratio),
            (Column(header="the first is"), _outcome),
            (Column(header="quality"), lambda pair: quality_word(pair.quality)),
        ],
    )


def quality_lines(answers: Answers, about: Mapping[str, About]) -> list[str]:
    """How to read the quality, for each scenario."""
    lines = []
    for scenario in dict.fromkeys(one.cell.scenario for one in answers.learned):
        known = about.get(scenario)
        if known is None:
            continue
        band = _published(known)
        lines.append(
            f"Quality ({scenario}): the centre of the seeds (Hodges–Lehmann) with its 95% "
            f"interval, from four seeds on. Two cells are equivalent if the difference on "
            f"equal seeds is surely within {fmt.quality(known.metric.tolerance)}; that no "
            f"difference was found is not enough.{band}"
        )
    return [fmt.plain(line, limit=2_000) for line in lines]


def quality_tables(answers: Answers, about: Mapping[str, About]) -> list[Table]:
    """What each cell learned, then every pair of them, seed by seed."""
    cells = cell_tables(
        "Test metric over seeds",
        answers.learned,
        about,
        cell=lambda one: one.cell,
        name=(Column(header="backend"), lambda one: named(one.cell, one.apart)),
        machine=lambda one: one.machine_id,
        facts=_facts_of_one,
        fillers=[
            (figure("metric"), _location),
            (figure("seeds"), lambda one: fmt.count(len(one.seeds))),
            (Column(header="published band"), lambda one: _band(one, about)),
            (figure("time to target"), _time_to_target),
            (figure("reached target"), _reached),
        ],
    )
    pairs = cell_tables(
        "Difference of the test metric on equal seeds, first minus second",
        [pair for pair in answers.pairs if pair.quality is not None and pair.quality.seeds],
        about,
        cell=lambda pair: pair.first,
        name=(Column(header="pair"), pair_name),
        facts=_facts,
        fillers=[
            (figure("difference"), lambda pair: difference(pair.quality)),
            (figure("seeds"), lambda pair: fmt.count(pair.quality.seeds if pair.quality else 0)),
            (Column(header="the first is"), lambda pair: quality_word(pair.quality)),
            (Column(header="difference found"), lambda pair: found_word(pair.quality)),
        ],
    )
    return [*cells, *pairs]


def quality_word(quality: QualityVerdict | None) -> str:
    """The verdict on quality; the dash stands where it cannot be compared at all."""
    return fmt.NOTHING if quality is None else quality.kind


def found_word(quality: QualityVerdict | None) -> str:
    """Whether a difference was found at all, be it of consequence or not."""
    if quality is None or quality.difference is None:
        return fmt.NOTHING
    return "yes" if quality.difference_found else "no"


def difference(quality: QualityVerdict | None) -> str:
    """The difference in the metric with its interval below it."""
    if quality is None:
        return fmt.NOTHING
    return stacked(
        fmt.difference(quality.difference), fmt.difference_range(quality.low, quality.high)
    )


def _reading(judged: Sequence[Pair]) -> str:
    verdicts = [pair.speed.verdict for pair in judged if pair.speed is not None]
    margins = joined(dict.fromkeys(fmt.percent(found.margin) for found in verdicts))
    return (
        f"A pair is called faster or slower if its whole interval is beyond {margins}, equivalent "
        f"if it lies within, else inconclusive. All {fmt.count(len(verdicts))} intervals together "
        "hold at 95%, with the round as the unit."
        if len(verdicts) > 1
        else f"A pair is called faster or slower if its whole 95% interval is beyond {margins}, "
        "equivalent if it lies within, else inconclusive. The unit is the round."
    )


def _facts(pair: Pair) -> dict[str, str]:
    return common_facts(pair.first, pair.second) | common_work(pair)


def _facts_of_one(one: Learned) -> dict[str, str]:
    of_the_work = {name: told[:8] for name, told in one.apart.items() if name in OF_THE_WORK}
    return cell_facts(one.cell) | of_the_work


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
    return stacked(fmt.ratio(found.ratio), fmt.ratio_range(found.low, found.high))


def _outcome(pair: Pair) -> str:
    further = pair.speed.verdict.further_rounds if pair.speed is not None else None
    more = f"{fmt.count(further)} more round{'s' * (further != 1)} would tell" if further else ""
    return stacked(pair.outcome or fmt.NOTHING, more)


def _location(one: Learned) -> str:
    if one.location is None:
        return stacked(*(fmt.quality(value) for value in one.seeds.values()))
    found = one.location
    return stacked(fmt.quality(found.estimate), fmt.quality_range(found.low, found.high))


def _published(known: About) -> str:
    metric = known.metric
    if metric.reference is None or metric.target is None:
        return ""
    band = fmt.quality_range(*sorted((metric.reference, metric.target)))
    return f" The published band, with the default settings, is {band} ({metric.source})."


def _band(one: Learned, about: Mapping[str, About]) -> str:
    """How many seeds lie within the band of the published runs, at the default settings."""
    known = about.get(one.cell.scenario)
    reference, target = one.quality.reference, one.quality.target
    if known is None or reference is None or target is None:
        return fmt.NOTHING
    # A setting that a record lacks came later, and its default is what was done before.
    if any(one.cell.settings.get(name, value) != value for name, value in known.defaults.items()):
        return "other settings"
    low, high = sorted((reference, target))
    inside = sum(low <= value <= high for value in one.seeds.values())
    return f"{fmt.count(inside)} of {fmt.count(len(one.seeds))} seeds within"


def _time_to_target(one: Learned) -> str:
    found = one.time_to_target_s
    if found is None:
        return fmt.NOTHING
    return stacked(
        fmt.duration(found.value), fmt.duration_range(found.low, found.high, of=found.value)
    )


def _reached(one: Learned) -> str:
    if one.reached is None:
        return fmt.NOTHING
    return f"{fmt.count(one.reached)} of {fmt.count(one.trials)}"
