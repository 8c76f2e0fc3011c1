"""The data that was trained on."""

from __future__ import annotations

from harness.analysis.provenance import DataSet
from harness.analysis.study import Study
from harness.records.program import OWN_DATA
from harness.report import format as fmt
from harness.report.document import Bullet, Section
from harness.words import count

KEY = "data"


def section(study: Study) -> Section:
    """Each table of data by its hash."""
    return Section(
        key=KEY,
        heading="Data",
        bullets=[Bullet(text=_data(data)) for data in study.data_sets],
    )


def _data(data: DataSet) -> str:
    if data.sha256 == OWN_DATA:
        return f"Whatever the script itself reads or makes: {count(data.trials, 'trial')}"
    kind = "SYNTHETIC, made by a generator" if data.synthetic else "not synthetic"
    return (
        f"Table with SHA-256 {fmt.short_hash(data.sha256)}: {kind}, {count(data.trials, 'trial')}"
    )
