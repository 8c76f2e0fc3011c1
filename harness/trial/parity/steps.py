"""Watches ``fit`` step by step. Nothing is timed here, so it may look into every batch."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import NDArray

from harness.trial.backends import Adapter
from harness.trial.parity.state import State


class StepRecorder(keras.callbacks.Callback):
    """Keeps the loss of every step of the first epoch, two snapshots, and the metric of each epoch.

    Args:
        state: reads the model.
        adapter: brings the model's variables up to date in the middle of an epoch.
        evaluate: gives the test metric after an epoch.
    """

    def __init__(self, state: State, adapter: Adapter, evaluate: Callable[[], float]) -> None:
        super().__init__()
        self._state = state
        self._adapter = adapter
        self._evaluate = evaluate
        self.losses: list[float] = []
        self.metrics: list[float] = []
        self.after_step: dict[str, NDArray[np.float32]] = {}
        self.after_epoch: dict[str, NDArray[np.float32]] = {}

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Note the loss; Keras' own is a mean over the epoch, so it is started anew each time."""
        if self.metrics:
            return
        self._adapter.bring_up_to_date(self.model)
        self.losses.append(float((logs or {})["loss"]))
        self.model.reset_metrics()
        if not self.after_step:
            self.after_step = self._state.read()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Evaluate, and after the first epoch read every variable."""
        if not self.after_epoch:
            self.after_epoch = self._state.read()
        self.metrics.append(float(self._evaluate()))
