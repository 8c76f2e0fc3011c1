"""Reads small files of /proc and /sys, which may be missing, locked or odd on any given machine.

Every reader of this room takes ``root``, the folder that stands for ``/``: tests hand in a tree of
their own, and on a system without /proc and /sys nothing is found there, which is no error.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Answer = TypeVar("Answer")

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


def asked(question: Callable[[], Answer | None]) -> Answer | None:
    """What ``question`` answers, which asks psutil; ``None`` where it cannot on this machine.

    A container may hide ``/proc``, or a part of it, and a sandbox may fake it.
    """
    try:
        return question()
    except Exception:  # noqa: BLE001 - psutil raises nearly anything on what it did not expect
        return None
