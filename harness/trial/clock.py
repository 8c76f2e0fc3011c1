"""The clocks that run beside training.

All read ``time.perf_counter_ns`` with the device synchronised, so that no work is left over for
the next span. None overrides a per-batch hook: a callback that does makes Keras synchronise or
dispatch at every step (``CallbackList._configure_async_dispatch``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras

from harness.records.trial import Epoch

NANOSECONDS = 1e-9


def finite(value: float | None) -> float | None:
    """``value``, or ``None`` for what JSON cannot hold: infinities and what is no number."""
    return float(value) if value is not None and math.isfinite(value) else None


class Stopwatch:
    """Seconds since it was made or last read."""

    def __init__(self) -> None:
        self._last = time.perf_counter_ns()

    def lap_s(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter_ns()
        lap = (now - self._last) * NANOSECONDS
        self._last = now
        return lap


class FirstStepClock(keras.callbacks.Callback):
    """Times the first training step, the one that traces and compiles.

    Keras calls ``model.train_function`` for every step and makes it before ``on_train_begin``. It
    is wrapped for one call and put back, so later steps run as if nothing had been there.
    """

    def __init__(self, synchronize: Callable[[Any], None]) -> None:
        super().__init__()
        self._synchronize = synchronize
        self.first_step_s = 0.0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Wrap the train function for one call."""
        train_function = self.model.train_function

        def first_step(*args: Any) -> Any:
            started = time.perf_counter_ns()
            outputs = train_function(*args)
            self._synchronize(outputs)
            self.first_step_s = (time.perf_counter_ns() - started) * NANOSECONDS
            self.model.train_function = train_function
            return outputs

        self.model.train_function = first_step


class AfterFirstEpoch(keras.callbacks.Callback):
    """Calls ``look`` once, after the first epoch, and keeps its answer.

    Put it behind the clock and the evaluation: from then on there is training as it goes on, while
    the first epoch also traces and compiles, with threads and processes of their own.
    """

    def __init__(self, look: Callable[[], Any]) -> None:
        super().__init__()
        self._look = look
        self.seen: Any = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Look, the first time."""
        if self.seen is None:
            self.seen = self._look()


class EpochClock(keras.callbacks.Callback):
    """Times every epoch, evaluates after it outside the clock, and keeps all of it.

    Args:
        phase: what the epochs are for; see :class:`harness.records.trial.Epoch`.
        steps: training steps per epoch.
        examples: training examples per epoch.
        synchronize: waits until the device has finished what training has asked of it.
        evaluate: gives the test metric after an epoch, or ``None`` for no evaluation.
        budget_s: ends the training once the counted epochs have taken this long together;
            ``None`` leaves the end to ``fit``.
        minimum: samples to take even if the budget is used; see :func:`samples`.
        turn: tells the number of the turn under way, where the process takes turns with others.
    """

    def __init__(
        self,
        *,
        phase: Literal["quality", "timing"],
        steps: int,
        examples: int,
        synchronize: Callable[[], None],
        evaluate: Callable[[], float] | None = None,
        budget_s: float | None = None,
        minimum: int = 1,
        turn: Callable[[], int | None] = lambda: None,
    ) -> None:
        super().__init__()
        self._phase = phase
        self._steps = steps
        self._examples = examples
        self._synchronize = synchronize
        self._evaluate = evaluate
        self._budget_s = budget_s
        self.minimum = minimum
        self._turn = turn
        self._started = self._cpu_started = 0
        self._began_s = 0.0
        self.epochs: list[Epoch] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the clocks on an idle device, that of the wall time last."""
        self._synchronize()
        self._began_s = time.monotonic()
        self._cpu_started = time.process_time_ns()
        self._started = time.perf_counter_ns()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Stop the clocks, that of the wall time first, then evaluate."""
        self._synchronize()
        wall_s = (time.perf_counter_ns() - self._started) * NANOSECONDS
        cpu_s = (time.process_time_ns() - self._cpu_started) * NANOSECONDS
        metric = evaluate_s = None
        if self._evaluate is not None:
            watch = Stopwatch()
            metric = finite(self._evaluate())
            evaluate_s = watch.lap_s()
        self.epochs.append(
            Epoch(
                index=epoch,
                phase=self._phase,
                steps=self._steps,
                examples=self._examples,
                wall_s=wall_s,
                # The first epoch of every fit compiles or fills its input pipeline's cache.
                warm_up=not self.epochs,
                train_loss=finite((logs or {}).get("loss")),
                metric=metric,
                evaluate_s=evaluate_s,
                cpu_s=cpu_s,
                turn=self._turn(),
                began_s=self._began_s,
            )
        )
        if self._budget_s is None or samples(self.epochs) < self.minimum:
            return
        if sum(self.counted_s) >= self._budget_s:
            self.model.stop_training = True

    @property
    def counted_s(self) -> list[float]:
        """The wall times of the epochs that are no warm-up."""
        return [epoch.wall_s for epoch in self.epochs if not epoch.warm_up]


def samples(epochs: Sequence[Epoch]) -> int:
    """How many samples ``epochs`` are: those that are no warm-up, where all of a turn are one."""
    counted = [epoch for epoch in epochs if not epoch.warm_up]
    alone = sum(epoch.turn is None for epoch in counted)
    return alone + len({epoch.turn for epoch in counted} - {None})
