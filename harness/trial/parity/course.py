"""The trainings of one process, one after the other on the same model, and what is kept of them."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness import scenario
from harness.records.cell import Mode
from harness.records.parity import (
    AS_IT_IS,
    SPARSE_DUPLICATES,
    Stage,
    Training,
    array_name,
    perturbed,
)
from harness.trial.clock import finite
from harness.trial.parity import optimizer, watched
from harness.trial.parity.outputs import outputs_of_layers
from harness.trial.parity.random_numbers import reordered_rows
from harness.trial.parity.randomness import Randomness
from harness.trial.parity.state import State
from harness.trial.prepared import Prepared

Arrays = dict[str, NDArray[Any]]

ORDER_MATTERS = 1e-2
"""By what part of their length the first batch's gradients change where examples depend on their
place. Round-off is a ten-thousandth of that; masks that do not follow their examples change more
than a tenth."""


class Course:
    """Trains one model as often as parity needs.

    Args:
        prepared: what to train; every training starts from its model's weights as they are now.
        mode: how.
        seed: of the random numbers that its layers draw.
    """

    def __init__(self, prepared: Prepared, mode: Mode, seed: int) -> None:
        self._adapter = prepared.adapter
        self._split = prepared.data.train
        self._batch_size = prepared.settings.batch_size
        examples = self._split.examples
        self._rows = frozenset({min(self._batch_size, examples), examples % self._batch_size} - {0})
        self.randomness = Randomness(
            prepared.model, seed, self._rows, prepared.adapter.outside_compiler
        )
        self.state = State(prepared.model)
        self.watch = watched.make(mode, prepared, self.state, self.randomness.in_place)
        # A state that passes from one batch to the next belongs to a place in the batch.
        self.reordered = not self.state.unlisted

    def run(self, perturbations: int) -> tuple[list[Training], Arrays, bool]:
        """All trainings, their arrays, and whether examples shared rows of sparse gradients."""
        with self.randomness.common():
            return self._run(perturbations)

    def _run(self, perturbations: int) -> tuple[list[Training], Arrays, bool]:
        model = self.state.model
        before = _generators()
        # Where a step is compiled by `torch.compile`, what listens would be compiled too.
        listens = isinstance(self.watch, watched.WatchedFit) and not model.jit_compile
        plainly = contextlib.nullcontext()
        with self._adapter.listening(model, self.randomness.note_own) if listens else plainly:
            plain, base, shared_rows = self._train_once(AS_IT_IS)
        for name, state in _generators().items():
            if state != before[name]:
                self.randomness.note_own(name)
        # A loop of its own decides by itself what becomes of them.
        shared_rows = shared_rows and isinstance(self.watch, watched.WatchedFit)
        trainings, arrays = [plain], _named(AS_IT_IS, base)
        for number in range(1, perturbations + 1):
            name = perturbed(number)
            moved, found, _ = self._train_once(name, moved=number, base=base)
            drift = {
                f"{stage}/{quantity}": finite(np.abs(value - base[stage][quantity]).max())
                for stage, values in found.items()
                for quantity, value in values.items()
            }
            trainings.append(msgspec.structs.replace(moved, drift=drift))
            arrays |= self._alone(name, number)
        arrays |= self._alone(AS_IT_IS)
        if shared_rows:
            for name, of_slices in (
                (SPARSE_DUPLICATES.without, False),
                (SPARSE_DUPLICATES.predicted, True),
            ):
                with self._adapter.rows_summed_first(model, squares_of_slices=of_slices):
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
        self, name: str, moved: int | None = None, base: Mapping[Stage, Arrays] | None = None
    ) -> tuple[Training, dict[Stage, Arrays], bool]:
        split, order = self._split, 0
        if moved is not None and self.reordered:
            split, order = self._in_another_order(moved)
        self._restart(moved, order)
        arrays: dict[Stage, Arrays] = {"start": self.state.read()}
        shared_rows, first_loss = False, None
        if self.watch.of_keras:
            arrays["first-batch"], shared_rows, first_loss = self._first_batch(
                split, listen=moved is None
            )
            if base and self.reordered and not _near(arrays["first-batch"], base["first-batch"]):
                # Examples depend on their place: in another order this is another training.
                self.reordered = False
                return self._train_once(name, moved, base)
            # In their own order, so that outputs are those of the same examples.
            self._restart(moved, 0)
            inputs = self._first_of(self._split).batch[0]
            arrays["layers"] = outputs_of_layers(self.state.model, inputs)
            self._restart(moved, order)
        elif moved is None:
            self._draws_of_keras(split)
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

    def _restart(self, moved: int | None, order: int) -> None:
        self.state.restart(moved)
        self.randomness.restart(order)

    def _in_another_order(self, number: int) -> tuple[scenario.Split, int]:
        """The batches of a moved training, and the order that the rows of random numbers take."""
        if not self.randomness.draws:
            rng = np.random.default_rng(number)
            return reordered(self._split, self._batch_size, rng), 0
        order = self.randomness.order_of(number)
        return reordered(self._split, self._batch_size, AffineOrder(order)), order

    def _draws_of_keras(self, split: scenario.Split) -> None:
        """Note what the Keras model draws, since native code has to draw that by itself."""
        self._first_batch(split)
        self._restart(None, 0)
        for draw in self.randomness.draws:
            self.randomness.not_served[
                f"{draw.layer}: native code draws {draw.function} itself"
            ] = None

    def _first_of(self, split: scenario.Split) -> scenario.Split:
        return split.map(lambda values: values[: self._batch_size])

    def _first_batch(
        self, split: scenario.Split, *, listen: bool = False
    ) -> tuple[Arrays, bool, float]:
        """The gradients of the Keras model, by the names of their variables, and the loss."""
        model, state = self.state.model, self.state
        first = self._first_of(split)
        listener = {"note": self.randomness.note_own} if listen else {}
        gradients = self._adapter.gradients(model, *first.batch, **listener)
        by_name = {
            f"gradient of {state.name(variable)}": (
                np.zeros(variable.shape, np.float32) if value is None else value
            )
            for variable, value in zip(model.trainable_variables, gradients.values, strict=True)
        }
        return by_name, gradients.shared_rows, gradients.loss


class Permutation(Protocol):
    """Puts row numbers in another order, as NumPy's generators do."""

    def permutation(self, rows: NDArray[np.intp], /) -> NDArray[np.intp]:
        """``rows`` in another order."""


