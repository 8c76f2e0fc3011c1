"""Caveats, right below the figures and not in a footnote."""

from __future__ import annotations

from harness.report.document import Bullet, Section, note_bullet
from harness.report.evidence import Evidence

KEY = "caveats"


def section(evidence: Evidence) -> Section:
    """Each note on the records, with the command that mends it."""
    notes = [note_bullet(note) for note in evidence.summary.notes]
    return Section(
        key=KEY,
        heading="Caveats",
        bullets=notes or [Bullet(text="None in the records.")],
    )
