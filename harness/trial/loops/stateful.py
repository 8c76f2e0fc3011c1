"""A loop of its own whose state comes from a Keras model and goes back there."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.loop import OwnLoop
from harness.scenario import Split


class Stateful(OwnLoop):
    """What a training takes from the model before it starts, and gives back."""

    @abc.abstractmethod
    def place(self, inputs: Any, labels: Any, sample_weights: Any = None) -> Any:
        """As :class:`OwnLoop` says; ``sample_weights`` is ``None`` where there are none."""

    @abc.abstractmethod
    def take(self) -> None:
        """Start from what the model and its optimizer hold now."""

    def rehearse(self, *batch: Any) -> None:
        """Find out whether a step can be compiled, without training one.

        Args:
            batch: inputs, labels and perhaps sample weights as for :meth:`place`, of one batch.

        Raises:
            HarnessError: if not, saying why. Whatever else is raised says so too.
        """
        return

    @abc.abstractmethod
    def put_back(self) -> None:
        """Write what training has made of it into the model and its optimizer."""

    def resume(self) -> None:
        """Take over what an evaluation has changed in the model since :meth:`put_back`.

        Those are variables that are not trained, such as the seeds of layers that draw then too.
        Nothing where the loop trains the model's own variables.
        """
        return


class Batches:
    """The batches of an epoch, placed for a loop in runs of equal size.

    The last batch may be smaller than the others; it is then a run of its own.

    Args:
        loop: places and trains.
        split: arrays of shape ``[examples, ...]``, in any tree.
        batch_size: examples in each batch.
    """

    def __init__(self, loop: OwnLoop, split: Split, batch_size: int) -> None:
        self._loop = loop
        examples = split.examples
        whole = examples // batch_size * batch_size
        self._sizes = [batch_size] * (whole // batch_size)
        self._runs: list[tuple[int, Any]] = []
        for first, last, size in ((0, whole, batch_size), (whole, examples, examples - whole)):
            if last > first:
                cut = split.map(_into_batches(slice(first, last), size))
                self._runs.append(((last - first) // size, loop.place(*cut.batch)))
        if whole < examples:
            self._sizes.append(examples - whole)

    def __len__(self) -> int:
        return len(self._sizes)

    def train(self, start: int, stop: int) -> list[tuple[int, int, Any]]:
        """Train on batches ``start`` to ``stop - 1``; what comes back is for :meth:`losses`."""
        done, first = [], 0
        for count, placed in self._runs:
            low, high = max(start - first, 0), min(stop - first, count)
            if low < high:
                done.append((low, high, self._loop.run(placed, low, high)))
            first += count
        return done

    @staticmethod
    def losses(done: Sequence[tuple[int, int, Any]]) -> NDArray[np.float64]:
        """The loss of each step of some calls of :meth:`train`; waits for them."""
        import keras

        parts = [keras.ops.convert_to_numpy(losses)[low:high] for low, high, losses in done]
        return np.concatenate(parts).astype(np.float64)

    def mean_loss(self, done: Sequence[tuple[int, int, Any]]) -> float:
        """The mean over the examples of an epoch, as Keras gives it."""
        return float(np.average(self.losses(done), weights=self._sizes))


def _into_batches(rows: slice, size: int) -> Callable[[Any], Any]:
    return lambda values: values[rows].reshape(-1, size, *values.shape[1:])
