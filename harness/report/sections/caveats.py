"""Caveats, right below the figures and not in a footnote."""

from __future__ import annotations

from harness.analysis.study import Study
from harness.report.document import Bullet, Section, note_bullet

KEY = "caveats"


def section(study: Study) -> Section:
    """Each note on the records, with the command that mends it."""
    notes = [note_bullet(note) for note in study.notes]
    return Section(
        key=KEY,
        heading="Caveats",
        bullets=notes or [Bullet(text="None in the records.")],
    )
