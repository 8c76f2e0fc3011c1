"""The trainings of one process, one after the other on the same model, and what is kept of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness import scenario
from harness.parity import AS_IT_IS, SPARSE_DUPLICATES, Stage, Training, array_name, perturbed
from harness.record import Mode
from harness.trial.parity import optimizer, watched
from harness.trial.parity.state import State
from harness.trial.prepared import Prepared

Arrays = dict[str, NDArray[Any]]


class Course:
    """Trains one model as often as parity needs.

    Args:
        prepared: what to train; every training starts from its model's weights as they are now.
        mode: how.
    """

    def __init__(self, prepared: Prepared, mode: Mode) -> None:
        self.state = State(prepared.model)
        self.watch = watched.make(mode, prepared, self.state)
        self._adapter = prepared.adapter
        self._split = prepared.data.train
        self._batch_size = prepared.settings.batch_size

    def run(self, perturbations: int) -> tuple[list[Training], Arrays, bool]:
        """All trainings, their arrays, and whether examples shared rows of sparse gradients."""
        model = self.state.model
        plain, base, shared_rows = self._train_once(AS_IT_IS)
        # A loop of its own decides by itself what becomes of them.
        shared_rows = shared_rows and isinstance(self.watch, watched.WatchedFit)
        trainings, arrays = [plain], _named(AS_IT_IS, base)
        for number in range(1, perturbations + 1):
            name = perturbed(number)
            moved, found, _ = self._train_once(name, moved=number)
            drift = {
                f"{stage}/{quantity}": finite(np.abs(value - base[stage][quantity]).max())
                for stage, values in found.items()
                for quantity, value in values.items()
            }
            trainings.append(msgspec.structs.replace(moved, drift=drift))
            arrays |= self._alone(name, number)
        arrays |= self._alone(AS_IT_IS)
        if shared_rows:
            ratios = optimizer.second_moments(model.optimizer)
            by_hand: dict[str, list[tuple[Any, float]]] = {}
            for slot in self.state.slots:
                if slot.owner is not None and slot.kind in ratios:
                    by_hand.setdefault(slot.owner.path, []).append(
                        (slot.variable, ratios[slot.kind])
                    )
            for name, slots in (
                (SPARSE_DUPLICATES.without, None),
                (SPARSE_DUPLICATES.predicted, by_hand),
            ):
                with self._adapter.rows_summed_first(model, slots):
                    training, found, _ = self._train_once(name)
                trainings.append(training)
                arrays |= _named(name, found) | self._alone(name)
        return trainings, arrays, shared_rows

    def _alone(self, name: str, moved: int | None = None) -> Arrays:
        """The optimizer alone; nothing where the loop has an optimizer of its own."""
        if not self.watch.of_keras:
            return {}
        gradients = optimizer.given_gradients(moved)
        return _named(name, {"optimizer": optimizer.alone(self.state.model.optimizer, gradients)})

    def _train_once(
        self, name: str, moved: int | None = None
    ) -> tuple[Training, dict[Stage, Arrays], bool]:
        state, split = self.state, self._split
        if moved is not None:
            split = reordered(split, self._batch_size, np.random.default_rng(moved))
        state.restart(moved)
        arrays: dict[Stage, Arrays] = {"start": state.read()}
        shared_rows, first_loss = False, None
        if self.watch.of_keras:
            arrays["first-batch"], shared_rows, first_loss = self._first_batch(split)
            state.restart(moved)
        # A diverging training is compared as it is; NumPy's warnings about it would say nothing.
        with np.errstate(all="ignore"):
            seen = self.watch.train(split)
        arrays["step-1"], arrays["epoch-1"] = seen.after_step, seen.after_epoch
        training = Training(
            name=name,
            # The loss of a step is that before its update, hence the same figure.
            first_loss=finite(seen.losses[0] if first_loss is None else first_loss),
            losses=[finite(loss) for loss in seen.losses],
            metrics=[finite(metric) for metric in seen.metrics],
        )
        return training, arrays, shared_rows

    def _first_batch(self, split: scenario.Split) -> tuple[Arrays, bool, float]:
        """The gradients of the Keras model, by the names of their variables, and the loss."""
        model, state = self.state.model, self.state
        first = split.map(lambda values: values[: self._batch_size])
        gradients = self._adapter.gradients(model, *first.batch)
        by_name = {
            f"gradient of {state.name(variable)}": (
                np.zeros(variable.shape, np.float32) if value is None else value
            )
            for variable, value in zip(model.trainable_variables, gradients.values, strict=True)
        }
        return by_name, gradients.shared_rows, gradients.loss


def reordered(split: scenario.Split, batch_size: int, rng: np.random.Generator) -> scenario.Split:
    """The same batches with the examples of each in another order.

    The mean over a batch is then added up in another order, as another backend would do it; that
    matters more the larger the batch is, and moving the weights alone does not exercise it.
    """
    examples = split.examples
    rows = np.concatenate(
        [
            rng.permutation(np.arange(start, min(start + batch_size, examples)))
            for start in range(0, examples, batch_size)
        ]
    )
    return split.map(lambda values: values[rows])


def finite(value: Any) -> float | None:
    """``value``, or ``None`` for what JSON cannot hold."""
    return float(value) if math.isfinite(value) else None


def _named(training: str, stages: Mapping[Stage, Arrays]) -> Arrays:
    return {
        array_name(training, stage, quantity): values
        for stage, quantities in stages.items()
        for quantity, values in quantities.items()
    }
