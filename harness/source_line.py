"""Which line of the user's own code an error comes from.

A traceback through Keras and a framework is fifty lines long, and one of them tells a user what to
mend: the deepest that is theirs.
"""

from __future__ import annotations

import linecache
import sysconfig
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from harness.records.trial import SourceLine

_INSTALLED = {"site-packages", "dist-packages"}
_HARNESS = Path(__file__).resolve().parent
_LIBRARY = Path(sysconfig.get_path("stdlib")).resolve()


def source_line(error: BaseException, folder: Path) -> SourceLine | None:
    """The deepest line of ``error`` in a file below ``folder``.

    Where there is none, the deepest that is neither installed nor the harness's own; ``None`` if
    there is none of those either. Of a syntax error it is the line that cannot be read.

    Args:
        error: as it was caught.
        folder: where the scenario's files lie.
    """
    places = _places(error)
    below = folder.resolve()
    mine = [place for place in places if place[0].is_relative_to(below)]
    return _told(*(mine or places)[-1]) if places else None


def place(line: SourceLine, folder: Path) -> str:
    """``images.py, line 42``: a place for a message, its path as seen from ``folder``."""
    path, below = Path(line.path), folder.resolve()
    name = path.relative_to(below) if path.is_relative_to(below) else path
    return f"{name.as_posix()}, line {line.line}"


def _places(error: BaseException) -> list[tuple[Path, int]]:
    """Files and lines that may be the user's, the deepest last."""
    named = _frames(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        named = [*named, (error.filename, error.lineno)]
    return [(path, line) for name, line in named if _may_be_the_users(path := _resolved(name))]


def _frames(trace: TracebackType | None) -> Sequence[tuple[str, int]]:
    return [
        (frame.f_code.co_filename, line)
        for frame, line in traceback.walk_tb(trace)
        if line is not None
    ]


def _resolved(name: str) -> Path:
    # Such as <string> and <frozen importlib._bootstrap>, which no path begins with.
    return Path(name) if name.startswith("<") else Path(name).resolve()


def _may_be_the_users(path: Path) -> bool:
    return (
        path.is_absolute()
        and path.is_file()
        and not _INSTALLED.intersection(path.parts)
        and not path.is_relative_to(_HARNESS)
        and not path.is_relative_to(_LIBRARY)
    )


def _told(path: Path, line: int) -> SourceLine:
    linecache.checkcache(str(path))
    return SourceLine(path=str(path), line=line, text=linecache.getline(str(path), line).strip())
