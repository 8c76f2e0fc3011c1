"""Two campaigns compared, as a document; terminal and Markdown lay it out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.analysis.before_after.change import Change
from harness.analysis.before_after.compare import CellChange, Comparison
from harness.analysis.before_after.gate import Finding
from harness.analysis.before_after.match import OneSided
from harness.analysis.before_after.what_changed import PackageChange
from harness.analysis.rows import Figure
from harness.analysis.study import About
from harness.backends import FACTS
from harness.errors import GateCode
from harness.records.cell import Cell
from harness.report import format as fmt
from harness.report.document import Bullet, Document, Section, document, note_bullet
from harness.report.sections import behind, facts
from harness.report.sections.quality import difference, found_word, of_difference, quality_word
from harness.report.table import Column, Table, cell_facts, cell_tables, figure, stacked, variants
from harness.words import joined

TITLE = "Before and after, compared"

PACKAGES_LISTED = 12
"""So many packages stand in the report; the JSON has them all."""


def compose(
    comparison: Comparison,
    findings: Sequence[Finding],
    *,
    about: Mapping[str, About],
    names: tuple[str, str],
    unsettled: int | None,
    repeat: behind.Repeat | None = None,
) -> Document:
    """Put the report of a comparison together.

    Args:
        comparison: What was compared.
        findings: What the gate fails on.
        about: What is known of the scenarios.
        names: Of the two folders, for the reader.
        unsettled: How many questions of the gate could not be answered; ``None`` without a gate.
        repeat: What gives the command that measures the first campaign once more, if it is known.
    """
    gated = unsettled is not None
    sections = [
        facts.behind(behind.of_comparison(comparison, about, repeat=repeat)),
        Section(
            key="gate",
            heading="Gate" if gated else "Nothing to compare",
            bullets=[_finding(one, comparison, about) for one in findings],
        ),
        Section(
            key="verdicts",
            heading="Verdicts",
            paragraphs=[_reading(comparison)] if comparison.ranked else [],
            tables=_speeds(comparison, about) if comparison.ranked else [],
        ),
        Section(key="quality", heading="Quality", tables=_qualities(comparison, about)),
        Section(key="memory", heading="Memory", tables=_memories(comparison, about)),
        Section(
            key="not-compared",
            heading="Not compared",
            bullets=list(_not_compared(comparison, about)),
        ),
        Section(
            key="what-changed",
            heading="What else changed",
            bullets=[
                Bullet(text=_packages(backend, changed))
                for backend, changed in comparison.packages.items()
            ],
        ),
        Section(
            key="caveats",
            heading="Caveats",
            bullets=[note_bullet(note) for note in comparison.notes],
        ),
    ]
    return document(TITLE, _lead(comparison, findings, about, names, unsettled), sections)


OUTCOMES = {"slower": "slower", "faster": "faster", "equivalent": "unchanged"}
"""Verdicts on step time, and what the first sentence calls them; any other is undecided."""

NAMED = 3
"""So many cells that changed are named in the first sentences."""


def in_short(comparison: Comparison, about: Mapping[str, About]) -> str:
    """``2 slower, 1 faster, 6 unchanged. Slower: ranking torch cpu 1.19× (1.13–1.24).``."""
    ranked = [cell for cell in comparison.cells if cell.unranked is None and cell.speed]
    kinds = [
        OUTCOMES.get(cell.speed.kind, "undecided") for cell in ranked if cell.speed is not None
    ]
    told = [
        f"{fmt.count(kinds.count(word))} {word}"
        for word in (*OUTCOMES.values(), "undecided")
        if word in kinds
    ]
    unranked = len(comparison.cells) - len(ranked)
    told += [f"{fmt.count(unranked)} without a verdict on speed"] if unranked else []
    learned = [cell.quality.kind for cell in comparison.cells if cell.quality is not None]
    told += [
        f"{fmt.count(learned.count(kind))} learn{'s' * (learned.count(kind) == 1)} {kind}"
        for kind in ("worse", "better")
        if kind in learned
    ]
    grown = sum(cell.memory is not None and cell.memory.kind == "more" for cell in comparison.cells)
    told += [f"{fmt.count(grown)} need{'s' * (grown == 1)} more memory"] if grown else []
    if not comparison.cells:
        return "Nothing compared: the two have no cell in common."
    sentences = [f"{', '.join(told)}."]
    for kind in ("slower", "faster"):
        moved = [cell for cell in ranked if cell.speed is not None and cell.speed.kind == kind]
        if moved:
            names = [_moved(cell, comparison, about) for cell in moved[:NAMED]]
            more = [f"and {fmt.count(len(moved) - NAMED)} more"] if len(moved) > NAMED else []
            sentences.append(f"{kind.capitalize()}: {', '.join([*names, *more])}.")
    return fmt.plain(" ".join(sentences), limit=2_000)


def _moved(cell: CellChange, comparison: Comparison, about: Mapping[str, About]) -> str:
    label = _label(cell.cell, comparison, about)
    found = cell.speed
    if found is None:
        return label
    much = fmt.ratio(found.ratio, found.low, found.high, margin=found.margin)
    return f"{label} {fmt.inline(*much)}"


def _lead(
    comparison: Comparison,
    findings: Sequence[Finding],
    about: Mapping[str, About],
    names: tuple[str, str],
    unsettled: int | None,
) -> Iterator[str]:
    before, after = (fmt.plain(name, limit=200) for name in names)
    cells = comparison.cells
    yield " ".join(filter(None, (in_short(comparison, about), behind.machine_moved(comparison))))
    trials = [sum(cell.trials_before for cell in cells), sum(cell.trials_after for cell in cells)]
    yield (
        f"Before is {before}, after is {after}: {fmt.count(len(cells))} "
        f"cell{'s' * (len(cells) != 1)} compared, {fmt.count(trials[0])} against "
        f"{fmt.count(trials[1])} trials."
    )
    if findings:
        code = min(finding.code for finding in findings)
        failed = "NOTHING TO COMPARE" if unsettled is None else "GATE FAILED"
        yield f"{failed}: {rule_word(code)}, exit code {code}."
    elif unsettled is not None:
        yield f"Gate passed.{_unsettled(unsettled)}"


def _unsettled(questions: int) -> str:
    if not questions:
        return ""
    are = "question is" if questions == 1 else "questions are"
    return (
        f" But {fmt.count(questions)} {are} not settled, and nothing was claimed there; with "
        "inconclusive in --fail-on the gate fails on that."
    )


def rule_word(code: int) -> str:
    """A code of the gate in words."""
    return {
        GateCode.WORSE: "worse quality",
        GateCode.SLOWER: "slower",
        GateCode.MEMORY: "more memory",
        GateCode.MISSING: "missing cells",
        GateCode.INCONCLUSIVE: "inconclusive",
        GateCode.NOT_COMPARABLE: "not comparable",
    }[GateCode(code)]


def _finding(finding: Finding, comparison: Comparison, about: Mapping[str, About]) -> Bullet:
    whose = _label(finding.cell, comparison, about) if finding.cell else "the whole comparison"
    figures = ""
    if finding.change is not None and finding.change.ratio is not None:
        found = finding.change
        much = fmt.ratio(found.ratio, found.low, found.high, margin=found.margin)
        margin = fmt.percent(found.margin)
        figures = f"{finding.figure} {fmt.inline(*much)} at a margin of {margin}: "
    elif finding.quality is not None and finding.quality.difference is not None:
        learned = finding.quality
        figures = (
            f"{finding.figure} {fmt.inline(*of_difference(learned))} "
            f"at a tolerance of {fmt.quality(learned.tolerance)}: "
        )
    elif finding.figure is not None:
        figures = f"{finding.figure}: "
    return Bullet(
        text=fmt.plain(
            f"{rule_word(finding.code)}: {whose}: {figures}{finding.reason}", limit=2_000
        )
    )


def _reading(comparison: Comparison) -> str:
    limits = comparison.limits
    return (
        f"A cell is called slower or faster if its whole interval is beyond "
        f"{fmt.percent(limits.margin)}, equivalent if it lies within, else inconclusive; for "
        f"memory the margin is {fmt.percent(limits.memory_margin)}. All intervals of a table "
        f"together hold at {fmt.percent(limits.confidence)}, with the process as the unit. A cell "
        "that is faster and learns worse is not called faster. Ratios are after over before: above "
        "1 a step takes longer."
    )


def _not_compared(comparison: Comparison, about: Mapping[str, About]) -> Iterator[Bullet]:
    unranked: dict[str, list[str]] = defaultdict(list)
    for cell in comparison.cells:
        if cell.unranked is not None:
            unranked[cell.unranked].append(_label(cell.cell, comparison, about))
    for reason, labels in unranked.items():
        text = f"{joined(dict.fromkeys(labels))}: no verdict on speed: {reason}"
        yield Bullet(text=fmt.plain(text, limit=2_000))
    for apart in comparison.apart:
        label = _label(apart.cell, comparison, about)
        yield Bullet(text=fmt.plain(f"{label}: {apart.reason}"))
    for here, there, cells in (
        ("before", "after", comparison.only_before),
        ("after", "before", comparison.only_after),
    ):
        yield from (_one_sided(one, here, there, comparison, about) for one in cells)


def _one_sided(
    one: OneSided, here: str, there: str, comparison: Comparison, about: Mapping[str, About]
) -> Bullet:
    trials = f"{fmt.count(one.trials)} trial{'s' * (one.trials != 1)}"
    label = _label(one.cell, comparison, about)
    return Bullet(text=fmt.plain(f"{label}: only {here} ({trials}); {there}: {one.reason}"))


def _label(cell: Cell, comparison: Comparison, about: Mapping[str, About]) -> str:
    """A cell in a few words, with the settings that keep it from the others compared."""
    cells = [
        *(one.cell for one in comparison.cells),
        *(one.cell for one in comparison.apart),
        *(one.cell for one in (*comparison.only_before, *comparison.only_after)),
    ]
    mine = [other for other in cells if other.scenario == cell.scenario]
    facts = [cell_facts(other) for other in (cell, *mine)]
    told = variants(facts, about.get(cell.scenario))[0]
    return " ".join([cell.scenario, cell.place, cell.device, *told])


def _packages(backend: str, changed: Sequence[PackageChange]) -> str:
    listed = [f"{one.name} {one.before} → {one.after}" for one in _weightiest(backend, changed)]
    beyond = len(listed) - PACKAGES_LISTED
    more = [f"and {fmt.count(beyond)} more"] if beyond > 0 else []
    return fmt.plain(f"{backend}: {', '.join([*listed[:PACKAGES_LISTED], *more])}", limit=2_000)


def _weightiest(backend: str, changed: Sequence[PackageChange]) -> list[PackageChange]:
    """The packages that a step's time hangs on first, the others by name."""
    first = ["keras", *FACTS[backend].distributions, "numpy", "python"]
    return sorted(
        changed, key=lambda one: (first.index(one.name) if one.name in first else 99, one.name)
    )


