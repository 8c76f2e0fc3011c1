"""Keras' own ``fit``: as the scenario writes it, and tuned to the backend."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from harness.records.cell import Scalar
from harness.trial.clock import FirstStepClock
from harness.trial.loops import Loop
from harness.trial.loops.compilation import RecompilationWatch, refused_if_uncompiled
from harness.trial.prepared import Prepared


class KerasFit(Loop):
    """Calls the scenario's ``fit``.

    Args:
        prepared: what to train.
        tuned: whether with the adapter's best settings, or with what Keras does by itself.
    """

    def __init__(self, prepared: Prepared, *, tuned: bool) -> None:
        self._chosen = prepared.chosen
        self._adapter = adapter = prepared.adapter
        self._model = prepared.model
        batches = adapter.tuned_batches if tuned else adapter.batches
        self._train = batches(prepared.data.train, prepared.settings.batch_size)
        self._tuned = tuned
        self._facts = adapter.tune(self._model, prepared.steps) if tuned else {}
        self._watch = [RecompilationWatch(adapter)] if tuned else []
        self.first_step_s = 0.0
        self.first_steps = min(int(self._model.steps_per_execution), prepared.steps)
        self._begun = False

    def train(self, *, epochs: int, initial_epoch: int = 0, callbacks: list[Any]) -> None:
        """Call ``fit``."""
        clock = FirstStepClock(self._adapter.synchronize)
        first = [] if self._begun else [clock]
        with refused_if_uncompiled(self._adapter) if self._tuned else nullcontext():
            self._chosen.fit(
                self._model,
                self._train,
                epochs=epochs,
                initial_epoch=initial_epoch,
                callbacks=[*first, *self._watch, *callbacks],
            )
        if not self._begun:
            self.first_step_s, self._begun = clock.first_step_s, True

    def synchronize(self) -> None:
        """Wait for the trained variables."""
        variables = [variable.value for variable in self._model.trainable_variables]
        self._adapter.synchronize(variables)

    def engine(self) -> dict[str, Scalar | None]:
        """What was tuned."""
        return self._facts
