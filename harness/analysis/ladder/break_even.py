"""Break-even: after how many steps the cheaper step has paid for the dearer first one.

A program that is compiled pays once, in its first step, to save a little in every later one. With a
first step of ``f`` seconds and further steps of ``s`` each, ``n`` steps take ::

    T(n) = f + (n - 1) * s

so that a cell with the cheaper step (``s < s'``) and the dearer first one (``f > f'``) has caught
up with the other at ``n = 1 + (f - f') / (s' - s)``, and is ahead from the next whole step on. This
is the cost-benefit model by which a virtual machine decides whether compiling is worth its while
(Arnold, Fink, Grove, Hind & Sweeney, *Adaptive optimization in the Jalapeño JVM*, OOPSLA 2000).
Imports, data, building the model and evaluation are not counted: they are paid in every mode.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Literal

from harness.analysis.rows import Group
from harness.analysis.speed.pairs import Shared
from harness.analysis.speed.turns import step_times_s
from harness.analysis.speed.verdict import Verdict
from harness.records.cell import Cell, Struct
from harness.records.trial import Phases

Side = Literal["first", "second"]
Paid = tuple[float, float]
"""Seconds of the first step, and of each further one."""


class BreakEven(Struct, frozen=True, kw_only=True):
    """Two cells, and from which step on the one with the cheaper steps has taken less time.

    ``first_apart`` and ``second_apart`` are those of their rows. ``cheaper`` is the cell whose
    steps are cheaper by the median over the common rounds, ``None`` if they are exactly equal; only
    ``verdict``, on the step time of the first over the second, tells whether that may be called a
    difference. ``steps`` is the least number of steps with which ``cheaper`` is ahead in total: 1
    is from the start, ``None`` never. ``low`` and ``high`` are the lowest and the highest of the
    single rounds, as far as the scatter of trials allows: ``None`` as ``high`` is never. Both are
    ``None`` where ``rounds`` is 1. ``seconds`` and ``epochs`` are what the steps take.
    """

    first: Cell
    second: Cell
    first_apart: dict[str, str]
    second_apart: dict[str, str]
    machine_id: str | None
    verdict: Verdict
    cheaper: Side | None
    steps: int | None
    low: int | None
    high: int | None
    seconds: float | None
    epochs: float | None
    rounds: int


def break_even(first: Group, second: Group, together: Shared, verdict: Verdict) -> BreakEven | None:
    """The break-even of two cells; ``None`` without a common round that tells.

    Args:
        first: The trials of one cell.
        second: Those of the other.
        together: The rounds that they have in common.
        verdict: On the step time of the first over the second.
    """
    rounds = [
        (_paid(one.phases, steps_s[0]), _paid(other.phases, steps_s[1]))
        for one, other in together.trials
        if one.phases and other.phases and (steps_s := step_times_s(one, other)) is not None
    ]
    if not rounds:
        return None
    ours, theirs = _median([one for one, _ in rounds]), _median([other for _, other in rounds])
    cheaper: Side | None = None
    if ours[1] != theirs[1]:
        cheaper = "first" if ours[1] < theirs[1] else "second"
    quick, slow = (theirs, ours) if cheaper == "second" else (ours, theirs)
    steps = ahead_from(quick, slow) if cheaper else None
    each = [
        ahead_from(*((theirs, ours) if cheaper == "second" else (ours, theirs)))
        for ours, theirs in rounds
    ]
    several = cheaper is not None and len(each) > 1
    return BreakEven(
        first=first.row.cell,
        second=second.row.cell,
        first_apart=first.row.apart,
        second_apart=second.row.apart,
        machine_id=first.row.machine_id,
        verdict=verdict,
        cheaper=cheaper,
        steps=steps,
        low=min((n for n in each if n is not None), default=None) if several else None,
        high=max(each, key=_or_never) if several else None,
        seconds=None if steps is None else quick[0] + (steps - 1) * quick[1],
        epochs=None if steps is None else steps / together.trials[0][0].epochs[0].steps,
        rounds=len(rounds),
    )


def ahead_from(quick: Paid, slow: Paid) -> int | None:
    """The least number of steps with which ``quick`` takes less time in total than ``slow``.

    1 if its first step is the cheaper one too; ``None`` if its further steps cost as much or more,
    so that nothing is ever paid back.

    Args:
        quick: Seconds of the first step and of each further one.
        slow: Likewise.
    """
    dearer_s, saved_s = quick[0] - slow[0], slow[1] - quick[1]
    if saved_s <= 0:
        return None
    return 1 if dearer_s < 0 else 2 + math.floor(dearer_s / saved_s)


def _paid(phases: Phases, step_s: float) -> Paid:
    # Where Keras makes several steps in one call, the first call holds further ones.
    return max(step_s, phases.first_step_s - (phases.first_steps - 1) * step_s), step_s


def _median(paid: Sequence[Paid]) -> Paid:
    return statistics.median(f for f, _ in paid), statistics.median(s for _, s in paid)


def _or_never(steps: int | None) -> float:
    return math.inf if steps is None else steps
