"""The data that was trained on."""

from __future__ import annotations

from harness.analysis.summary import DataSet
from harness.report import format as fmt
from harness.report.document import Bullet, Section
from harness.report.evidence import Evidence
from harness.words import count

KEY = "data"


def section(evidence: Evidence) -> Section:
    """Each table of data by its hash."""
    return Section(
        key=KEY,
        heading="Data",
        bullets=[Bullet(text=_data(data)) for data in evidence.summary.data_sets],
    )


def _data(data: DataSet) -> str:
    kind = "SYNTHETIC, made by a generator" if data.synthetic else "not synthetic"
    return (
        f"Table with SHA-256 {fmt.short_hash(data.sha256)}: {kind}, {count(data.trials, 'trial')}"
    )
