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
from harness.trial.backends import Adapter
from harness.trial.parity import optimizer
from harness.trial.parity.state import State
from harness.trial.parity.steps import StepRecorder

Arrays = dict[str, NDArray[Any]]


class Course:
    """Trains one model as often as parity needs.

    Args:
        chosen: the scenario.
        settings: its settings.
        data: what it trains and tests on.
        adapter: of the backend that runs.
        state: the model, built, with the weights from which every training starts.
    """

    def __init__(
        self,
        chosen: scenario.Scenario,
        settings: Any,
        data: scenario.Data,
        adapter: Adapter,
        state: State,
    ) -> None:
        self.state = state
        self._chosen = chosen
        self._epochs = settings.epochs
        self._adapter = adapter
        self._split = data.train
        self._batch_size = settings.batch_size
        self._train = adapter.batches(data.train, settings.batch_size)
        self._test = adapter.batches(data.test, settings.batch_size)

    def run(self, perturbations: int) -> tuple[list[Training], Arrays, bool]:
        """All trainings, their arrays, and whether examples shared rows of sparse gradients."""
        model = self.state.model
        plain, base, shared_rows = self._train_once(AS_IT_IS)
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
            alone = optimizer.alone(model.optimizer, optimizer.given_gradients(number))
            arrays |= _named(name, {"optimizer": alone})
        alone = optimizer.alone(model.optimizer, optimizer.given_gradients())
        arrays |= _named(AS_IT_IS, {"optimizer": alone})
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
                arrays |= _named(name, found | {"optimizer": alone})
        return trainings, arrays, shared_rows

    def _train_once(
        self, name: str, moved: int | None = None
    ) -> tuple[Training, dict[Stage, Arrays], bool]:
        model, state = self.state.model, self.state
        split, train = self._split, self._train
        if moved is not None:
            split = reordered(split, self._batch_size, np.random.default_rng(moved))
            train = self._adapter.batches(split, self._batch_size)
        state.restart(moved)
        arrays: dict[Stage, Arrays] = {"start": state.read()}
        gradients = self._adapter.gradients(
            model,
            {name: values[: self._batch_size] for name, values in split.inputs.items()},
            split.labels[: self._batch_size],
        )
        arrays["first-batch"] = {
            f"gradient of {state.name(variable)}": (
                np.zeros(variable.shape, np.float32) if value is None else value
            )
            for variable, value in zip(model.trainable_variables, gradients.values, strict=True)
        }
        state.restart(moved)
        recorder = StepRecorder(
            state,
            self._adapter,
            lambda: self._chosen.evaluate(model, self._test)[self._chosen.metric.name],
        )
        # A diverging training is compared as it is; NumPy's warnings about it would say nothing.
        with np.errstate(all="ignore"):
            self._chosen.fit(model, train, epochs=self._epochs, callbacks=[recorder])
        arrays["step-1"], arrays["epoch-1"] = recorder.after_step, recorder.after_epoch
        training = Training(
            name=name,
            first_loss=finite(gradients.loss),
            losses=[finite(loss) for loss in recorder.losses],
            metrics=[finite(metric) for metric in recorder.metrics],
        )
        return training, arrays, gradients.shared_rows


def reordered(split: scenario.Split, batch_size: int, rng: np.random.Generator) -> scenario.Split:
    """The same batches with the examples of each in another order.

    The mean over a batch is then added up in another order, as another backend would do it; that
    matters more the larger the batch is, and moving the weights alone does not exercise it.
    """
    examples = len(split.labels)
    rows = np.concatenate(
        [
            rng.permutation(np.arange(start, min(start + batch_size, examples)))
            for start in range(0, examples, batch_size)
        ]
    )
    return scenario.Split(
        inputs={name: values[rows] for name, values in split.inputs.items()},
        labels=split.labels[rows],
    )


def finite(value: Any) -> float | None:
    """``value``, or ``None`` for what JSON cannot hold."""
    return float(value) if math.isfinite(value) else None


def _named(training: str, stages: Mapping[Stage, Arrays]) -> Arrays:
    return {
        array_name(training, stage, quantity): values
        for stage, quantities in stages.items()
        for quantity, values in quantities.items()
    }
