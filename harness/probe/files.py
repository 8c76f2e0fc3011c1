"""Reads small files of /proc and /sys, which may be missing, locked or odd on any given machine.

Every reader of this room takes ``root``, the folder that stands for ``/``: tests hand in a tree of
their own, and on a system without /proc and /sys nothing is found there, which is no error.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/")
"""The machine's own file system."""


def text(path: Path) -> str | None:
    """The stripped content of ``path``, or ``None`` where it cannot be read."""
    try:
        # Errors are replaced, not raised: a serial number in /sys may hold any byte.
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except (OSError, ValueError):
        return None


def integer(path: Path) -> int | None:
    """The content of ``path`` as an integer, or ``None`` where there is none (``max``, say)."""
    content = text(path)
    return to_integer(content) if content is not None else None


def to_integer(content: str) -> int | None:
    """``content`` as an integer, or ``None``."""
    try:
        return int(content)
    except ValueError:
        return None
