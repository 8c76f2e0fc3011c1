"""The contract of training loops that do without Keras' trainer.

Two kinds fulfil it: a framework's loop around the Keras model (``harness.trial.backends``), and a
scenario's model in the framework's own code (``native_<backend>.py`` beside the scenario).
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any

from harness.records.cell import Scalar


class OwnLoop(abc.ABC):
    """Trains without Keras' trainer: many steps in one call, on batches that are already there."""

    @abc.abstractmethod
    def place(self, inputs: Any, labels: Any) -> Any:
        """Put batches of one size where :meth:`run` wants them.

        Args:
            inputs: NumPy arrays of shape ``[batches, batch_size, ...]``, in the tree in which the
                scenario gives them (by name, or a single array).
            labels: likewise.

        For a scenario with sample weights there is a third argument, likewise; a loop that does
        not take it is refused before training.
        """

    @abc.abstractmethod
    def run(self, batches: Any, start: int, stop: int) -> Any:
        """Train on the batches ``start`` to ``stop - 1`` of what :meth:`place` gave.

        Returns:
            A tensor of shape ``[batches]``, perhaps still being computed: the loss of each of these
            steps before its update. What stands at other places means nothing.
        """

    @abc.abstractmethod
    def tensors(self) -> Any:
        """Every tensor that training changes, in any tree; the clocks wait for them."""

    def engine(self) -> dict[str, Scalar | None]:
        """How it runs, for the record: what is compiled, and what with."""
        return {}


class NativeTraining(OwnLoop):
    """A scenario's model, loss and optimizer in one framework's own code, without Keras.

    It is made from the scenario's settings alone. State is exchanged in NumPy arrays, so that it
    starts from the common initial weights and is judged by the same evaluation as the other modes.
    ``trained`` is how many steps were trained before the state that :meth:`load` was given last,
    for optimizers that count.

    Raises:
        HarnessError: when made, for settings that the code does not know.
    """

    trained: int = 0

    @abc.abstractmethod
    def __init__(self, settings: Any) -> None: ...

    @abc.abstractmethod
    def load(self, weights: Sequence[Any], slots: Mapping[str, Sequence[Any]]) -> None:
        """Start from here.

        Args:
            weights: the trainable variables in the order of the Keras model, as NumPy arrays.
            slots: the optimizer's, ``slots[kind][i]`` for variable ``i``; kinds are called as in
                Keras (``accumulator``).
        """

    @abc.abstractmethod
    def state(self) -> tuple[list[Any], dict[str, list[Any]]]:
        """Weights and slots as they are now, as tensors in the order of :meth:`load`."""

    def tensors(self) -> Any:
        """The whole state."""
        return self.state()
