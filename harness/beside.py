"""Modules beside a scenario of a user's own, which its file imports as a script would.

Not by a folder on ``sys.path``: whatever else lies there, a scenario called ``torch`` for one,
would pass for the library wherever somebody looks whether that is installed.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

from harness.regular_files import UNPARSABLE, source


class _Finder:
    """Finds what the files of scenarios import and no library is; asked after all others."""

    def __init__(self) -> None:
        self._files: dict[str, Path] = {}

    def offer(self, path: Path) -> None:
        """Offer the modules beside ``path`` that it imports, and those that these import."""
        waiting, seen = [path], set()
        while waiting:
            importing = waiting.pop()
            seen.add(importing)
            for name in _imported(importing):
                for beside in (path.parent / name / "__init__.py", path.parent / f"{name}.py"):
                    if beside.is_file() and beside not in seen:
                        self._files[name] = beside
                        waiting.append(beside)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        """As every finder of ``sys.meta_path`` is asked."""
        file = self._files.get(name)
        if path is not None or file is None or not file.is_file():
            return None
        return importlib.util.spec_from_file_location(name, file)


_FINDER = _Finder()


def importable(path: Path) -> None:
    """Let the file of a scenario at ``path`` import the modules beside it, behind all libraries."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)
    _FINDER.offer(path)


def _imported(path: Path) -> set[str]:
    """The first words of the absolute imports in a file; none if it cannot be read."""
    try:
        tree = ast.parse(source(path))
    except (OSError, ValueError, *UNPARSABLE):
        return set()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found
