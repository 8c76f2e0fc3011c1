"""A comparison as one short comment on a pull request: the answer, then only what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from harness.analysis.before_after.compare import CellChange, Comparison
from harness.analysis.before_after.gate import Finding
from harness.analysis.study import About
from harness.report import format as fmt
from harness.report.document import Bullet, Document, Section, document
from harness.report.sections import comparison as whole
from harness.report.table import Table

ROWS = 20
"""So many rows of a table and items of a list are shown; the whole comparison has them all."""

UNCHANGED = {"equivalent": "unchanged", "inconclusive": "not settled"}
FIRST = ("slower", "faster", "unchanged", "not settled")
"""How outcomes are ordered; others, such as "faster, but learns worse", go between."""


def compose(
    comparison: Comparison,
    findings: Sequence[Finding],
    *,
    about: Mapping[str, About],
    names: tuple[str, str],
    unsettled: int | None,
) -> Document:
    """The comment; its arguments are those of the whole comparison's ``compose``."""

    def changed(section: str, cells: list[CellChange]) -> Section:
        some = msgspec.structs.replace(comparison, cells=cells)
        made = whole.compose(some, [], about=about, names=names, unsettled=None).section(section)
        beyond = sum(max(0, len(table.rows) - ROWS) for table in made.tables)
        more = [f"{fmt.count(beyond)} more changed; the whole comparison has them."]
        return msgspec.structs.replace(
            made,
            paragraphs=more if beyond else [],
            tables=[_short(table) for table in made.tables],
        )

    full = whole.compose(comparison, findings, about=about, names=names, unsettled=unsettled)
    gate = full.section("gate")
    beyond = len(gate.bullets) - ROWS
    more = [Bullet(text=f"{fmt.count(beyond)} more")] if beyond > 0 else []
    cells = comparison.cells
    sections = [
        msgspec.structs.replace(gate, bullets=[*gate.bullets[:ROWS], *more]),
        changed("verdicts", [cell for cell in cells if _speed(cell) not in UNCHANGED.values()]),
        changed("quality", [cell for cell in cells if _quality(cell)]),
        changed("memory", [cell for cell in cells if _memory(cell)]),
    ]
    return document(answer(comparison), full.lead, [s for s in sections if s.tables or s.bullets])


def answer(comparison: Comparison) -> str:
    """What changed, counted: "2 slower, 1 faster, 6 unchanged. 1 learns worse."."""
    if not comparison.cells:
        return "Nothing could be compared"
    sentences = [_counted(comparison.cells, _speed, "{} {}", first=FIRST)]
    sentences += [_counted(comparison.cells, _quality, "{} learned {}")]
    sentences += [_counted(comparison.cells, _memory, "{} with {} memory")]
    return ". ".join(filter(None, sentences))


def _counted(
    cells: Sequence[CellChange],
    read: Callable[[CellChange], str],
    form: str,
    *,
    first: Sequence[str] = (),
) -> str:
    counts = Counter(word for word in map(read, cells) if word)
    order = sorted(counts, key=lambda word: first.index(word) if word in first else 1.5)
    return ", ".join(form.format(fmt.count(counts[word]), word) for word in order)


def _speed(cell: CellChange) -> str:
    if cell.speed is None:
        return "not settled"
    return UNCHANGED.get(cell.outcome, cell.outcome)


def _quality(cell: CellChange) -> str:
    kind = cell.quality.kind if cell.quality is not None else ""
    return kind if kind in {"worse", "better"} else ""


def _memory(cell: CellChange) -> str:
    kinds = {found.kind for found in (cell.memory, cell.device_memory) if found is not None}
    return next((word for word in ("more", "less") if word in kinds), "")


def _short(table: Table) -> Table:
    return msgspec.structs.replace(table, rows=table.rows[:ROWS])
