"""A bisection as a sentence and a table of its steps; terminal and Markdown lay it out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.analysis.before_after.compare import Limits
from harness.analysis.bisection import Conclusion
from harness.records.bisection import Bisection, Step
from harness.report import format as fmt
from harness.report.document import Document, Section, document
from harness.report.table import Column, Table
from harness.words import count

IS: Mapping[str, str] = {
    "slower": "is slower",
    "worse": "learns worse",
    "memory": "takes more memory",
    "missing": "leaves no measurement",
}
"""What a version does that fails a rule, by the rule."""

FIGURES: Mapping[str, str] = {"slower": "step time", "worse": "quality", "memory": "peak memory"}
"""The figure that a rule looks at."""

WORDS: Mapping[str, str] = {
    "good": "good",
    "bad": "bad",
    "open": "no verdict",
    "skipped": "skipped",
}


def sentence(log: Bisection, found: Conclusion, limits: Limits) -> str:
    """The answer, or why there is none."""
    package, good, bad = log.question.package, log.question.good, log.question.bad
    step = log.step(found.suspects[-1] if found.suspects else bad)
    if found.kind == "unfinished" or step is None:
        return f"not at its end: {count(len(log.steps), 'version')} measured so far"
    if found.kind == "not bad":
        kept = _figures(step, log.question.rules.split(","), good, limits)
        return f"{package} {bad} keeps the limits{kept}: there is nothing to look for"
    if found.kind == "open":
        why = "no verdict on" if step.outcome == "open" else "nothing measured of"
        return f"{why} {package} {bad}: {step.reason}"
    does = IS[step.failing[0]]
    figures = _figures(step, step.failing, good, limits)
    if found.kind == "several":
        others = (log.step(version) for version in found.suspects[:-1])
        without = " or ".join(f"{one.version} ({WORDS[one.outcome]})" for one in others if one)
        return (
            f"{package} {step.version} {does}{figures}; the first that is may also be {without}, "
            "without an answer"
        )
    last_good = log.step(found.before) if found.before else None
    beside = ""
    if last_good is not None and (kept := _figures(last_good, step.failing, None, limits)):
        beside = f"; {last_good.version}, the one before it, is not{kept}"
    return f"{package} {step.version} is the first that {does}{figures}{beside}"


def compose(log: Bisection, found: Conclusion, limits: Limits) -> Document:
    """The whole log: the answer, what was asked, and a row for each step."""
    asked = log.question
    rows = [list(_row(step, limits)) for step in log.steps]
    columns = [
        Column(header="version", kept=True),
        Column(header="is", kept=True),
        Column(header=f"step time over {asked.good}", figures=True, kept=True),
        Column(header="rounds", figures=True, kept=True),
        Column(header="why", aside=True, kept=True),
        Column(header="records", aside=True, kept=True),
    ]
    others = [f"{name} {value}" for name, value in asked.asked.items() if value]
    lead = (
        f"{asked.scenario} on {asked.backend}: {asked.package} {asked.good} is good, and a version "
        f"that fails {asked.rules} is bad{''.join(f'; {one}' for one in others)}."
    )
    steps = Section(
        key="steps",
        heading="Steps",
        paragraphs=[
            f"Each version was measured beside {asked.good}, in the same rounds.",
            f"{count(len(log.versions), 'version')}: {', '.join(log.versions)}.",
        ],
        tables=[Table(title="", columns=columns, rows=rows)] if rows else [],
    )
    title = sentence(log, found, limits)
    return document(fmt.plain(title, limit=2_000), [lead], [steps])


def _row(step: Step, limits: Limits) -> Iterator[str]:
    ratio = step.figures.get("step time")
    yield step.version
    yield WORDS[step.outcome]
    yield fmt.inline(*fmt.ratio(*ratio, margin=limits.margin)) if ratio else fmt.NOTHING
    yield fmt.count(step.rounds) if step.rounds else fmt.NOTHING
    yield fmt.plain(step.reason, limit=300)
    yield step.folder or fmt.NOTHING


def _figures(step: Step, rules: list[str], good: str | None, limits: Limits) -> str:
    """``: 1.08× the step time of 3.12.0 (1.05–1.11)``; empty without a figure."""
    told = []
    for rule in rules:
        name = FIGURES.get(rule.partition(":")[0].strip(), "")
        estimate = step.figures.get(name)
        if estimate is None:
            continue
        of = f" the {name} of {good}" if good else ""
        if name == "quality":
            given = fmt.difference(*estimate, tolerance=limits.tolerance or 0.0)
            told.append(
                fmt.inline(f"{given[0]} of quality{f' beside {good}' if good else ''}", given[1])
            )
        else:
            margin = limits.margin if name == "step time" else limits.memory_margin
            times, interval = fmt.ratio(*estimate, margin=margin)
            told.append(fmt.inline(f"{times}{of}", interval))
    return f": {'; '.join(told)}" if told else ""