def _speeds(comparison: Comparison, about: Mapping[str, About]) -> list[Table]:
    """Step times, with the verdict that quality allows."""
    return _tables(
        "Step time, after over before",
        [cell for cell in comparison.cells if cell.speed is not None],
        about,
        [
            (figure("before"), lambda cell: fmt.duration(_before(cell.speed))),
            (figure("after"), lambda cell: fmt.duration(_after(cell.speed))),
            (figure("ratio"), lambda cell: _ratio(cell.speed)),
            (Column(header="after is", kept=True), _outcome),
            (Column(header="quality"), lambda cell: quality_word(cell.quality)),
            (figure("trials"), _trials),
        ],
    )


def _qualities(comparison: Comparison, about: Mapping[str, About]) -> list[Table]:
    """The metric, and its difference on equal seeds."""
    return _tables(
        "Test metric, mean over the seeds that both have; difference after minus before",
        [cell for cell in comparison.cells if cell.quality_before or cell.quality_after],
        about,
        [
            (figure("before"), lambda cell: _mean(cell.quality_before)),
            (figure("after"), lambda cell: _mean(cell.quality_after)),
            (figure("difference"), lambda cell: difference(cell.quality)),
            (figure("seeds"), lambda cell: fmt.count(cell.quality.seeds) if cell.quality else "0"),
            (Column(header="after is"), lambda cell: quality_word(cell.quality)),
            (Column(header="difference found"), lambda cell: found_word(cell.quality)),
        ],
    )


