"""The text helpers of every message: names, numbers and counts in a sentence."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence


def ranges(numbers: Sequence[int]) -> str:
    """Sorted numbers with neighbours drawn together: ``1-3, 7``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def count(number: int, noun: str) -> str:
    """``1 round``, ``1,000 rounds``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


LISTED = 5
"""So many names stand in a note; the rest is counted."""


def listed(names: Sequence[str], separator: str = ", ") -> str:
    """The first few names, each once, and how many more there are."""
    counted = [name if n == 1 else f"{name} ({n} times)" for name, n in Counter(names).items()]
    more = [f"and {len(counted) - LISTED} more"] if len(counted) > LISTED else []
    return separator.join([*counted[:LISTED], *more])


def joined(names: Iterable[str]) -> str:
    """``a, b and c``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def share(count: int, total: int, noun: str) -> str:
    """``2 of 3 trials``."""
    return f"{count} of {total} {noun}{'s' * (total != 1)}"


def cut(text: str, limit: int) -> str:
    """``text``, or its beginning where it has more than ``limit`` characters."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def unknown(kind: str, name: str, valid: list[str]) -> str:
    """The message for a name that is not among ``valid``, with the nearest match if one is near."""
    near = difflib.get_close_matches(name, valid, n=1)
    hint = f"; did you mean {near[0]}?" if near else "."
    return f"unknown {kind} '{name}'{hint} Valid: {', '.join(valid)}"


def plain(text: str, limit: int = 1_000) -> str:
    r"""A text from elsewhere, made harmless for a terminal: one line, nothing invisible.

    Records and names of files come from other machines. Line breaks, terminal escape sequences
    and characters that turn the direction of writing are shown as ``\n``, ``\x1b`` and the like.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut(text, limit))
