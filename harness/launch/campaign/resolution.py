"""How small a difference this machine can resolve: one thing measured against itself.

Fresh processes do the same work one after the other, neighbours are paired as a campaign pairs two
backends, and the spread of their log-ratios is what noise alone makes of no difference at all.
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
from harness.analysis.step_time import step_time_s
from harness.errors import UnavailableError
from harness.launch.child import run_task
from harness.launch.environments import Interpreter
from harness.launch.process import run_python
from harness.probe import provenance
from harness.records.trial import Cell, Record, Struct, Trial
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
                f"{self.of}: only {self.pairs} pairs of processes in a minute, too few to tell "
                f"(it takes {MINIMUM_ROUNDS}): this machine is too slow for so short a look"
            )
        return (
            f"{self.of}: {self.pairs} pairs of equal processes in a minute, spread "
            f"{self.spread:.1%}: a difference of {self.smallest:.1%} or more is found in 9 of 10 "
            "minutes, a smaller one takes longer or drowns"
        )


def resolution(
    of: str,
    measure: Callable[[], float],
    *,
    seconds: float = MINUTE_S,
    clock: Callable[[], float] = time.monotonic,
) -> Resolution:
    """Measure for so long, and tell what could be resolved.

    Args:
        of: what is measured, for a person.
        measure: does it once in a fresh process, and tells the seconds that it took.
        seconds: for how long.
        clock: tells the time in seconds.
    """
    ends_s = clock() + seconds
    times_s: list[float] = []
    slowest_s = 0.0
    # The last one must end within the time as well, or a slow machine would get more of it.
    while (begun_s := clock()) + slowest_s <= ends_s:
        times_s.append(measure())
        slowest_s = max(slowest_s, clock() - begun_s)
    return resolved(of, times_s)


def resolved(of: str, times_s: Sequence[float]) -> Resolution:
    """What ``times_s``, of equal processes in their order, say about the noise."""
    pairs = [math.log(a / b) for a, b in zip(times_s[::2], times_s[1::2], strict=False)]
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
    """Real trials of the tutorial's model, in seconds per step.

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

    def measure() -> float:
        trial = Trial(
            cell=cell,
            seed=1,
            repetition=1,
            campaign="doctor",
            round=1,
            time_budget_s=TIMED_TRAINING_S,
            table=None,
            harness=provenance(),
        )
        record = run_task(trial, Record, interpreter, timeout_s=timeout_s).record
        step_s = step_time_s(record)
        if record.status != "ok" or step_s is None:
            reason = record.failure.reason if record.failure else "it has no timed epoch"
            raise UnavailableError(
                f"a trial of {interpreter.backend} left no measurement: {reason}"
            )
        return step_s

    return measure


def by_arithmetic(python: str = sys.executable) -> float:
    """The speed probe's work in a fresh process, in seconds; it needs no framework."""
    finished = run_python(Path(python), ["-c", _WORK], timeout_s=ARITHMETIC_TIMEOUT_S)
    return finished.answer(float)
