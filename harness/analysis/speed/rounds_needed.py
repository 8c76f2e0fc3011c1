"""How many rounds: to find a difference, to reach a precision, to settle an open verdict.

Plans start from the spread, the standard deviation of the paired log-ratios over rounds. For two
cells whose processes spread alike it is 1.41 times the spread of one, since both of a pair vary;
:func:`spread_of` takes it from rounds that were measured. Margins, differences and precisions are
shares, as in ``harness.analysis.speed.verdict``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from scipy.special import ndtri

from harness.analysis.speed.interval import (
    MINIMUM_ROUNDS,
    NORMAL_EFFICIENCY,
    Interval,
    relative_half_width,
)

MOST_ROUNDS = 1000
"""Beyond this a campaign is out of question: at 10 s a round it would run for three hours."""


def spread_of(found: Interval) -> float:
    """The spread that an interval of this width speaks of, as robust as the interval itself.

    From eight rounds on, a single process that was 40% slow does not enter, as it would enter the
    standard deviation of the rounds.
    """
    return found.half_width / relative_half_width(found.rounds, found.confidence)


def further_rounds(found: Interval, *, margin: float) -> int | None:
    """Rounds, beyond those measured, after which the interval would clear the margin.

    The interval must shrink to the distance between the estimate and the nearer edge of the margin.
    The forecast holds if estimate and spread stay as they are: of the open verdicts in
    simulated campaigns, 46 to 86% were settled by then (``docs/studies/intervals.md``).

    Args:
        found: The interval that reaches across the margin.
        margin: Smallest difference that matters, as a share.

    Returns:
        At least 1, or ``None`` if even :data:`MOST_ROUNDS` in all would not do: the estimate then
        sits so close to the margin that no number of rounds worth running tells the sides apart.
    """
    distance = abs(abs(found.estimate) - math.log1p(margin))
    spread = spread_of(found)
    for rounds in range(found.rounds + 1, MOST_ROUNDS + 1):
        if relative_half_width(rounds, found.confidence) * spread < distance:
            return rounds - found.rounds
    return None


def smallest_difference(
    spread: float, rounds: int, *, margin: float, confidence: float = 0.95, power: float = 0.9
) -> float:
    """The smallest true difference that is found with this power, as a share.

    It must lie beyond the margin by the half-width of the interval, which makes it a verdict, and
    by what estimate and half-width scatter from campaign to campaign, which makes it one in
    ``power`` of them. The scatter is that of the noncentral t distribution in its normal
    approximation (Johnson & Welch 1940). Where 90% is asked, simulated campaigns show 90 to 91% for
    normal noise and 84 to 92% for the real processes.

    Args:
        spread: Standard deviation of the paired log-ratios.
        rounds: Complete rounds, at least 4.
        margin: Smallest difference that matters, as a share; 0 for any difference at all.
        confidence: Of the interval.
        power: Share of campaigns in which the difference is to be found.
    """
    width = relative_half_width(rounds, confidence)
    scatter = math.sqrt(1 / (rounds * NORMAL_EFFICIENCY) + width**2 / (2 * (rounds - 1)))
    reach = width + float(ndtri(power)) * scatter
    return math.expm1(math.log1p(margin) + reach * spread)


def rounds_needed(
    spread: float,
    *,
    difference: float,
    margin: float,
    confidence: float = 0.95,
    power: float = 0.9,
) -> int | None:
    """Rounds in which a true difference is found; inverts :func:`smallest_difference`.

    Returns:
        At least 4, or ``None`` if it takes more than :data:`MOST_ROUNDS`, as it does for any
        difference that is not beyond the margin.
    """
    if difference <= margin:
        return None
    for rounds in _from(MINIMUM_ROUNDS):
        found = smallest_difference(
            spread, rounds, margin=margin, confidence=confidence, power=power
        )
        if found <= difference:
            return rounds
    return None


def rounds_for_precision(spread: float, precision: float, *, confidence: float) -> int | None:
    """Rounds after which an interval of this half-width is to be expected, to plan a campaign with.

    Args:
        spread: Standard deviation of the paired log-ratios.
        precision: Half-width asked for, as a share.
        confidence: Of the interval that is looked at;
            ``harness.analysis.speed.verdict.precise_enough`` looks at that of
            ``judging_confidence(..., sequential=True)``, and not before 6 rounds.

    Returns:
        At least 4, or ``None`` if it takes more than :data:`MOST_ROUNDS`.
    """
    for rounds in _from(MINIMUM_ROUNDS):
        if relative_half_width(rounds, confidence) * spread <= math.log1p(precision):
            return rounds
    return None


def _from(first: int) -> Iterator[int]:
    return iter(range(first, MOST_ROUNDS + 1))
