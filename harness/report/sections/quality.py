"""What each cell learned, and whether two of them learned the same."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from harness.analysis.answers import Answers, Learned, Pair
from harness.analysis.quality import QualityVerdict
from harness.analysis.rows import OF_THE_WORK, named
from harness.analysis.study import About, Study
from harness.report import format as fmt
from harness.report.document import Section
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

KEY = "quality"


def section(study: Study) -> Section:
    """The metric over seeds, then every pair."""
    answers, about = study.answers, study.about
    return Section(
        key=KEY,
        heading="Quality",
        paragraphs=lines(answers, about),
        tables=tables(answers, about),
    )


def lines(answers: Answers, about: Mapping[str, About]) -> list[str]:
    """How to read the quality, for each scenario."""
    lines = []
    for scenario in dict.fromkeys(one.cell.scenario for one in answers.learned):
        known = about.get(scenario)
        if known is None:
            continue
        band = _published(known)
        lines.append(
            f"Quality ({scenario}): the centre of the seeds (Hodges–Lehmann) with its 95% "
            f"interval, from four seeds on. Equivalent: the difference on equal seeds is surely "
            f"within {fmt.quality(known.metric.tolerance)}; to find no difference is not "
            f"enough.{band}"
        )
    return [fmt.plain(line, limit=2_000) for line in lines]


def tables(answers: Answers, about: Mapping[str, About]) -> list[Table]:
    """What each cell learned, what was measured beside it, then every pair, seed by seed."""
    cells = cell_tables(
        "Test metric over seeds",
        answers.learned,
        about,
        cell=lambda one: one.cell,
        name=(Column(header="backend"), lambda one: named(one.cell, one.apart)),
        machine=lambda one: one.machine_id,
        facts=_facts_of_one,
        fillers=[
            (figure("metric", kept=True), _location),
            (figure("seeds"), lambda one: fmt.count(len(one.seeds))),
            (Column(header="published"), lambda one: _band(one, about)),
            (figure("time to target"), _time_to_target),
            (figure("reached target"), _reached),
        ],
    )
    beside = cell_tables(
        "Beside the metric, mean over seeds and lowest–highest",
        [(one, name) for one in answers.learned for name in one.beside],
        about,
        cell=lambda item: item[0].cell,
        name=(Column(header="backend"), lambda item: named(item[0].cell, item[0].apart)),
        machine=lambda item: item[0].machine_id,
        facts=lambda item: _facts_of_one(item[0]),
        fillers=[
            (Column(header="metric"), lambda item: fmt.plain(item[1], limit=60)),
            (figure("value", kept=True), lambda item: _range(item[0].beside[item[1]])),
            (figure("seeds"), lambda item: fmt.count(len(item[0].beside[item[1]]))),
        ],
    )
    pairs = cell_tables(
        "Difference of the test metric on equal seeds, first minus second",
        [pair for pair in answers.pairs if pair.quality is not None and pair.quality.seeds],
        about,
        cell=lambda pair: pair.first,
        name=(Column(header="pair"), pair_name),
        facts=facts,
        fillers=[
            (figure("difference", kept=True), lambda pair: difference(pair.quality)),
            (figure("seeds"), lambda pair: fmt.count(pair.quality.seeds if pair.quality else 0)),
            (Column(header="verdict"), _verdict),
            (Column(header="difference found"), lambda pair: found_word(pair.quality)),
        ],
    )
    return [*cells, *beside, *pairs]


def _verdict(pair: Pair) -> str:
    """On the first of a pair, in words that hold in a title too."""
    word = quality_word(pair.quality)
    return f"the first is {word}" if word in {"worse", "better"} else word


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
    return stacked(*of_difference(quality))


def of_difference(quality: QualityVerdict) -> tuple[str, str]:
    """The difference in the metric, and its interval."""
    return fmt.difference(
        quality.difference, quality.low, quality.high, tolerance=quality.tolerance
    )


def facts(pair: Pair) -> dict[str, str]:
    """What the two of a pair have in common, for the column of settings."""
    return common_facts(pair.first, pair.second) | common_work(pair)


def _facts_of_one(one: Learned) -> dict[str, str]:
    of_the_work = {name: told[:8] for name, told in one.apart.items() if name in OF_THE_WORK}
    return cell_facts(one.cell) | of_the_work


def _location(one: Learned) -> str:
    if one.location is None:
        return stacked(*(fmt.quality(value) for value in one.seeds.values()))
    found = one.location
    return stacked(*fmt.estimate(found.estimate, found.low, found.high))


def _range(seeds: Mapping[int, float]) -> str:
    """The mean over seeds, and from where to where they reach."""
    values = list(seeds.values())
    if not values:
        return fmt.NOTHING
    reach = fmt.quality_range(min(values), max(values)) if len(values) > 1 else ""
    return stacked(fmt.quality(statistics.fmean(values)), reach)


def _published(known: About) -> str:
    metric = known.metric
    if metric.reference is None or metric.target is None:
        return ""
    band = fmt.quality_range(*sorted((metric.reference, metric.target)))
    return f" The published band, with the default settings, is {band} ({metric.source})."


def _band(one: Learned, about: Mapping[str, About]) -> str:
    """The published value for these settings, or how many seeds lie within the published band."""
    known, target = about.get(one.cell.scenario), one.quality.target
    if known is None:
        return fmt.NOTHING
    published = known.published.get(one.cell.digest)
    if published is None:
        return fmt.NOTHING if known.metric.reference is None else "other settings"
    if target is None:
        return fmt.quality(published)
    low, high = sorted((published, target))
    inside = sum(low <= value <= high for value in one.seeds.values())
    return f"{fmt.count(inside)} of {fmt.count(len(one.seeds))} seeds in the band"


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
