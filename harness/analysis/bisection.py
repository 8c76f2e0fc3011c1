"""Which version comes next, what a campaign says of it, and what all of them say together.

The rules are those of ``harness compare --fail-on`` and are judged by its gate; only the verdict on
speed is that of the pairs, since both versions were measured in the same rounds.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Literal

import msgspec

from harness.analysis.before_after import gate
from harness.analysis.before_after.change import Change
from harness.analysis.before_after.compare import CellChange, Comparison, Limits, compare
from harness.analysis.speed.verdict import Verdict, turned
from harness.analysis.study import Study
from harness.errors import GateCode
from harness.records.bisection import Bisection, Estimate, Outcome
from harness.records.cell import Struct
from harness.records.trial import Record

Kind = Literal["found", "several", "not bad", "open", "unfinished"]


class Judgement(Struct, frozen=True, kw_only=True):
    """What a campaign says of a version; see :class:`harness.records.bisection.Step`."""

    outcome: Outcome
    reason: str
    failing: list[str] = msgspec.field(default_factory=list)
    figures: dict[str, Estimate] = msgspec.field(default_factory=dict)
    rounds: int = 0


class Conclusion(Struct, frozen=True, kw_only=True):
    """What the steps say so far.

    ``suspects`` are the versions of which one is the first bad one, the oldest first: the last of
    them is bad, and those before it have no answer. ``before`` is the last good one before them.
    """

    kind: Kind
    suspects: list[str] = msgspec.field(default_factory=list)
    before: str | None = None


def most_campaigns(versions: int) -> int:
    """How many campaigns it takes at most where each has an answer.

    Args:
        versions: how many there are, the good and the bad one included.
    """
    return 1 + math.ceil(math.log2(max(1, versions - 1)))


def next_version(log: Bisection, tried: Collection[str]) -> str | None:
    """The version to measure next; ``None`` where the steps cannot become more telling.

    The bad one is first: where it is not, there is nothing to look for.

    Args:
        log: the steps so far.
        tried: versions without an answer that shall not be measured again.
    """
    low, high = _bounds(log)
    if high is None:
        bad = log.versions[-1]
        return None if bad in tried or _answered(log, bad) else bad
    left = [i for i in range(low + 1, high) if log.versions[i] not in tried]
    middle = (low + high) // 2
    return log.versions[min(left, key=lambda i: abs(i - middle))] if left else None


def conclusion(log: Bisection, tried: Collection[str]) -> Conclusion:
    """What the steps say; ``tried`` as for :func:`next_version`."""
    if next_version(log, tried) is not None:
        return Conclusion(kind="unfinished")
    low, high = _bounds(log)
    if high is None:
        good = _outcome(log, log.versions[-1]) == "good"
        return Conclusion(kind="not bad" if good else "open")
    suspects = log.versions[low + 1 : high + 1]
    return Conclusion(
        kind="found" if len(suspects) == 1 else "several",
        suspects=suspects,
        before=log.versions[low],
    )


def judge(study: Study, good: str, candidate: str, rules: gate.Rules, limits: Limits) -> Judgement:
    """What a campaign of two versions says of the second.

    Args:
        study: of that campaign, whose margin is that of ``limits``.
        good: the name of the environment of the good version.
        candidate: that of the other one.
        rules: what makes a version bad.
        limits: the sizes that go with them.
    """
    before, after = (_unnamed(study, name) for name in (good, candidate))
    changed = {name: known.before for name, known in study.about.items()}
    found = compare(
        before, after, limits=limits, tolerances=study.tolerances, settings_before=changed
    )
    verdict = _of_pair(study, good, candidate)
    found = msgspec.structs.replace(found, cells=[_paired(one, verdict) for one in found.cells])
    failed = [one for one in gate.findings(found, rules) if one.code != GateCode.NOT_COMPARABLE]
    figures = _figures(found)
    rounds = verdict.rounds if verdict is not None else 0
    if failed:
        reason = "; ".join(one.reason for one in failed)
        names = [one.rule for one in failed]
        return Judgement(
            outcome="bad", reason=reason, failing=names, figures=figures, rounds=rounds
        )
    if not found.cells:
        reasons = [one.reason for one in found.only_before]
        reasons += [one.reason for one in found.apart]
        return Judgement(outcome="skipped", reason="; ".join(reasons) or "nothing was measured")
    # Without a limit the gate would ask for the speed.
    limited = any(limit is not None for limit in (rules.slower, rules.worse, rules.memory))
    if limited and (unsettled := gate.open_questions(found, rules)):
        reason = "; ".join(one.reason for one in unsettled)
        return Judgement(outcome="open", reason=reason, figures=figures, rounds=rounds)
    return Judgement(outcome="good", reason="it keeps the limits", figures=figures, rounds=rounds)


def _bounds(log: Bisection) -> tuple[int, int | None]:
    """The places of the last good version before the first bad one, and of that one."""
    bad = [i for i, version in enumerate(log.versions) if _outcome(log, version) == "bad"]
    high = min(bad) if bad and _outcome(log, log.versions[-1]) == "bad" else None
    good = [i for i, version in enumerate(log.versions) if _outcome(log, version) == "good"]
    return max([0, *(i for i in good if high is None or i < high)]), high


def _outcome(log: Bisection, version: str) -> Outcome | None:
    step = log.step(version)
    return None if step is None else step.outcome


def _answered(log: Bisection, version: str) -> bool:
    return _outcome(log, version) in {"good", "bad"}


def _unnamed(study: Study, name: str) -> list[Record]:
    """The records of an environment, as if it had no name, so that the versions are one cell."""
    return [
        msgspec.structs.replace(
            record, cell=msgspec.structs.replace(record.cell, name=msgspec.UNSET)
        )
        for record in study.records
        if record.cell.name == name
    ]


def _of_pair(study: Study, good: str, candidate: str) -> Verdict | None:
    """The verdict on the candidate's step time over the good one's."""
    for one in study.verdicts:
        names = one.pair.first.name, one.pair.second.name
        if names == (candidate, good):
            return one.verdict
        if names == (good, candidate):
            return turned(one.verdict)
    return None


def _paired(cell: CellChange, verdict: Verdict | None) -> CellChange:
    """``cell`` with the verdict of the pairs in the place of that of the two samples."""
    if cell.speed is None or verdict is None:
        return cell
    speed = Change(
        kind=verdict.kind,
        before=cell.speed.before,
        after=cell.speed.after,
        ratio=verdict.ratio,
        low=verdict.low,
        high=verdict.high,
        confidence=verdict.confidence,
        margin=verdict.margin,
        trials_before=verdict.rounds,
        trials_after=verdict.rounds,
        trials_needed=verdict.further_rounds,
        reason=verdict.reason,
    )
    return msgspec.structs.replace(cell, speed=speed)


def _figures(found: Comparison) -> dict[str, Estimate]:
    figures: dict[str, Estimate] = {}
    for cell in found.cells:
        for name, one in (("step time", cell.speed), ("peak memory", cell.memory)):
            if one is not None and one.ratio is not None:
                figures[name] = one.ratio, one.low, one.high
        learned = cell.quality
        if learned is not None and learned.difference is not None:
            figures["quality"] = learned.difference, learned.low, learned.high
    return figures