def _memories(comparison: Comparison, about: Mapping[str, About]) -> list[Table]:
    """Peak memory of the process, and of the device where there is any."""
    return [
        table
        for title, read in (
            ("Peak memory (resident set), after over before", lambda cell: cell.memory),
            ("Peak device memory, after over before", lambda cell: cell.device_memory),
        )
        for table in _memory(title, comparison, about, read)
    ]


def _memory(
    title: str,
    comparison: Comparison,
    about: Mapping[str, About],
    read: Callable[[CellChange], Change | None],
) -> list[Table]:
    return _tables(
        title,
        [cell for cell in comparison.cells if read(cell) is not None],
        about,
        [
            (figure("before"), lambda cell: fmt.memory(_before(read(cell)))),
            (figure("after"), lambda cell: fmt.memory(_after(read(cell)))),
            (figure("ratio"), lambda cell: _ratio(read(cell))),
            (Column(header="after is"), lambda cell: _word(read(cell))),
        ],
    )


def _tables(
    title: str,
    cells: Sequence[CellChange],
    about: Mapping[str, About],
    fillers: Sequence[tuple[Column, Callable[[CellChange], str]]],
) -> list[Table]:
    return cell_tables(
        title,
        cells,
        about,
        cell=lambda one: one.cell,
        name=(Column(header="backend"), lambda one: one.cell.place),
        machine=lambda one: one.machine_id,
        fillers=fillers,
    )


def _before(change: Change | None) -> float | None:
    return None if change is None else change.before


def _after(change: Change | None) -> float | None:
    return None if change is None else change.after


def _ratio(change: Change | None) -> str:
    if change is None or change.ratio is None:
        return fmt.NOTHING
    return stacked(*fmt.ratio(change.ratio, change.low, change.high, margin=change.margin))


def _word(change: Change | None) -> str:
    if change is None:
        return fmt.NOTHING
    return stacked(change.kind, _needed(change))


def _outcome(cell: CellChange) -> str:
    return stacked(cell.outcome, _needed(cell.speed) if cell.speed is not None else "")


def _needed(change: Change) -> str:
    if change.trials_needed is None:
        return ""
    what = "needed" if change.ratio is None else "would settle it"
    return f"{fmt.count(change.trials_needed)} trials a side {what}"


def _mean(found: Figure | None) -> str:
    return fmt.NOTHING if found is None else fmt.quality(found.value)


def _trials(cell: CellChange) -> str:
    disturbed = sum(cell.disturbed)
    more = f"{fmt.count(disturbed)} disturbed" if disturbed else ""
    return stacked(f"{fmt.count(cell.trials_before)} / {fmt.count(cell.trials_after)}", more)