@dataclass(frozen=True)
class AffineOrder:
    """The order that the rows of random numbers take too, see :func:`reordered_rows`."""

    order: int

    def permutation(self, rows: NDArray[np.intp], /) -> NDArray[np.intp]:
        """``rows`` in this order."""
        return rows[reordered_rows(len(rows), self.order)]


def reordered(split: scenario.Split, batch_size: int, rng: Permutation) -> scenario.Split:
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


def _generators() -> dict[str, Any]:
    """States of generators that a layer may draw from behind Keras' back."""
    numpy_state = dict(np.random.get_state(legacy=False))  # noqa: NPY002 - this is the one that is watched
    return {
        "Python's random": random.getstate(),
        "NumPy's np.random": repr(numpy_state["state"]) + str(numpy_state["state"]["key"].sum()),
    }


def _near(first: Arrays, second: Arrays) -> bool:
    """Whether two sets of gradients differ by less than :data:`ORDER_MATTERS` of their length."""
    apart = math.sqrt(
        sum(float(np.sum(np.square(first[n] - second[n], dtype=float))) for n in first)
    )
    length = math.sqrt(sum(float(np.sum(np.square(each, dtype=float))) for each in second.values()))
    # What is no finite number tells nothing.
    return not apart > ORDER_MATTERS * length


def _named(training: str, stages: Mapping[Stage, Arrays]) -> Arrays:
    return {
        array_name(training, stage, quantity): values
        for stage, quantities in stages.items()
        for quantity, values in quantities.items()
    }
