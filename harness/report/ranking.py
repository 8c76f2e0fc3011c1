"""Which backend is fastest, in a sentence that says no more than the verdicts do."""

from __future__ import annotations

from collections import defaultdict

from harness.analysis.study import Pair
from harness.analysis.work import NOT_THE_SAME
from harness.report import format as fmt
from harness.report.evidence import Contest, Evidence, side
from harness.words import joined

WHY_UNRANKED = {
    "several-machines": "the records come from different machines",
    "several-scenario-versions": "the rows were not trained on the same version of the scenario",
    "several-tables": "the rows were not trained on the same data",
    "not-interleaved": (
        "the backends were measured one after the other, not in interleaved rounds, so that their "
        "figures may have drifted apart"
    ),
}
"""Why there is no verdict, by the code of the note that tells it at length."""


def sides(pair: Pair) -> tuple[str, str]:
    """The two of a pair as the answer names them: ``JAX``, or ``JAX, keras 3.14.0``."""
    return side(pair.first, pair.first_apart), side(pair.second, pair.second_apart)


def seen_from(pair: Pair, one: str) -> tuple[str, str, str] | None:
    """The other side, and how many times as long its steps take, with the interval.

    ``None`` if the pair is about others, or has no interval.
    """
    first, second = sides(pair)
    found = pair.speed.verdict if pair.speed else None
    if found is None or found.ratio is None or found.low is None or found.high is None:
        return None
    if one == first:
        much = fmt.ratio(1 / found.ratio, 1 / found.high, 1 / found.low, margin=found.margin)
        return second, *much
    much = fmt.ratio(found.ratio, found.low, found.high, margin=found.margin)
    return (first, *much) if one == second else None


def fastest(contest: Contest) -> str | None:
    """What is called faster than everything else that was measured, if there is such a thing."""
    beaten: dict[str, set[str]] = defaultdict(set)
    for pair in contest.judged:
        first, second = sides(pair)
        if pair.outcome in {"faster", "slower"}:
            winner, loser = (first, second) if pair.outcome == "faster" else (second, first)
            beaten[winner].add(loser)
    everyone = set(contest.backends)
    return next(
        (winner for winner, losers in beaten.items() if losers >= everyone - {winner}), None
    )


def ranked(best: str, contest: Contest) -> str:
    """The sentence that names the fastest, with its lead over each other one."""
    leads = [
        f"{ratio} as fast as {other} ({interval})"
        for pair in contest.judged
        if (seen := seen_from(pair, best)) is not None
        for other, ratio, interval in [seen]
    ]
    cell = contest.row.cell
    where = f"under {cell.mode} on the {cell.device.upper()}"
    return f"On this machine {best} trains this model fastest {where}: {joined(leads)}."


def unranked(evidence: Evidence, contest: Contest) -> str:
    """The sentence where none is the fastest: equal, not settled, or never to be compared."""
    names = contest.backends
    if contest.judged:
        verdicts = [pair.speed.verdict for pair in contest.judged if pair.speed]
        if {pair.outcome for pair in contest.pairs} == {"equivalent"}:
            margin = fmt.percent(verdicts[0].margin)
            return (
                f"On this machine {joined(names)} train this model equally fast, within {margin}."
            )
        told = "; ".join(_pair(pair) for pair in contest.pairs)
        return f"No backend is called the fastest here: {told}."
    codes = {note.code for note in evidence.summary.notes}
    reasons = [why for code, why in WHY_UNRANKED.items() if code in codes]
    measured = dict.fromkeys(b for one in evidence.contests for b in one.backends)
    if len(measured) == 1:
        return f"No ranking: only {next(iter(measured))} was measured."
    if other_work := _other_work(evidence, contest):
        return f"No ranking: {other_work}."
    why = reasons[0] if reasons else "no two backends share a round that was not disturbed"
    return f"No ranking: {why}."


def _other_work(evidence: Evidence, contest: Contest) -> str | None:
    """Why a pair with one side here did not do the same work, in the words of the verdicts."""
    cells = [group.row.cell for group in contest.groups]
    return next(
        (
            f"{joined(sides(pair))}: {pair.why}"
            for pair in evidence.answers.pairs
            if pair.why is not None
            and pair.why.startswith(NOT_THE_SAME)
            and (pair.first in cells or pair.second in cells)
        ),
        None,
    )


def _pair(pair: Pair) -> str:
    first, second = sides(pair)
    found = pair.speed.verdict if pair.speed else None
    if found is None:
        return f"{first} and {second} cannot be ranked, {pair.why}"
    seen = seen_from(pair, first)
    much = f" ({seen[2]} times as fast)" if seen else ""
    if pair.outcome == "equivalent":
        return f"{first} and {second} are equally fast within {fmt.percent(found.margin)}"
    if pair.outcome == "inconclusive":
        return f"{first} against {second} is not settled{much}: {found.reason}"
    speed, _, but = (pair.outcome or "").partition(",")
    return f"{first} is {speed} than {second}{much}" + (f",{but}" if but else "")


def certainty(contest: Contest) -> str:
    """How sure the sentence on speed is, and what it rests on."""
    speeds = [pair.speed for pair in contest.judged if pair.speed]
    if not any(speed.verdict.low is not None for speed in speeds):
        return "There is no verdict yet, and the figures below are no ranking."
    rounds = sorted({speed.verdict.rounds for speed in speeds})
    over = " to ".join(fmt.count(n) for n in dict.fromkeys((rounds[0], rounds[-1])))
    together = ", all pairs together" if len(speeds) > 1 else ""
    # Of each pair, not added up: a disturbed trial costs every pair of its backend the same round.
    left_out = max(speed.pair.disturbed for speed in speeds)
    noisy = f" Disturbed rounds left out of a pair: {fmt.count(left_out)}." if left_out else ""
    return (
        f"95% intervals{together}, from {over} interleaved rounds of fresh processes; differences "
        f"within {fmt.percent(speeds[0].verdict.margin)} count as none.{noisy}"
    )
