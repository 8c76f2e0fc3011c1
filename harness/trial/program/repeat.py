"""Goes on with the training that counts after the script's end, quietly, until the time is used.

With the same data and without what the script had printed, saved, validated or stopped by: three
epochs say little of a step time. The metric is that of the script; it is read before. Where scripts
take turns, that is where: each runs to its end alone, and then waits before every further epoch.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

import msgspec

from harness.records.trial import Epoch
from harness.records.turns import Report
from harness.trial.clock import NANOSECONDS, EpochClock, Stopwatch, samples
from harness.trial.program.watch import Fit, OnBatch, Watch
from harness.trial.turns import BetweenEpochs, Turntaker

NEVER = 10**9
"""Epochs between two validations, where there shall be none; the validation's part of the data
stays out of the training all the same."""

LONG_ENOUGH = 4
"""A script whose own epochs have taken this many times the time budget is not repeated, unless its
epochs are short enough to take turns."""

LONGEST_TURN_S = 10.0
"""A choice, not measured. A shared machine changes its speed within seconds: longer epochs in turn
do not meet the same one, so that no more of them are trained than by a script alone."""

LEAST_TURNS = 5
"""Counted turns of one that takes turns. In three minutes more bring no narrower interval on a
quiet machine, and one a sixth narrower on a noisy one (``docs/studies/pairs-in-turns.md``)."""

EPOCHS_OF_ONE = 8
"""Into how many samples the calls of ``train_on_batch`` are put together."""


def of_fit(
    watch: Watch, fit: Fit, budget_s: float, turns: Turntaker | None
) -> tuple[list[Epoch], str | None]:
    """Further epochs of a ``fit``, and a sentence where there are none, or not as they should be.

    Args:
        watch: knows Keras' own ``fit``.
        fit: what is repeated.
        budget_s: training to time, in seconds; the epoch under way is ended.
        turns: grants each epoch, and tells when it is enough; ``None`` where it takes none.
    """
    repeated, remark = _is_repeated(fit, budget_s, in_turns=turns is not None)
    if not repeated:
        return [], remark
    last = fit.clock.epochs[-1]
    if turns is not None and not turns.goes_on(Report(epoch_s=last.wall_s), waits=True):
        return [], None
    clock = _RepeatClock(watch, fit, budget_s, turns)
    waiting = [] if turns is None else [BetweenEpochs(turns, clock, budgeted=True)]
    asked = dict(fit.asked)
    asked |= {
        "verbose": 0,
        "callbacks": [clock, *waiting],
        "initial_epoch": 0,
        "epochs": sys.maxsize,
        "validation_data": None,
        "validation_freq": NEVER,
    }
    try:
        watch.own["fit"](fit.model, **asked)
    except Exception as error:  # noqa: BLE001 - the script itself was measured
        said = " ".join(str(error).split())[:200]
        return clock.whole(last.steps), f"to repeat its fit failed ({type(error).__name__}: {said})"
    epochs = clock.whole(last.steps)
    if fit.inputs.used_up and len(epochs) < len(clock.epochs):
        return epochs, "the generator that fit was given ended while it was repeated"
    return epochs, None


def _is_repeated(fit: Fit, budget_s: float, *, in_turns: bool) -> tuple[bool, str | None]:
    """Whether ``fit`` goes on, and a sentence where it should and cannot."""
    counted = [epoch.wall_s for epoch in fit.clock.epochs if not epoch.warm_up]
    long = len(counted) >= EPOCHS_OF_ONE - 1 and sum(counted) >= LONG_ENOUGH * budget_s
    if long and not (in_turns and statistics.median(counted) <= LONGEST_TURN_S):
        return False, None
    if not fit.asked:
        return False, "its last fit trained nothing, and the data of the one before are let go"
    if fit.inputs.used_up and not fit.asked.get("steps_per_epoch"):
        return False, (
            "fit was given a generator, which is used up: it could not be repeated, and the step "
            "time rests on the script's own epochs; give arrays, a tf.data.Dataset or a PyDataset"
        )
    return True, None


def of_batches(
    watch: Watch, on: OnBatch, budget_s: float, turns: Turntaker | None
) -> tuple[list[Epoch], list[Epoch], str | None]:
    """The calls of ``train_on_batch`` as epochs: the script's own, then further ones.

    The last batches are trained on again and again. What went on between the calls is in neither.
    """
    per_epoch = max(1, len(on.wall_s) // EPOCHS_OF_ONE)
    size = on.examples // max(1, len(on.wall_s))
    own = [
        _epoch(index, "quality", per_epoch, size, sum(on.wall_s[start : start + per_epoch]))
        for index, start in enumerate(range(0, len(on.wall_s) - per_epoch + 1, per_epoch))
    ]
    further: list[Epoch] = []
    spent_s, calls = 0.0, list(on.calls)

    def goes_on() -> bool:
        if turns is None:
            return spent_s < budget_s or len(further) < 2
        report = Report(
            epoch_s=(further or own)[-1].wall_s,
            timed_s=sum(epoch.wall_s for epoch in further[1:]),
            enough=samples(further) >= LEAST_TURNS,
        )
        return turns.goes_on(report, waits=len(further) < 2)

    try:
        while goes_on():
            began_s = time.monotonic()
            wall_s, cpu_ns = 0.0, time.process_time_ns()
            for number in range(per_epoch):
                model, args, kwargs = calls[number % len(calls)]
                clock = Stopwatch()
                watch.own["train_on_batch"](model, *args, **kwargs)
                wall_s += clock.lap_s()
            cpu_s = (time.process_time_ns() - cpu_ns) * NANOSECONDS
            index = len(own) + len(further)
            epoch = _epoch(index, "timing", per_epoch, size, wall_s, cpu_s=cpu_s, first=not further)
            turn = None if turns is None else turns.turn
            further.append(msgspec.structs.replace(epoch, turn=turn, began_s=began_s))
            spent_s += wall_s
    except Exception as error:  # noqa: BLE001 - the script itself was measured
        said = " ".join(str(error).split())[:200]
        return own, further, f"to repeat train_on_batch failed ({type(error).__name__}: {said})"
    return own, further, None


class _RepeatClock(EpochClock):
    """Counts steps where nobody knew how many there would be, to tell an epoch that was cut off."""

    def __init__(self, watch: Watch, fit: Fit, budget_s: float, turns: Turntaker | None) -> None:
        last = fit.clock.epochs[-1]
        least = 1 if last.wall_s > budget_s else 3
        if turns is not None and last.wall_s <= LONGEST_TURN_S:
            least = LEAST_TURNS
        super().__init__(
            phase="timing",
            steps=last.steps,
            examples=last.examples,
            synchronize=self._wait,
            budget_s=budget_s if turns is None else None,
            minimum=least,
            turn=lambda: None if turns is None else turns.turn,
        )
        self._of = fit
        self._adapter = watch.adapter
        self._steps_before = 0
        self.taken: list[int] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Count from here."""
        self._steps_before = self._of.clock.count()
        super().on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Compare."""
        super().on_epoch_end(epoch, logs)
        self.taken.append(self._of.clock.count() - self._steps_before)
        if self._of.inputs.used_up and self.taken[-1] < self._of.clock.epochs[-1].steps:
            self.model.stop_training = True

    def whole(self, steps: int) -> list[Epoch]:
        """The epochs that trained as many steps as the script's own did, numbered after those."""
        first = len(self._of.clock.epochs)
        return [
            msgspec.structs.replace(epoch, index=first + epoch.index)
            for epoch, taken in zip(self.epochs, self.taken, strict=False)
            if not self._of.inputs.used_up or taken >= steps
        ]

    def _wait(self) -> None:
        variables = self._of.model.trainable_variables
        self._adapter.synchronize([variable.value for variable in variables])


def _epoch(
    index: int,
    phase: Any,
    steps: int,
    size: int,
    wall_s: float,
    *,
    cpu_s: float | None = None,
    first: bool | None = None,
) -> Epoch:
    return Epoch(
        index=index,
        phase=phase,
        steps=steps,
        examples=steps * size,
        wall_s=wall_s,
        warm_up=index == 0 if first is None else first,
        train_loss=None,
        cpu_s=cpu_s,
    )
