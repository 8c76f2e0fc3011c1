"""Whether the backends learn the same, in words."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.answers import Pair
from harness.analysis.quality import QualityVerdict
from harness.analysis.study import About, Contest
from harness.report import format as fmt
from harness.report.naming import backends, sides
from harness.report.sections.quality import of_difference
from harness.words import joined


def in_short(contest: Contest, everywhere: Sequence[Contest]) -> str:
    """Whether they learn the same, in a few words; nothing where no verdict says so.

    Args:
        contest: what the answer is about.
        everywhere: it, on each of its machines.
    """
    learned = [p.quality for one in everywhere for p in one.pairs if p.quality is not None]
    kinds = {found.kind for found in learned}
    if not learned or kinds == {"undecided"}:
        return ""
    if kinds == {"equivalent"}:
        names = backends(contest)
        who = {2: "Both", 3: "All three"}.get(len(names), joined(names))
        return f"{who} learn the same."
    return "They do NOT all learn the same." if kinds & {"better", "worse"} else ""


def at_length(contest: Contest, about: About | None) -> str:
    """Within which tolerance, on how many seeds, or which pair differs by how much."""
    learned = [(pair, pair.quality) for pair in contest.pairs if pair.quality is not None]
    if not learned or about is None:
        return "Not comparable: fewer than two backends have a metric."
    label = about.metric.label
    within = f"{label} within {fmt.quality(about.metric.tolerance)}"
    seeds = min(found.seeds for _, found in learned)
    kinds = {found.kind for _, found in learned}
    if kinds == {"equivalent"}:
        return f"Yes: {within} on {fmt.count(seeds)} common seeds."
    reasons = {found.reason for _, found in learned}
    if kinds == {"undecided"} and len(reasons) == 1:
        return f"Undecided: {reasons.pop()}."
    return "; ".join(_learned(pair, found, label, within) for pair, found in learned) + "."


def _learned(pair: Pair, found: QualityVerdict, label: str, within: str) -> str:
    first, second = sides(pair)
    if found.kind == "equivalent":
        return f"{first} and {second} learn the same ({within})"
    if found.kind == "undecided":
        return f"{first} and {second}: undecided, {found.reason}"
    _, span = of_difference(found)
    return f"{first} learns {found.kind} than {second} (difference in {label} {span})"
