"""The pages of the documentation, and the commands that they show to a reader."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "results/README.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)
PROGRAMS = "bash|export|harness|mkdir|pip|pre-commit|pytest|python|ruff|source|tox"
_COMMAND = rf"(?:[A-Z_]+=\S+ +)*(?:{PROGRAMS})(?: [^`]*)?"
_IN_BLOCK = re.compile(rf"^(?:\$ |    )({_COMMAND})$")
_IN_LINE = re.compile(rf"`((?:tox|{_COMMAND} [^`]+?))`")
_MARK = re.compile(r"<!-- not run: (.+?): (.+?) -->", re.DOTALL)
"""``<!-- not run: tox: environments take minutes -->`` excuses what begins with ``tox``."""


class Command(NamedTuple):
    """A command of a page; ``excuse`` is the reason that the page gives for not running it."""

    page: str
    text: str
    excuse: str | None

    @property
    def words(self) -> list[str]:
        """The command without the variables before it."""
        words = self.text.split()
        return words[next(i for i, word in enumerate(words) if "=" not in word) :]


def read(page: str) -> str:
    """The source of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def commands(page: str) -> list[Command]:
    """Every command of a page, in order: in blocks, and as code in a sentence."""
    text = re.sub(r" \\\n\s*", " ", read(page))
    marks = [(match[1], " ".join(match[2].split())) for match in _MARK.finditer(text)]
    found, language = [], ""
    for line in _MARK.sub("", text).splitlines():
        if line.startswith("```"):
            language = "" if language else line.strip("`") or "text"
        elif language not in {"", "console"}:
            continue
        elif block := _IN_BLOCK.match(line):
            found += re.sub(r"\s+#.*| +…$", "", block[1]).split(" && ")
        else:
            found += [text for each in _IN_LINE.findall(line) for text in each.split(" && ")]
    return [
        Command(page, text, next((why for begin, why in marks if text.startswith(begin)), None))
        for text in found
    ]
