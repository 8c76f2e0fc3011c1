"""One training of each mode, watched step by step. Nothing is timed here."""

from __future__ import annotations

import abc
import math
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

from harness import scenario
from harness.errors import RefusedError
from harness.records.cell import Mode, Scalar, Struct
from harness.trial import loops, refusal
from harness.trial.evaluation import value_of
from harness.trial.loops.stateful import Batches
from harness.trial.parity.state import State
from harness.trial.parity.steps import StepRecorder
from harness.trial.prepared import Prepared

Evaluation = Callable[[], AbstractContextManager[None]]


class Seen(Struct, frozen=True, kw_only=True):
    """What a training left: losses of the first epoch's steps, metrics of every epoch.

    The metric is ``nan`` where trained weights are no finite numbers. What a metric makes of those,
    such as which of three ``nan`` is the largest, is chance.
    """

    losses: list[float]
    metrics: list[float]
    after_step: dict[str, NDArray[np.float32]]
    after_epoch: dict[str, NDArray[np.float32]]


class Watched(abc.ABC):
    """Trains from the state that the model is in; ``of_keras`` tells whose gradients these are."""

    of_keras: bool

    def __init__(self, prepared: Prepared, state: State, evaluation: Evaluation) -> None:
        self._chosen = prepared.chosen
        self._adapter = prepared.adapter
        self._state = state
        self._batch_size = prepared.settings.batch_size
        self._epochs = prepared.settings.epochs
        self._evaluation = evaluation
        self._test = prepared.adapter.batches(prepared.data.test, self._batch_size)

    @abc.abstractmethod
    def train(self, split: scenario.Split) -> Seen:
        """Train for all epochs on the batches of ``split``."""

    @abc.abstractmethod
    def engine(self) -> dict[str, Scalar | None]:
        """How this mode runs, beyond what Keras and the framework tell; for the record."""

    def _evaluate(self) -> float:
        with self._evaluation():
            results = self._chosen.evaluate(self._state.model, self._test)
        metric = value_of(self._chosen.metric, results)
        return metric if self._state.is_finite() else math.nan


class WatchedFit(Watched):
    """Keras' ``fit``, as it is or tuned."""

    of_keras = True

    def __init__(
        self, prepared: Prepared, state: State, evaluation: Evaluation, *, tuned: bool
    ) -> None:
        super().__init__(prepared, state, evaluation)
        adapter = prepared.adapter
        self._batches = adapter.tuned_batches if tuned else adapter.batches
        refusal.require("tuned" if tuned else "fit", prepared)
        self._facts = adapter.tune(prepared.model, prepared.steps) if tuned else {}
        setter = refusal.sets_last_weights(prepared.model.optimizer)
        if setter is not None and int(prepared.model.steps_per_execution) > 1:
            raise RefusedError(
                "parity trains the first epoch of tuned by itself, step by step, and this "
                f"optimizer sets the weights again at the end of every training ({setter}); "
                "compare the mode fit"
            )

    def engine(self) -> dict[str, Scalar | None]:
        """What was tuned."""
        return self._facts

    def train(self, split: scenario.Split) -> Seen:
        """Where several steps are one call, the first epoch alone is trained in single steps."""
        model = self._state.model
        train = self._batches(split, self._batch_size)
        recorder = StepRecorder(self._state, self._adapter, self._evaluate)
        together = int(model.steps_per_execution)
        parts = [(0, self._epochs, 1)]
        if together > 1:
            parts = [(0, 1, 1), (1, self._epochs, together)]
        for first, last, steps in parts:
            if model.steps_per_execution != steps:
                model.steps_per_execution = steps
                model.train_function = model.test_function = None  # made for another number
            self._chosen.fit(model, train, initial_epoch=first, epochs=last, callbacks=[recorder])
        return Seen(
            losses=recorder.losses,
            metrics=recorder.metrics,
            after_step=recorder.after_step,
            after_epoch=recorder.after_epoch,
        )


class WatchedLoop(Watched):
    """A loop without Keras' trainer."""

    def __init__(
        self, prepared: Prepared, state: State, evaluation: Evaluation, mode: Mode
    ) -> None:
        super().__init__(prepared, state, evaluation)
        self._loop = loops.own_loop(mode, prepared)
        self.of_keras = mode == "custom_loop"

    def engine(self) -> dict[str, Scalar | None]:
        """The loop's own account."""
        return self._loop.engine()

    def train(self, split: scenario.Split) -> Seen:
        """The first step is a call of its own, then the rest of its epoch, then epoch by epoch."""
        batches = Batches(self._loop, split, self._batch_size)
        self._loop.take()
        done = batches.train(0, 1)
        after_step = self._read()
        done += batches.train(1, len(batches))
        after_epoch = self._read()
        metrics = [self._evaluate()]
        for _ in range(1, self._epochs):
            self._loop.resume()
            batches.train(0, len(batches))
            self._loop.put_back()
            metrics.append(self._evaluate())
        return Seen(
            losses=[float(loss) for loss in batches.losses(done)],
            metrics=metrics,
            after_step=after_step,
            after_epoch=after_epoch,
        )

    def _read(self) -> dict[str, NDArray[np.float32]]:
        self._loop.put_back()
        return self._state.read()


def make(mode: Mode, prepared: Prepared, state: State, evaluation: Evaluation) -> Watched:
    """The watched training of a mode.

    Args:
        mode: how.
        prepared: what.
        state: that of the prepared model.
        evaluation: is entered around each evaluation, whose examples are never reordered.
    """
    if mode in {"fit", "tuned"}:
        return WatchedFit(prepared, state, evaluation, tuned=mode == "tuned")
    return WatchedLoop(prepared, state, evaluation, mode)
