"""Which sections a report has, and in which order; each section has a file of its own here."""

from __future__ import annotations

import msgspec

from harness.analysis.study import Study
from harness.report.document import Document, Section, document
from harness.report.machines import few_machines, left_out
from harness.report.sections import (
    across,
    anatomy,
    answer,
    caveats,
    data,
    findings,
    ladder,
    machine,
    operations,
    over_machines,
    parity,
    predictions,
    quality,
    reading,
    results,
    sweeps,
    verdicts,
)

TITLE = "Keras backends, measured"


def compose(study: Study, titles: predictions.Titles | None = None) -> Document:
    """Put a report together.

    Args:
        study: all that the records say.
        titles: of movies, from the tables that are at hand here.
    """
    found = answer.answer(study)
    few = few_machines(study)
    where = left_out(study, few)
    return document(
        TITLE,
        [found.sentence, *_warnings(study)],
        [
            answer.section(found),
            over_machines.section(study),
            across.section(few),
            _of_few(results.section(few), where),
            _of_few(verdicts.section(few), where),
            over_machines.each(study),
            _of_few(quality.section(few), where),
            parity.section(study),
            ladder.section(few),
            findings.section(few),
            anatomy.section(study),
            sweeps.section(few),
            caveats.section(study),
            reading.section(study),
            predictions.section(few, titles or {}),
            operations.section(study),
            machine.section(study),
            data.section(study),
        ],
    )


def _of_few(part: Section, where: str) -> Section:
    """A section with a word on which machine's rows it has, if not those of all."""
    if not part or not where:
        return part
    return msgspec.structs.replace(part, paragraphs=[where, *part.paragraphs])


def _warnings(study: Study) -> list[str]:
    rows = study.rows
    if any(row.synthetic for row in [row for row in rows if row.good] or rows):
        return ["SYNTHETIC DATA: some or all of these trials did not train on real ratings."]
    return []
