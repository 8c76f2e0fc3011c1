"""The scenario's metric over seeds, and whether two backends learn equally well.

"No difference found" is what too few seeds always say. That two backends are equivalent is a claim
of its own, and has to be shown: by two one-sided tests against a tolerance (Schuirmann 1987).
"""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
from scipy.special import ndtri

from harness.analysis.couples import Couple
from harness.analysis.speed.interval import (
    MINIMUM_ROUNDS,
    NORMAL_EFFICIENCY,
    Interval,
    interval,
    relative_half_width,
)
from harness.analysis.speed.rounds_needed import MOST_ROUNDS, spread_of
from harness.analysis.speed.verdict import judging_confidence
from harness.records.cell import Struct
from harness.records.trial import Record

QualityKind = Literal["equivalent", "better", "worse", "undecided"]
Direction = Literal["lower", "higher"]

LEARNS_WORSE = "faster, but learns worse"
"""What stands in the place of ``faster`` where the first of two is also surely worse."""

LEARNS_BETTER = "slower, but learns better"
"""The same seen from the other one of the two."""


HIDDEN = (
    "the seed's randomness hides it (the model draws random numbers in training, each backend its "
    "own)"
)
"""Why equal seeds and equal initial weights do not give equal quality here."""


class QualityVerdict(Struct, frozen=True, kw_only=True):
    """The outcome of a comparison of quality.

    ``difference`` is the first's metric minus the second's on the same seed, in the metric's own
    unit; ``low`` and ``high`` are its interval at ``confidence``. ``difference_found`` tells
    whether that interval leaves out 0. It is a question apart from ``kind``: a difference may be
    real and within the tolerance (``equivalent``), or not found and yet possibly beyond it
    (``undecided``). ``difference``, ``low`` and ``high`` are ``None`` below four seeds.
    ``direction`` tells which values of the metric are better. Where the models draw random numbers
    in training and the verdict is open, ``seeds_needed`` is how many seeds in all would show two
    cells that learn alike to be equivalent, if their differences went on to spread as they do;
    ``None`` where the spread is not known yet, or so many are not worth running.
    """

    kind: QualityKind
    difference: float | None
    low: float | None
    high: float | None
    confidence: float
    tolerance: float
    direction: Direction
    seeds: int
    difference_found: bool
    reason: str
    seeds_needed: int | None = None


def draws(trials: Iterable[Record]) -> bool:
    """Whether the model of these trials drew random numbers in training, as far as is known.

    Equal seeds then do not give equal masks on two backends, and no equal quality.
    """
    return any(record.random_draws for record in trials)


def by_seed(trials: Iterable[Record], *, beside: str | None = None) -> dict[int, float]:
    """The final metric of each seed, the mean where a seed was run more than once.

    A repeated seed repeats itself but for round-off, and must not count twice. ``beside`` names
    another one of the same evaluation, in the place of the scenario's metric.
    """
    values: dict[int, list[float]] = defaultdict(list)
    for record in trials:
        if record.quality is None:
            continue
        value = record.quality.others.get(beside, math.nan) if beside else record.quality.value
        if math.isfinite(value):
            values[record.seed].append(value)
    return {seed: statistics.fmean(values[seed]) for seed in sorted(values)}


def surely_no_worse(found: QualityVerdict) -> bool:
    """Whether the interval leaves out that the first is worse by more than the tolerance.

    That answers the question of a gate, "worse?", with no, also where the first may be better.
    """
    if found.low is None or found.high is None:
        return False
    worst = found.high if found.direction == "lower" else -found.low
    return worst < found.tolerance


def gated(kind: str, quality: QualityVerdict | None) -> str:
    """The verdict on speed as it may be said beside what was learned.

    Quality is a gate of its own (``docs/method.md``): whoever is faster and learns worse is not
    called faster, but both things at once. Where quality is undecided the word on speed stands, and
    the column beside it says that it is undecided.

    Args:
        kind: ``faster``, ``slower`` or any other word on the first of two.
        quality: The verdict on the first's quality against the second's.
    """
    learned = quality.kind if quality is not None else None
    if kind == "faster" and learned == "worse":
        return LEARNS_WORSE
    if kind == "slower" and learned == "better":
        return LEARNS_BETTER
    return kind


