"""Reads what was typed for ``--fail-on`` and ``--margin``: rules, shares, limits."""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.before_after.compare import Limits
from harness.analysis.before_after.gate import Rules
from harness.errors import HarnessError
from harness.words import unknown

SHARES = {"slower": "slower:5%", "memory": "memory:10%"}
EXAMPLES = {**SHARES, "worse": "worse:0.002"}
FLAGS = ("missing", "inconclusive")
VALID = ["slower", "worse", "memory", *FLAGS]

MOST = 100.0
"""A limit of 100 times as much is no limit; it catches ``slower:50000%``."""


def parse(texts: Iterable[str]) -> Rules:
    """The rules that texts such as ``slower:5%,missing`` name.

    Raises:
        HarnessError: for an unknown rule, with the nearest that is known; a limit that is lacking,
            out of place or no number; a rule named twice.
    """
    asked: dict[str, float | bool] = {}
    for part in (part.strip() for text in texts for part in text.split(",")):
        if not part:
            continue
        name, colon, limit = (piece.strip() for piece in part.partition(":"))
        if name not in VALID:
            raise HarnessError(unknown("rule of --fail-on", name, VALID))
        if name in asked:
            raise HarnessError(f"--fail-on names {name} twice: give it one limit")
        if name in FLAGS and colon:
            raise HarnessError(f"--fail-on {part}: {name} takes no limit; write {name}")
        asked[name] = True if name in FLAGS else _limit(name, limit)
    if not asked:
        examples = ",".join([*EXAMPLES.values(), *FLAGS])
        raise HarnessError(f"--fail-on names no rule. Valid: {examples}")
    return Rules(**asked)  # type: ignore[arg-type]


def limits(rules: Rules, *, margin: float | None = None) -> Limits:
    """The limits to compare with, so that the table says what the gate says.

    Args:
        rules: What the gate asks.
        margin: That of the verdict on speed, as a share, where the gate does not set it.

    Raises:
        HarnessError: if both set it, and not alike.
    """
    if None not in {margin, rules.slower} and margin != rules.slower:
        raise HarnessError(
            "--margin and the limit of slower are two margins for one verdict: leave --margin out"
        )
    defaults = Limits()
    chosen = margin if rules.slower is None else rules.slower
    return Limits(
        margin=defaults.margin if chosen is None else chosen,
        memory_margin=defaults.memory_margin if rules.memory is None else rules.memory,
        tolerance=rules.worse,
    )


def share(text: str) -> float:
    """The margin that ``--margin`` names, such as ``2%``, as a share.

    Raises:
        HarnessError: if it is none.
    """
    return _number(text, f"--margin {text}", "--margin 2%", percent=True)


def _limit(name: str, text: str) -> float:
    if not text:
        raise HarnessError(f"--fail-on {name} names no limit: write {EXAMPLES[name]}")
    return _number(text, f"--fail-on {name}:{text}", EXAMPLES[name], percent=name in SHARES)


def _number(text: str, typed: str, example: str, *, percent: bool) -> float:
    if percent != text.endswith("%"):
        # 5 could be 5% or 500%, and 2% of a metric is no difference in its unit.
        kind = "a share in percent" if percent else "a number in the metric's own unit"
        raise HarnessError(f"{typed}: the limit is {kind}; write {example}")
    try:
        value = float(text.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        raise HarnessError(f"{typed}: that is no number; write {example}") from None
    if not (0 <= value <= MOST) or (value == 0 and not percent):
        bound = f"0% to {100 * MOST:.0f}%" if percent else f"above 0 and up to {MOST:.0f}"
        raise HarnessError(f"{typed}: the limit is {bound}; write {example}")
    return value
