"""The clock of a script's own ``fit``, and which of what it logs is the metric."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import keras
import numpy as np

from harness.probe import noise
from harness.records.trial import Epoch
from harness.trial import weights
from harness.trial.backends import Adapter
from harness.trial.clock import NANOSECONDS, finite
from harness.trial.program.inputs import Inputs


class FitClock(keras.callbacks.Callback):
    """Times every epoch of a script's ``fit`` without its validation.

    Put it behind all other callbacks, so that it starts last; :class:`Stop` stands before them.
    """

    def __init__(self, adapter: Adapter, *, digest: bool, snapshots: bool) -> None:
        super().__init__()
        self._adapter = adapter
        self._digest = digest
        self._snapshots = snapshots
        self._started = self._cpu_started = self._stopped = 0
        self._cpu_s: float | None = None
        self._iterations = 0
        self.inputs: Inputs | None = None
        self.initial_weights: str | None = None
        self.initial: list[tuple[Any, Any]] = []
        self.epochs: list[Epoch] = []
        self.logs: dict[str, float] = {}
        self.validation_s = 0.0
        self.diverged = False
        self.noise: Any = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Look at the weights, of a model that is built.

        JAX and PyTorch build it before they come here, from the first batch and without values.
        Keras on TensorFlow leaves it to the first step; so it is done here, as for them.
        """
        if not self.model.built and self.inputs is not None:
            with contextlib.suppress(
                Exception
            ):  # then the first step builds it, and it is not told
                self.model(self.inputs.symbolic())
        if self._digest and self.model.built:
            self.initial_weights = weights.digest(weights.current(self.model))
        if self._snapshots:
            optimizer = self.model.optimizer
            if optimizer is not None and not optimizer.built:
                optimizer.build(self.model.trainable_variables)
            held = [*self.model.variables, *(optimizer.variables if optimizer else [])]
            self.initial = [
                (variable, np.array(keras.ops.convert_to_numpy(variable.value)))
                for variable in held
            ]

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start on an idle device, the clock of the wall time last."""
        self._iterations = self.count()
        self._synchronize()
        self._stopped = 0
        self._cpu_started = time.process_time_ns()
        self._started = time.perf_counter_ns()

    def stop(self) -> None:
        """The training of this epoch is over; what follows is evaluation and callbacks."""
        if self._stopped:
            return
        self._synchronize()
        self._stopped = time.perf_counter_ns()
        self._cpu_s = (time.process_time_ns() - self._cpu_started) * NANOSECONDS

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the epoch."""
        self.stop()
        self.validation_s += (time.perf_counter_ns() - self._stopped) * NANOSECONDS
        found = {name: finite(number(value)) for name, value in (logs or {}).items()}
        self.logs = {name: value for name, value in found.items() if value is not None}
        self.diverged = found.get("loss", 0.0) is None
        steps = (self.params or {}).get("steps") or (self.count() - self._iterations)
        size = self.inputs.batch_size if self.inputs else None
        examples = steps * (size or 0)
        if self.inputs and self.inputs.examples:
            examples = min(examples, self.inputs.examples)
        self.epochs.append(
            Epoch(
                index=epoch,
                phase="quality",
                steps=int(steps),
                examples=int(examples),
                wall_s=(self._stopped - self._started) * NANOSECONDS,
                warm_up=not self.epochs,
                train_loss=found.get("loss"),
                metric=validation_metric(found),
                cpu_s=self._cpu_s,
            )
        )
        if self.noise is None:
            self.noise = noise.snapshot()

    def count(self) -> int:
        """Steps of the optimizer so far: where Keras does not know how many batches there are."""
        optimizer = self.model.optimizer
        iterations = getattr(optimizer, "iterations", None)
        return 0 if iterations is None else int(keras.ops.convert_to_numpy(iterations.value))

    def _synchronize(self) -> None:
        self._adapter.synchronize([each.value for each in self.model.trainable_variables])


class Stop(keras.callbacks.Callback):
    """Stops a clock before any callback of the script runs."""

    def __init__(self, clock: FitClock) -> None:
        super().__init__()
        self._clock = clock

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Stop it."""
        self._clock.stop()


def validation_metric(logs: dict[str, float | None]) -> float | None:
    """The first metric of the validation that is no loss, or else its loss."""
    names = [name for name in logs if name.startswith("val_")]
    chosen = first_metric(names)
    return None if chosen is None else logs[chosen]


def first_metric(names: list[str]) -> str | None:
    """The first of ``names`` that is no loss; the first where all are; ``None`` of none."""
    others = [name for name in names if name != "loss" and not name.endswith("_loss")]
    return next(iter([*others, *names]), None)


def number(value: Any) -> float | None:
    """The number that a log holds, if it is one."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
