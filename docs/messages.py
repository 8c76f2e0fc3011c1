"""Codespell over what the code says to its users: ``python docs/messages.py FOLDER OPTION …``.

Messages are string literals, and names of variables are not: the literals of every module are
written to a temporary copy of the folder, each at its line, and codespell reads that. Docstrings
count where they are the help of a command.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HELP = "cli"
"""The folder whose docstrings a user reads."""


def messages(source: str, *, docstrings: bool = False) -> str:
    """The string literals of a module, each whole and on the line where it begins."""
    tree = ast.parse(source)
    lines = [""] * (source.count("\n") + 1)
    skipped = set() if docstrings else {id(part) for part in _loose_strings(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            # In one piece, since a quotation may go round a value; each part counts once.
            skipped.update(id(part) for part in node.values)
            parts = [_text(part) or "…" for part in node.values]
            lines[node.lineno - 1] += f" {''.join(parts)}"
        elif isinstance(node, ast.Constant) and id(node) not in skipped and (text := _text(node)):
            lines[node.lineno - 1] += f" {text}"
    # What a terminal cannot show would make codespell take the file for a binary one.
    shown = ("".join(c if c.isprintable() else " " for c in line) for line in lines)
    return "\n".join(" ".join(line.split()) for line in shown)


def _text(node: ast.AST) -> str | None:
    """What a literal says; ``None`` for everything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _loose_strings(tree: ast.AST) -> Iterator[ast.expr]:
    """Strings that are statements: docstrings, also those of constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and _text(node.value) is not None:
            yield node.value


def main(folder: str, *options: str) -> int:
    """Check every module below ``folder``; codespell's exit code."""
    root = Path.cwd()
    with tempfile.TemporaryDirectory() as copy:
        for path in Path(folder).rglob("*.py"):
            target = Path(copy, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = messages(path.read_text("utf-8"), docstrings=HELP in path.parts)
            target.write_text(text, "utf-8")
        settings = ["--toml", str(root / "pyproject.toml")]
        command = ["codespell", *settings, *(str(root / o) if "/" in o else o for o in options)]
        return subprocess.run([*command, folder], cwd=copy, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
