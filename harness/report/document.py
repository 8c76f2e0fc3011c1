"""What a report is made of: sections of text and tables, which the outputs only lay out.

Every figure is text by the time it gets here (:mod:`harness.report.format`), so that the outputs
cannot disagree. What a section says is made in :mod:`harness.report.sections`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.analysis.notes.note import Note
from harness.records.cell import Struct
from harness.report import format as fmt
from harness.report.table import Table
from harness.store.reading import Broken


class Bullet(Struct, frozen=True, kw_only=True):
    """One item of a list; a ``command`` that belongs to it is set apart, to be copied."""

    text: str
    command: str | None = None


class Section(Struct, frozen=True, kw_only=True):
    """A heading with text, then a list, then tables; each part may be empty.

    Outputs choose sections by ``key``, which stays, and never by the heading.
    """

    key: str
    heading: str
    paragraphs: Sequence[str] = ()
    bullets: Sequence[Bullet] = ()
    tables: Sequence[Table] = ()

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.paragraphs or self.bullets or self.tables)


class Document(Struct, frozen=True, kw_only=True):
    """A report, ready to be laid out. Its texts are plain: no markup, no line breaks."""

    title: str
    lead: list[str]
    sections: list[Section]

    def section(self, key: str) -> Section:
        """The section with this key; an empty one where the document has none."""
        return next((s for s in self.sections if s.key == key), Section(key=key, heading=""))

    def without(self, keys: Iterable[str]) -> list[Section]:
        """All sections but those with these keys, in their order."""
        left_out = set(keys)
        return [section for section in self.sections if section.key not in left_out]


def document(title: str, lead: Iterable[str], sections: Iterable[Section]) -> Document:
    """A document of those sections that say anything."""
    return Document(title=title, lead=list(lead), sections=[s for s in sections if s])


def note_bullet(note: Note) -> Bullet:
    """A note as an item of a list, its command set apart."""
    command = note.command
    text = note.text.removesuffix(command).rstrip() if command else note.text
    return Bullet(
        text=fmt.plain(text, limit=2_000), command=fmt.plain(command) if command else None
    )


def broken_bullet(file: Broken, kind: str) -> Bullet:
    """A file that could not be read, as an item of a list."""
    return Bullet(text=fmt.plain(f"{kind} {file.path} could not be read: {file.reason}"))
