"""The report as GitHub Markdown, for a README, a pull request or a CI step summary.

Records may come from anybody's pull request. No text of theirs can become markup: everything that
Markdown or HTML could read is escaped, and a reader sees exactly what stands in the record.
Source: GitHub Flavored Markdown, https://github.github.com/gfm/ (tables, autolinks, escapes).
"""

from __future__ import annotations

import re

from harness.report.document import Bullet, Document, Section
from harness.report.table import Table, condensed

# What opens something inside a line: emphasis, code, links, HTML, entities, table cells,
# strikethrough, mathematics, a backslash itself. An underscore between letters opens nothing.
_INLINE = re.compile(r"([\\`*\[\]<>|~&$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
# What opens a block at the start of a line: heading, list, rule.
_BLOCK = re.compile(r"^(\s*)(?:([#+\-=])|(\d+)([.)])(?=\s|$))")
# GitHub makes links of bare addresses, and a backslash inside would become part of the address.
# A plain one may stay a link, since it leads where it says; any other is broken up.
_ADDRESS = re.compile(
    r"(https://(?:[A-Za-z0-9./-]|(?<=[A-Za-z0-9])_(?=[A-Za-z0-9]))+)(?=[\s),;]|$)"
)
_AUTOLINK = re.compile(r"(?i)(?<=[a-z]):(?=//)|(?<=www)\.")


def render(document: Document) -> str:
    """The whole report, ending in a line break."""
    parts = [f"# {escape(document.title)}", *(escape(text) for text in document.lead)]
    for section in document.sections:
        parts += _section(section)
    return "\n\n".join(parts) + "\n"


def table(content: Table) -> str:
    """One table; lines within a cell are joined by ``<br>``."""
    lines = [
        _row([column.header for column in content.columns]),
        _row_of_rules([column.figures for column in content.columns]),
        *(_row(row) for row in content.rows),
    ]
    return "\n".join(lines)


def escape(text: str) -> str:
    """``text`` such that Markdown shows it as it is. Line breaks have no place in it."""
    pieces = _ADDRESS.split(text.replace("\n", " "))
    # Every second piece is an address.
    pieces[::2] = [_AUTOLINK.sub(r"\\\g<0>", _INLINE.sub(r"\\\1", piece)) for piece in pieces[::2]]
    return _BLOCK.sub(_escape_block, "".join(pieces))


def code(command: str) -> str:
    """``command`` as code, to be copied; as escaped text if it would break out of a code span."""
    return escape(command) if "`" in command else f"`{command}`"


def _escape_block(match: re.Match[str]) -> str:
    space, sign, number, point = match.groups()
    return f"{space}\\{sign}" if sign else f"{space}{number}\\{point}"


def _section(section: Section) -> list[str]:
    parts = [f"## {escape(section.heading)}", *(escape(text) for text in section.paragraphs)]
    if section.bullets:
        parts.append("\n".join(_bullet(bullet) for bullet in section.bullets))
    for content in section.tables:
        shown = condensed(content)
        parts += [f"**{escape(shown.title)}**", table(shown)]
    return parts


def _bullet(bullet: Bullet) -> str:
    return f"- {escape(bullet.text)}" + (f" {code(bullet.command)}" if bullet.command else "")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return "<br>".join(escape(line) for line in text.split("\n"))


def _row_of_rules(figures: list[bool]) -> str:
    return f"|{'|'.join(' ---: ' if right else ' --- ' for right in figures)}|"
