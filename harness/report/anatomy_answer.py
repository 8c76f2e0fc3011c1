"""The answer of ``harness anatomy`` as a document; outputs only lay it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.analysis.anatomy import Anatomy
from harness.analysis.study import About
from harness.records.anatomy import PARTS, SAYS, AnatomyRecord
from harness.report import format as fmt
from harness.report.document import Bullet, Document, Section
from harness.report.sections.anatomy import HEADING, READING, lines, tables


def compose(
    scenario: str,
    anatomies: Sequence[Anatomy],
    failed: Sequence[AnatomyRecord],
    about: Mapping[str, About] | None = None,
) -> Document:
    """The answer of the command.

    Args:
        scenario: what was trained.
        anatomies: one for each backend that was measured.
        failed: the processes that left no measurement.
        about: what is known of the scenario.
    """
    alike: dict[str, list[str]] = {}
    for record in failed:
        why = f"{record.status}: {record.failure.reason if record.failure else record.status}"
        alike.setdefault(why, []).append(f"{record.cell.backend}, process {record.process}")
    lead = [f"{'; '.join(names)}: NOT measured: {fmt.plain(why)}" for why, names in alike.items()]
    return Document(
        title=f"{scenario}: where does a step's time go?",
        lead=lead + lines(anatomies),
        sections=[
            Section(heading=HEADING, tables=tables(anatomies, about)),
            Section(
                heading="How to read this",
                paragraphs=[READING],
                bullets=[Bullet(text=f"{part}: {SAYS[part]}.") for part in PARTS],
            ),
        ],
    )
