"""The words of the harness, explained where a reader meets them: a tap or a pointer shows how."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

TERMS = {
    "cell": "One point of the matrix: scenario, backend, device, mode and settings.",
    "round": "One trial of every cell, in shuffled order, so that a slow machine hits all alike.",
    "trial": "One fresh process that builds the model, trains it, and keeps every raw sample.",
    "envelope": "How far a backend drifts from itself by round-off; beyond it, models differ.",
    "floor": "What the arithmetic or the memory of a step takes by itself on this machine.",
}

_WORDS = re.compile(rf"\b({'|'.join(TERMS)})(s?)\b(?!-)", re.IGNORECASE)


def explained(text: str) -> Markup:
    """``text``, escaped, in which the first of each such word opens its explanation."""
    opener = '<button type="button" class="term" popovertarget="term-{}" title="{}">{}</button>'
    seen: set[str] = set()
    parts: list[Markup] = []
    end = 0
    for match in _WORDS.finditer(text):
        word = match[1].lower()
        if word in seen:
            continue
        seen.add(word)
        parts.append(escape(text[end : match.start()]))
        parts.append(Markup(opener).format(word, TERMS[word], match[0]))  # noqa: S704 - format escapes
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])
