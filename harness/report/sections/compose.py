"""Which sections a report has, and in which order; each section has a file of its own here."""

from __future__ import annotations

from collections.abc import Mapping

from harness.report.document import Document, document
from harness.report.evidence import Evidence
from harness.report.sections import (
    anatomy,
    answer,
    caveats,
    data,
    findings,
    ladder,
    machine,
    operations,
    parity,
    predictions,
    quality,
    reading,
    results,
    sweeps,
    verdicts,
)

TITLE = "Keras backends, measured"


def compose(evidence: Evidence, titles: Mapping[int, str] | None = None) -> Document:
    """Put a report together.

    Args:
        evidence: all that the records say.
        titles: movie titles by ``movie_id``, if the local table is at hand.
    """
    found = answer.answer(evidence)
    return document(
        TITLE,
        [found.sentence, *_warnings(evidence)],
        [
            answer.section(found),
            results.section(evidence),
            verdicts.section(evidence),
            quality.section(evidence),
            parity.section(evidence),
            ladder.section(evidence),
            findings.section(evidence),
            anatomy.section(evidence),
            sweeps.section(evidence),
            caveats.section(evidence),
            reading.section(evidence),
            predictions.section(evidence, titles),
            operations.section(evidence),
            machine.section(evidence),
            data.section(evidence),
        ],
    )


def _warnings(evidence: Evidence) -> list[str]:
    rows = evidence.summary.rows
    if any(row.synthetic for row in [row for row in rows if row.good] or rows):
        return ["SYNTHETIC DATA: some or all of these trials did not train on real ratings."]
    return []
