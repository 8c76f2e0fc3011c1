"""How training runs: a way for each mode, all with the same clocks and the same evaluation.

Whatever the loop, the Keras model is what a scenario evaluates and predicts with: a loop that keeps
the state elsewhere puts it back into the model when it is asked to, outside of the clocks.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any

from harness.records.cell import Mode, Scalar
from harness.trial.prepared import Prepared

if TYPE_CHECKING:
    from harness.trial.loops.stateful import Stateful


class Loop(abc.ABC):
    """Trains one built and compiled model on one set of batches.

    ``first_step_s`` is how long the first call took that trained, in seconds, and ``first_steps``
    how many steps it made; both are there after the first training.
    """

    first_step_s: float
    first_steps: int

    @abc.abstractmethod
    def train(self, *, epochs: int, initial_epoch: int = 0, callbacks: list[Any]) -> None:
        """Train from epoch ``initial_epoch`` up to ``epochs``, or until ``model.stop_training``.

        Args:
            epochs: the epoch to stop before, counted from 0.
            initial_epoch: how many there were before.
            callbacks: Keras callbacks, whose hooks of epochs and of the whole training are called.
        """

    @abc.abstractmethod
    def synchronize(self) -> None:
        """Return when the device has finished all that training has asked of it."""

    def put_back(self) -> None:
        """Let the Keras model hold what training has made of it by now."""
        return

    def engine(self) -> dict[str, Scalar | None]:
        """How this loop runs, for the record."""
        return {}


def make(mode: Mode, prepared: Prepared) -> Loop:
    """The loop of a mode.

    Raises:
        HarnessError: if this scenario, backend or setting cannot run in this mode.
    """
    if mode in {"fit", "tuned"}:
        from harness.trial import refusal
        from harness.trial.loops.keras_fit import KerasFit

        refusal.require(mode, prepared)
        return KerasFit(prepared, tuned=mode == "tuned")
    from harness.trial.loops.own_fit import OwnFit

    return OwnFit(own_loop(mode, prepared), prepared)


def own_loop(mode: Mode, prepared: Prepared) -> Stateful:
    """The loop without Keras' trainer that ``mode`` names.

    Raises:
        HarnessError: if it cannot train this model as ``fit`` does.
    """
    from harness.trial import refusal

    refusal.require(mode, prepared)
    if mode == "custom_loop":
        return prepared.adapter.custom_loop(prepared.model)
    from harness.trial.loops.native import NativeLoop

    return NativeLoop(prepared)
