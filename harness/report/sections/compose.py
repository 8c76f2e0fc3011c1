"""Which sections a report has, and in which order; each section has a file of its own here."""

from __future__ import annotations

from collections.abc import Mapping

from harness.analysis.study import Study
from harness.report.document import Document, document
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
    parity,
    predictions,
    quality,
    reading,
    results,
    sweeps,
    verdicts,
)

TITLE = "Keras backends, measured"


def compose(study: Study, titles: Mapping[int, str] | None = None) -> Document:
    """Put a report together.

    Args:
        study: all that the records say.
        titles: movie titles by ``movie_id``, if the local table is at hand.
    """
    found = answer.answer(study)
    return document(
        TITLE,
        [found.sentence, *_warnings(study)],
        [
            answer.section(found),
            across.section(study),
            results.section(study),
            verdicts.section(study),
            quality.section(study),
            parity.section(study),
            ladder.section(study),
            findings.section(study),
            anatomy.section(study),
            sweeps.section(study),
            caveats.section(study),
            reading.section(study),
            predictions.section(study, titles),
            operations.section(study),
            machine.section(study),
            data.section(study),
        ],
    )


def _warnings(study: Study) -> list[str]:
    rows = study.rows
    if any(row.synthetic for row in [row for row in rows if row.good] or rows):
        return ["SYNTHETIC DATA: some or all of these trials did not train on real ratings."]
    return []
