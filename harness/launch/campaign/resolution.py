"""How small a difference this machine can resolve: one thing measured against itself.

Two fresh processes do the same work, compared as a campaign compares two backends: in turns where
they train, one after the other where they only calculate. The spread of the log-ratios of such
pairs is what noise alone makes of no difference at all.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from harness.analysis.speed.interval import MINIMUM_ROUNDS, interval
from harness.analysis.speed.rounds_needed import smallest_difference, spread_of
from harness.analysis.speed.turns import log_ratio
from harness.errors import UnavailableError
from harness.launch.answers import run_python
from harness.launch.campaign.room import Room
from harness.launch.child import LocalLauncher
from harness.launch.environments import Interpreter
from harness.probe import provenance
from harness.records.cell import Cell, Struct
from harness.records.trial import Trial
from harness.scenario import find, parse_settings

MINUTE_S = 60.0

SCENARIO = "ranking"
SETTINGS = {"data": "synthetic", "epochs": "1"}
"""Generated ratings need no table, and the step is that of the tutorial's model."""

TIMED_TRAINING_S = 0.5

ARITHMETIC_TIMEOUT_S = 600.0
"""Of a second's work."""

_WORK = """
import sys
from harness.probe.noise import speed_probe
with open(sys.argv[1] + "/answer.json", "w") as file:
    file.write(str(sum(speed_probe() for _ in range(4))))
"""


class Resolution(Struct, frozen=True, kw_only=True):
    """What a minute of measuring tells on this machine.

    ``spread`` is the standard deviation of the paired log-ratios of equal processes, and
    ``smallest`` the smallest true difference that ``pairs`` of them find in nine cases of ten, as a
    share; ``None`` if there were too few.
    """

    of: str
    pairs: int
    spread: float | None
    smallest: float | None

    def __str__(self) -> str:
        if self.spread is None or self.smallest is None:
            return (
                f"{self.of}: only {self.pairs} pairs of processes in a minute, too few (at "
                f"least {MINIMUM_ROUNDS} are needed): this machine is too slow for so short a look"
            )
        return (
            f"{self.of}: {self.pairs} pairs of equal processes in a minute, spread "
            f"{self.spread:.1%}: a difference of {self.smallest:.1%} or more is found in 9 of 10 "
            "minutes, a smaller one takes longer or is lost"
        )


def resolution(
    of: str,
    compare: Callable[[], float],
    *,
    seconds: float = MINUTE_S,
    clock: Callable[[], float] = time.monotonic,
) -> Resolution:
    """Measure for so long, and tell what could be resolved.

    Args:
        of: what is measured, for a person.
        compare: does it in two fresh processes, and tells the logarithm of their ratio.
        seconds: for how long.
        clock: tells the time in seconds.
    """
    ends_s = clock() + seconds
    pairs: list[float] = []
    slowest_s = 0.0
    # The last one must end within the time as well, or a slow machine would get more of it.
    while (begun_s := clock()) + slowest_s <= ends_s:
        pairs.append(compare())
        slowest_s = max(slowest_s, clock() - begun_s)
    return resolved(of, pairs)


def one_after_the_other(measure: Callable[[], float]) -> Callable[[], float]:
    """Compares two runs of ``measure``, which does something and tells the seconds it took."""
    return lambda: math.log(measure() / measure())


def resolved(of: str, pairs: Sequence[float]) -> Resolution:
    """What ``pairs``, the log-ratios of equal processes, say about the noise."""
    if len(pairs) < MINIMUM_ROUNDS:
        return Resolution(of=of, pairs=len(pairs), spread=None, smallest=None)
    spread = spread_of(interval(pairs))
    return Resolution(
        of=of,
        pairs=len(pairs),
        spread=spread,
        smallest=smallest_difference(spread, len(pairs), margin=0.0),
    )


def by_training(interpreter: Interpreter, *, timeout_s: float = 120.0) -> Callable[[], float]:
    """Compares two real trials of the tutorial's model, which take turns.

    Raises:
        UnavailableError: when called, if a trial leaves no measurement.
    """
    scenario = find(SCENARIO)
    settings = parse_settings(scenario, SETTINGS)
    cell = Cell(
        scenario=SCENARIO,
        backend=interpreter.backend,  # type: ignore[arg-type]  # one of those that were looked for
        device="cpu",
        settings=msgspec.to_builtins(settings),
    )

    launcher = LocalLauncher({interpreter.backend: interpreter}, timeout_s=timeout_s)
    trials = [
        Trial(
            cell=cell,
            seed=1,
            repetition=repetition,
            campaign="doctor",
            round=1,
            time_budget_s=TIMED_TRAINING_S,
            table=None,
            harness=provenance(),
        )
        for repetition in (1, 2)
    ]

    def compare() -> float:
        records = launcher.run_in_turns(trials, Room())
        records += [launcher.run(trial) for trial in trials[len(records) :]]
        first, second = records
        ratio = log_ratio(first, second)
        if ratio is None:
            reasons = [record.failure.reason for record in records if record.failure]
            reason = next(iter(reasons), "it has no timed epoch")
            raise UnavailableError(
                f"a trial of {interpreter.backend} left no measurement: {reason}"
            )
        return ratio

    return compare


def by_arithmetic(python: str = sys.executable) -> float:
    """The speed probe's work in a fresh process, in seconds; it needs no framework."""
    finished = run_python(Path(python), ["-c", _WORK], timeout_s=ARITHMETIC_TIMEOUT_S)
    return finished.answer(float)
