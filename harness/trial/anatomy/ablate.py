"""What is taken out of a ``fit`` step, one thing at a time.

Keras has no switches for these. What is replaced here is as little as takes one thing away; the
rest of ``fit`` runs as it is. Sources: Keras 3.15.1, ``backend/<name>/trainer.py``,
``trainers/epoch_iterator.py``, ``callbacks/callback_list.py``.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import msgspec
import numpy as np
from keras.src.trainers.epoch_iterator import EpochIterator
from keras.src.utils.tracking import DotNotTrackScope

from harness.scenario import Split
from harness.tree import map_leaves


@contextlib.contextmanager
def without_callbacks() -> Iterator[None]:
    """Inside, nothing happens before and after a step; hooks of epochs stay.

    ``fit`` calls them on every step even if no callback overrides them: they turn the logs into
    Python numbers, on JAX and PyTorch in another thread, on TensorFlow while training waits.
    """
    kind = keras.callbacks.CallbackList
    earlier = {name: vars(kind)[name] for name in ("on_train_batch_begin", "on_train_batch_end")}
    try:
        for name in earlier:
            setattr(kind, name, _nothing)
        yield
    finally:
        for name, hook in earlier.items():
            setattr(kind, name, hook)


class BatchesAtHand:
    """Replays the batches of a ``fit`` from the device's memory, with no pipeline before them.

    They are those that the pipeline gave in its first epoch, in that order, the last one smaller if
    it was. ``EpochIterator._get_iterator`` makes the pipeline of an epoch on every backend.
    """

    def __init__(self) -> None:
        self._batches: list[Any] | None = None

    @contextlib.contextmanager
    def replayed(self) -> Iterator[None]:
        """Inside, every ``fit`` gets these batches, whatever it was given."""
        kinds = [EpochIterator, *EpochIterator.__subclasses__()]
        earlier = {
            kind: vars(kind)["_get_iterator"] for kind in kinds if "_get_iterator" in vars(kind)
        }
        try:
            for kind, original in earlier.items():
                kind._get_iterator = self._in_place_of(original)  # noqa: SLF001 - the only seam
            yield
        finally:
            for kind, original in earlier.items():
                kind._get_iterator = original  # noqa: SLF001

    def _in_place_of(self, original: Callable[[Any], Any]) -> Callable[[Any], Iterator[Any]]:
        def batches(epoch: Any) -> Iterator[Any]:
            if self._batches is None:
                given = itertools.islice(iter(original(epoch)), epoch.num_batches)
                self._batches = [keras.tree.map_structure(_on_device, batch) for batch in given]
                if keras.backend.backend() == "tensorflow":
                    # A graph takes a batch size that it has never seen change for a constant,
                    # while the pipeline of `fit` leaves it open.
                    doubled = keras.tree.map_structure(_twice, self._batches[0])
                    return itertools.chain([doubled], self._batches)
            return iter(self._batches)

        return batches


class NoLoss(keras.metrics.Metric):
    """Stands where Keras keeps the mean loss; every trainer updates it, so it cannot be left out.

    TensorFlow cannot return empty logs from a graph, so it has a result, which never changes.
    """

    def __init__(self) -> None:
        super().__init__(name="loss")

    def update_state(self, *_: Any, **__: Any) -> None:
        """Do nothing."""

    def result(self) -> float:
        """Zero."""
        return 0.0


def strip_metrics(model: keras.Model) -> None:
    """Take the loss tracker and the compiled metrics from a model that was not trained yet.

    Metrics that a model updates by itself stay; they are a part of its computation.
    """
    with DotNotTrackScope():
        model._compile_metrics = None  # noqa: SLF001 - a second `compile` would change more
        model._loss_tracker = NoLoss()  # noqa: SLF001


def replace_optimizer(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    """Give a model that was not trained yet another optimizer, the rest of ``compile`` as it is."""
    optimizer.build(model.trainable_variables)
    with DotNotTrackScope():
        model.optimizer = optimizer


@contextlib.contextmanager
def one_row_tables() -> Iterator[None]:
    """Inside, every ``keras.layers.Embedding`` that is built gets a single row.

    On JAX and PyTorch the gradient of a table is as large as the table, also for one example. With
    ten million rows that would pass for dispatch.
    """
    kind = keras.layers.Embedding
    original = kind.build

    def with_one_row(self: Any, *arguments: Any, **named: Any) -> None:
        self.input_dim = 1
        original(self, *arguments, **named)

    try:
        kind.build = with_one_row
        yield
    finally:
        kind.build = original


def one_example(split: Split, steps: int) -> Split:
    """The first example ``steps`` times, its ids set to 0, which every table has."""

    def repeated(values: Any) -> Any:
        first = np.asarray(values[:1])
        return np.repeat(first, steps, axis=0)

    def of_row_zero(values: Any) -> Any:
        return repeated(np.zeros_like(values[:1]) if values.dtype.kind in "iu" else values)

    inputs = map_leaves(of_row_zero, split.inputs)
    return msgspec.structs.replace(split.map(repeated), inputs=inputs)


def _nothing(self: Any, batch: int, logs: Any = None) -> None:
    """Stands for a hook of ``CallbackList``."""


def _twice(value: Any) -> Any:
    return None if value is None else keras.ops.concatenate([value, value])


def _on_device(value: Any) -> Any:
    return None if value is None else keras.ops.convert_to_tensor(value)
