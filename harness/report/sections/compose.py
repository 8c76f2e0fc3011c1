"""Which sections a report has, and in which order; each section has a file of its own here."""

from __future__ import annotations

from collections.abc import Mapping

from harness.report.document import Document, document
from harness.report.evidence import Evidence
from harness.report.sections import (
    anatomy,
    caveats,
    data,
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
from harness.words import count

TITLE = "Keras backends, measured"


def compose(evidence: Evidence, titles: Mapping[int, str] | None = None) -> Document:
    """Put a report together.

    Args:
        evidence: all that the records say.
        titles: movie titles by ``movie_id``, if the local table is at hand.
    """
    return document(
        TITLE,
        _lead(evidence),
        [
            results.section(evidence),
            verdicts.section(evidence),
            quality.section(evidence),
            parity.section(evidence),
            ladder.section(evidence),
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


def _lead(evidence: Evidence) -> list[str]:
    summary = evidence.summary
    failed = f", {summary.failed:,} of them failed" if summary.failed else ""
    trials = f"{count(summary.trials, 'trial')}{failed}"
    what = f"The same Keras model trained on JAX, TensorFlow and PyTorch: {trials}."
    which = "only what stands under Verdicts ranks anything"
    lead = [f"{what} These are measurements, {which}."]
    good = [row for row in summary.rows if row.good] or summary.rows
    if any(row.synthetic for row in good):
        lead.append("SYNTHETIC DATA: some or all of these trials did not train on real ratings.")
    return lead
