"""What one round says of two cells: turn by turn where their processes took turns.

A shared machine changes its speed by a fifth within seconds. Two processes that are alive at once
and train one epoch each in turn meet the same machine, so that the ratio of neighbouring turns
hardly sees it, and the median of these ratios withstands a spike in either. Trials one after the
other meet different machines: of theirs there is only the ratio of the two step times.
``docs/studies/pairs-in-turns.md`` has what that is worth.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from harness.analysis.step_time import counting, cpu_step_s, step_time_s
from harness.records.trial import Epoch, Record

LEAST_TURNS = 3
"""The median of fewer withstands no spike, and is worth less than the ratio of two step times."""


class PerStep(NamedTuple):
    """What cells are compared in: seconds per step of a trial, and seconds of an epoch."""

    of_trial: Callable[[Record], float | None]
    of_epoch: Callable[[Epoch], float | None]


WALL = PerStep(step_time_s, lambda epoch: epoch.wall_s)

# Where the clock was too coarse to see any CPU time, there is nothing to compare.
CPU = PerStep(lambda record: cpu_step_s(record) or None, lambda epoch: epoch.cpu_s)


def took_turns(first: Record, second: Record) -> bool:
    """Whether two trials were alive at once and took turns with one another."""
    return (
        first.turns is not None
        and second.turns is not None
        and first.turns.group == second.turns.group
    )


def log_ratio(first: Record, second: Record, of: PerStep = WALL) -> float | None:
    """The logarithm of the first trial's seconds per step over the second's, of one round.

    Above 0 the first takes longer. ``None`` if a record does not tell.
    """
    by_turn = turn_log_ratios(first, second, of)
    if len(by_turn) >= LEAST_TURNS:
        return statistics.median(by_turn)
    ours, theirs = of.of_trial(first), of.of_trial(second)
    return None if ours is None or theirs is None else math.log(ours / theirs)


def paired_by_turn(first: Record, second: Record) -> bool:
    """Whether there are turns enough for :func:`log_ratio` to go by them."""
    return len(turn_log_ratios(first, second)) >= LEAST_TURNS


def turn_log_ratios(first: Record, second: Record, of: PerStep = WALL) -> list[float]:
    """The log-ratio of each common turn after warm-up, in order; empty without turns.

    What is warm-up is decided by the rule for a trial's epochs, on the ratios of the turns: where
    the machine changes its speed for both, no level changes in them. On the step times of each
    process the rule took such changes for warm-up and left out every fourth turn
    (``docs/studies/pairs-in-turns.md``).
    """
    if not took_turns(first, second) or not first.status == second.status == "ok":
        return []
    ours, theirs = _by_turn(first), _by_turn(second)
    turns = sorted(ours.keys() & theirs.keys())
    both = [(ours[turn], theirs[turn]) for turn in turns]
    walls = [_per_step(one, WALL) / _per_step(other, WALL) for one, other in both]
    counts = counting(
        walls,
        marked=[any(epoch.warm_up for epoch in (*one, *other)) for one, other in both],
        restarts=[
            i
            for i, (before, after) in enumerate(itertools.pairwise(both), start=1)
            if _phases(before) != _phases(after)
        ],
    )
    counted = [two for two, counts_in in zip(both, counts, strict=True) if counts_in]
    steps_s = [(_per_step(one, of), _per_step(other, of)) for one, other in counted]
    return [math.log(one / other) for one, other in steps_s if one > 0 and other > 0]


def step_times_s(first: Record, second: Record) -> tuple[float, float] | None:
    """The step times of two trials of a round, in seconds, with the round's ratio between them.

    In turns, the ratio of two medians is not the median of the ratios. Whoever needs two times
    that agree with the verdict takes these: the geometric mean of both is kept.
    """
    ours, theirs, by_turn = step_time_s(first), step_time_s(second), turn_log_ratios(first, second)
    if ours is None or theirs is None:
        return None
    if len(by_turn) < LEAST_TURNS:
        return ours, theirs
    middle_s, half = math.sqrt(ours * theirs), statistics.median(by_turn) / 2
    return middle_s * math.exp(half), middle_s * math.exp(-half)


def _by_turn(record: Record) -> dict[int, list[Epoch]]:
    """The timed epochs of each turn; short ones share a turn, and are one sample."""
    found: dict[int, list[Epoch]] = defaultdict(list)
    for epoch in record.epochs:
        if epoch.turn is not None and epoch.steps > 0 and epoch.wall_s > 0:
            found[epoch.turn].append(epoch)
    return found


def _per_step(epochs: Sequence[Epoch], of: PerStep) -> float:
    """Seconds per step of a turn; 0 where an epoch does not tell."""
    seconds = [of.of_epoch(epoch) for epoch in epochs]
    known = [each for each in seconds if each is not None]
    return sum(known) / sum(e.steps for e in epochs) if len(known) == len(seconds) else 0.0


def _phases(both: Iterable[Sequence[Epoch]]) -> list[str]:
    return [epochs[-1].phase for epochs in both]
