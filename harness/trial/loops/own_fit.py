"""Epochs of a loop of its own, with the hooks that the clocks hang on."""

from __future__ import annotations

from typing import Any

import keras

from harness.records.cell import Scalar
from harness.trial.clock import Stopwatch
from harness.trial.loops import Loop
from harness.trial.loops.compilation import refused_if_uncompiled
from harness.trial.loops.stateful import Batches, Stateful
from harness.trial.prepared import Prepared


class OwnFit(Loop):
    """Runs a whole epoch in as few calls as its loop allows.

    The very first step is a call of its own, so that compiling has a figure.
    """

    def __init__(self, loop: Stateful, prepared: Prepared) -> None:
        self._loop = loop
        self._adapter = prepared.adapter
        self._model = prepared.model
        self._batches = Batches(loop, prepared.data.train, prepared.settings.batch_size)
        self.first_step_s = 0.0
        self.first_steps = 1
        self._begun = False
        self._is_put_back = False
        loop.take()

    def train(self, *, epochs: int, initial_epoch: int = 0, callbacks: list[Any]) -> None:
        """Train, and call the hooks of epochs."""
        hooks = keras.callbacks.CallbackList(callbacks, model=self._model)
        self._model.stop_training = False
        hooks.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            if self._is_put_back:  # before the clock of the epoch begins
                self._loop.resume()
                self._is_put_back = False
            hooks.on_epoch_begin(epoch)
            done = self._epoch()
            hooks.on_epoch_end(epoch, {"loss": self._batches.mean_loss(done)})
            if self._model.stop_training:
                break
        hooks.on_train_end()

    def synchronize(self) -> None:
        """Wait for everything that training changes."""
        self._adapter.synchronize(self._loop.tensors())

    def put_back(self) -> None:
        """Write weights and slots into the model."""
        self._loop.put_back()
        self._is_put_back = True

    def engine(self) -> dict[str, Scalar | None]:
        """The loop's own account."""
        return self._loop.engine()

    def _epoch(self) -> list[tuple[int, int, Any]]:
        if self._begun:
            return self._batches.train(0, len(self._batches))
        self._begun = True
        with refused_if_uncompiled(self._adapter):
            watch = Stopwatch()
            first = self._batches.train(0, 1)
            self.synchronize()
            self.first_step_s = watch.lap_s()
            return first + self._batches.train(1, len(self._batches))
