"""The gate of ``harness compare``: what a script asked to fail on, and whether it came to pass.

``--fail-on slower:5%,worse:0.002,memory:10%,missing,inconclusive``. A rule with a limit fails only
where the whole interval is beyond it: a gate that fails on a guess is soon switched off. What could
not be told fails only where ``inconclusive`` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from harness.analysis.before_after.change import Change, surely_no_larger
from harness.analysis.before_after.compare import CellChange, Comparison
from harness.analysis.quality import QualityVerdict, surely_no_worse
from harness.errors import GateCode
from harness.records.cell import Cell, Struct
from harness.words import listed

BAD = {"slower", "more", "worse"}

Question = tuple[GateCode, bool, str, Change | QualityVerdict | None]
"""A code, whether a limit was given, the name of the figure, and what was found of it."""


class Rules(Struct, frozen=True, kw_only=True):
    """What a gate asks; a limit of ``None`` is not asked.

    ``slower`` and ``memory`` are shares, ``worse`` is in the unit of the metric.
    """

    slower: float | None = None
    worse: float | None = None
    memory: float | None = None
    missing: bool = False
    inconclusive: bool = False

    @property
    def answered_across_machines(self) -> bool:
        """Whether all that is asked can be answered without a machine in common."""
        asked = self.worse is not None or self.missing
        return asked and self.slower is None and self.memory is None and not self.inconclusive


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that a gate fails on.

    ``figure`` names what was judged (``step time``, ``peak memory``, ``peak device memory`` or
    ``quality``) and ``change`` or ``quality`` holds it; all three are ``None`` where nothing was.
    ``cell`` is ``None`` where the finding is one of the whole comparison.
    """

    code: int
    rule: str
    cell: Cell | None
    reason: str
    figure: str | None = None
    change: Change | None = None
    quality: QualityVerdict | None = None


def findings(comparison: Comparison, rules: Rules) -> list[Finding]:
    """All that the gate fails on, what weighs most first.

    ``comparison`` must have been made with the limits of these rules. That nothing could be
    compared is always a finding: a gate that judged nothing must not be green.
    """
    found = [finding for cell in comparison.cells for finding in _of_cell(cell, rules)]
    if rules.missing:
        found += [
            _finding(GateCode.MISSING, one.cell, f"measured before, after: {one.reason}")
            for one in comparison.only_before
        ]
    if rules.inconclusive:
        found += [_finding(GateCode.INCONCLUSIVE, a.cell, a.reason) for a in comparison.apart]
    if not _answered(comparison, rules):
        found.append(_finding(GateCode.NOT_COMPARABLE, None, _why_nothing(comparison)))
    return sorted(found, key=lambda finding: finding.code)


def open_questions(comparison: Comparison, rules: Rules) -> list[Finding]:
    """What could not be told, whether or not the gate was asked to fail on it."""
    everything = msgspec.structs.replace(rules, inconclusive=True)
    found = [finding for cell in comparison.cells for finding in _of_cell(cell, everything)]
    return [finding for finding in found if finding.code == GateCode.INCONCLUSIVE]


def exit_code(found: Iterable[Finding]) -> int:
    """The code of the weightiest finding, 0 without any."""
    return min((finding.code for finding in found), default=0)


def _of_cell(cell: CellChange, rules: Rules) -> Iterator[Finding]:
    for code, asked, name, one in _questions(cell, rules):
        found = Finding(
            code=code,
            rule=_rule(code),
            cell=cell.cell,
            reason=one.reason if one is not None else cell.unranked or "no trial has this figure",
            figure=name,
            change=one if isinstance(one, Change) else None,
            quality=one if isinstance(one, QualityVerdict) else None,
        )
        if asked and one is not None and one.kind in BAD:
            yield found
        elif rules.inconclusive and (one is None or _open(one, asked=asked)):
            yield msgspec.structs.replace(
                found, code=GateCode.INCONCLUSIVE, rule=_rule(GateCode.INCONCLUSIVE)
            )


def _questions(cell: CellChange, rules: Rules) -> Iterator[Question]:
    """What is asked of a cell: by the rules with a limit, or else its speed."""
    slower, worse, memory = (
        limit is not None for limit in (rules.slower, rules.worse, rules.memory)
    )
    if worse:
        yield GateCode.WORSE, True, "quality", cell.quality
    if slower or not (worse or memory):
        yield GateCode.SLOWER, slower, "step time", cell.speed
    if memory:
        yield GateCode.MEMORY, True, "peak memory", cell.memory
    if memory and cell.device_memory is not None:
        yield GateCode.MEMORY, True, "peak device memory", cell.device_memory


def _open(one: Change | QualityVerdict, *, asked: bool) -> bool:
    """Whether a question is left open.

    "Slower?" is answered with no by an interval that reaches across the lower edge of the margin
    only; "faster, slower or equivalent?" is not answered by it.
    """
    if isinstance(one, QualityVerdict):
        return one.kind == "undecided" and not surely_no_worse(one)
    return one.kind == "inconclusive" and not (asked and surely_no_larger(one))


def _answered(comparison: Comparison, rules: Rules) -> bool:
    if not rules.answered_across_machines:
        return comparison.ranked
    if rules.worse is not None:
        return any(cell.quality is not None for cell in comparison.cells)
    return bool(comparison.cells)


def _why_nothing(comparison: Comparison) -> str:
    unranked = [cell.unranked for cell in comparison.cells if cell.unranked]
    reasons = list(dict.fromkeys([*unranked, *(apart.reason for apart in comparison.apart)]))
    if comparison.cells and not reasons:
        return "no cell has a quality on both sides"
    return listed(reasons, "; ") if reasons else "the two campaigns have no cell in common"


def _finding(code: GateCode, cell: Cell | None, reason: str) -> Finding:
    return Finding(code=code, rule=_rule(code), cell=cell, reason=reason)


def _rule(code: GateCode) -> str:
    return "not comparable" if code == GateCode.NOT_COMPARABLE else code.name.lower()