def over_seeds(values: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """The metric over seeds, in its own unit, with the interval of its location.

    Args:
        values: The metric's final value, one for each seed.
        confidence: Of the interval.

    Raises:
        ValueError: If there are fewer than four seeds or a value is not finite.
    """
    return interval(values, confidence=confidence)


def compare_quality(
    first: Mapping[int, float],
    second: Mapping[int, float],
    *,
    tolerance: float,
    direction: Direction,
    confidence: float = 0.95,
    random_draws: bool = False,
) -> QualityVerdict:
    """Compare two cells by their metric, paired by seed.

    Equal seeds give equal initial weights and batches, and what they share cancels: test RMSE
    spreads by 2.6e-3 over seeds and differs by 1e-4 between backends on one
    (``docs/method.md``).

    Args:
        first: The metric's final value by seed.
        second: Likewise for the cell it is compared with. Seeds that only one has are left out.
        tolerance: Largest difference of no consequence, in the metric's unit, above 0.
        direction: Whether ``lower`` or ``higher`` values of the metric are better.
        confidence: Of the interval; each one-sided test has the level ``1 - confidence``.
        random_draws: Whether the models draw random numbers in training, each backend its own: then
            seeds share less, the interval shows it, and the reason says it.

    Raises:
        ValueError: If the tolerance is not above 0, or a value is not finite.
    """
    if not tolerance > 0:
        raise ValueError(f"a tolerance is above 0, not {tolerance}")
    shared = sorted(first.keys() & second.keys())
    differences = [first[seed] - second[seed] for seed in shared]
    if len(shared) < MINIMUM_ROUNDS:
        return QualityVerdict(
            kind="undecided",
            difference=None,
            low=None,
            high=None,
            confidence=confidence,
            tolerance=tolerance,
            direction=direction,
            seeds=len(shared),
            difference_found=False,
            reason=f"needs at least {MINIMUM_ROUNDS} seeds that both have, here are {len(shared)}"
            + (f", since {HIDDEN}" if random_draws else ""),
            seeds_needed=MINIMUM_ROUNDS if random_draws else None,
        )
    found = interval(differences, confidence=confidence)
    equal = equivalent(differences, tolerance=tolerance, alpha=1 - confidence)
    different = found.low > 0 or found.high < 0
    kind: QualityKind = "equivalent" if equal else "undecided"
    if found.low > tolerance:
        kind = "worse" if direction == "lower" else "better"
    elif found.high < -tolerance:
        kind = "better" if direction == "lower" else "worse"
    hidden = random_draws and kind == "undecided"
    needed = seeds_needed(found, tolerance=tolerance) if hidden else None
    return QualityVerdict(
        kind=kind,
        difference=found.estimate,
        low=found.low,
        high=found.high,
        confidence=confidence,
        tolerance=tolerance,
        direction=direction,
        seeds=len(shared),
        difference_found=different,
        reason=_hidden(needed) if hidden else _reason(kind, different=different),
        seeds_needed=needed,
    )


def of_couples(
    both: Sequence[Couple], tolerances: Mapping[str, float]
) -> list[QualityVerdict | None]:
    """The verdict on each couple, paired by seed; those of a machine make a family.

    ``None`` where two did other work, or where no tolerance or no quality is known.
    """
    seeds = [
        (by_seed(couple.first.good), by_seed(couple.second.good)) if couple.same_work else ({}, {})
        for couple in both
    ]
    family = Counter(
        couple.first.row.machine_id
        for couple, (one, other) in zip(both, seeds, strict=True)
        if len(one.keys() & other.keys()) >= MINIMUM_ROUNDS
    )
    found: list[QualityVerdict | None] = []
    for couple, (one, other) in zip(both, seeds, strict=True):
        tolerance = tolerances.get(couple.first.row.cell.scenario)
        quality = next((record.quality for record in couple.first.good if record.quality), None)
        if tolerance is None or quality is None or not other:
            found.append(None)
            continue
        found.append(
            compare_quality(
                one,
                other,
                tolerance=tolerance,
                direction=quality.direction,
                confidence=judging_confidence(0.95, max(1, family[couple.first.row.machine_id])),
                random_draws=draws(couple.first.good) or draws(couple.second.good),
            )
        )
    return found


def equivalent(differences: Sequence[float], *, tolerance: float, alpha: float = 0.05) -> bool:
    """Two one-sided tests: is the difference surely above ``-tolerance`` and below ``tolerance``?

    Both reject at ``alpha`` exactly if the interval of confidence ``1 - 2 * alpha`` lies within the
    tolerance; not ``1 - alpha``, since the truth cannot be beyond both ends at once (Schuirmann
    1987). A verdict on speed asks for the wider interval, so that one interval serves all its
    words; here the narrower one saves seeds, each of which costs a whole training.
    """
    found = interval(np.asarray(differences), confidence=1 - 2 * alpha)
    return -tolerance < found.low and found.high < tolerance


def seeds_needed(found: Interval, *, tolerance: float) -> int | None:
    """Seeds in all with which two cells that learn alike are found equivalent, mostly (9 in 10).

    Not how far the estimate lies from the tolerance decides, as in
    :func:`harness.analysis.speed.rounds_needed.further_rounds`: at few seeds the estimate is noise
    itself.

    Args:
        found: The interval of the differences by seed.
        tolerance: Largest difference of no consequence, in the metric's unit.

    Returns:
        More than were run, or ``None`` if it takes more than :data:`MOST_ROUNDS`.
    """
    spread, confidence = spread_of(found), 1 - 2 * (1 - found.confidence)
    for seeds in range(found.rounds + 1, MOST_ROUNDS + 1):
        width = relative_half_width(seeds, confidence)
        # The estimate scatters about 0 as well; within this distance in nine of ten campaigns.
        scatter = float(ndtri(0.95)) / math.sqrt(seeds * NORMAL_EFFICIENCY)
        if (width + scatter) * spread < tolerance:
            return seeds
    return None


def _hidden(needed: int | None) -> str:
    seeds = f"more than {MOST_ROUNDS:,}" if needed is None else f"about {needed:,}"
    return f"{HIDDEN}: it takes {seeds} seeds to show cells that learn alike to be equivalent"


def _reason(kind: QualityKind, *, different: bool) -> str:
    if kind == "equivalent":
        found = "a difference was found, but it is" if different else "any difference is"
        return f"{found} within the tolerance"
    if kind != "undecided":
        return "the whole interval is beyond the tolerance"
    if different:
        return "a difference was found, but not whether it is beyond the tolerance"
    return "no difference was found, but one beyond the tolerance is not ruled out: run more seeds"
