"""One module per backend: device, synchronisation, memory, input batches.

``load("torch")`` imports the adapter and with it the framework, and no other framework.
"""

from __future__ import annotations

import abc
import contextlib
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

import msgspec

from harness.backends import BACKENDS, Backend
from harness.errors import UnavailableError
from harness.records.cell import Device, Scalar
from harness.scenario import Split
from harness.words import unknown

if TYPE_CHECKING:
    from harness.trial.loops.stateful import Stateful


class DeviceUnavailableError(UnavailableError):
    """The framework has no usable device of the kind that was asked for."""


class Placement(msgspec.Struct, frozen=True, kw_only=True):
    """Where a variable lives; see :class:`harness.records.machine.DeviceInfo`."""

    kind: Device
    framework_id: str
    name: str | None = None
    memory_bytes: int | None = None


class Gradients(msgspec.Struct, frozen=True, kw_only=True):
    """Loss and gradients of one batch, as training computes them.

    ``values`` are arrays in the order of ``model.trainable_variables``, ``None`` where the loss
    does not depend on a variable. ``shared_rows`` tells that a gradient came as one slice per
    example, and that examples shared a row.
    """

    loss: float
    values: list[Any]
    shared_rows: bool = False


class Adapter(abc.ABC):
    """What the harness needs of a framework beyond what Keras offers for all."""

    backend: ClassVar[Backend]

    @abc.abstractmethod
    def kinds(self) -> list[Device]:
        """The kinds of device that the framework can use in this process."""

    @abc.abstractmethod
    def use(self, device: Device, threads: int | None) -> None:
        """Choose the device and the CPU threads, before any variable is made."""

    @abc.abstractmethod
    def synchronize(self, values: Any) -> None:
        """Return when the device has finished computing ``values``, a tree of tensors."""

    @abc.abstractmethod
    def placement(self, variable: Any) -> Placement:
        """Where the Keras ``variable`` really lives."""

    @abc.abstractmethod
    def batches(self, split: Split, batch_size: int) -> Any:
        """Batches cut and kept once, what the tutorial writes as ``.batch(1000).cache()``."""

    @abc.abstractmethod
    def tuned_batches(self, split: Split, batch_size: int) -> Any:
        """The same batches in the form from which Keras' ``fit`` trains fastest here."""

    @abc.abstractmethod
    def tune(self, model: Any, steps: int) -> dict[str, Scalar | None]:
        """Give a compiled model the settings of ``fit`` that are fastest here.

        Args:
            model: compiled, and not yet trained.
            steps: training steps of an epoch.

        Returns:
            What was set, for the record.
        """

    @abc.abstractmethod
    def custom_loop(self, model: Any) -> Stateful:
        """The framework's own loop around the Keras model and its optimizer.

        Raises:
            HarnessError: if the model has something that such a loop cannot carry.
        """

    def require_compiler(self, model: Any) -> None:
        """Refuse a model whose step the framework could not compile, before anything is trained.

        Raises:
            UnavailableError: saying what is missing.
        """
        return

    def left_out(self, model: Any) -> str | None:
        """What of a model :meth:`custom_loop` would leave out, in words; ``None`` for nothing.

        The words go on from "custom_loop".
        """
        return None

    def watch_recompilation(self, *, on: bool) -> None:
        """While on, a compiler that gives up on a step raises instead of going on without it."""
        return

    def compiled_frames(self) -> int:
        """A count that grows whenever something is compiled; constant where nobody counts."""
        return 0

    def recompiled(self) -> str:
        """What is compiled again and again, and why, in words."""
        return ""

    def uncompiled(self, error: Exception) -> str | None:
        """Why the framework could not compile a step, in one line.

        Args:
            error: what the first steps raised.

        Returns:
            ``None`` if the error says nothing about compiling.
        """
        return None

    @abc.abstractmethod
    def engine(self) -> dict[str, Scalar | None]:
        """How the framework runs here: threads, precision of matrix products, input pipeline."""

    @abc.abstractmethod
    def use_full_float32(self) -> None:
        """Multiply float32 matrices in float32 on a GPU too, and not in TF32."""

    def random_state(self) -> bytes:
        """The state of the framework's own generator, where Keras lets layers draw from it."""
        return b""

    def random_state_kept(self) -> contextlib.AbstractContextManager[None]:
        """Whatever draws inside leaves :meth:`random_state` as it was."""
        return contextlib.nullcontext()

    def peak_device_bytes(self) -> int | None:
        """Peak memory on the device, ``None`` on a CPU."""
        return None

    @abc.abstractmethod
    def gradients(
        self,
        model: Any,
        inputs: Any,
        labels: Any,
        sample_weights: Any = None,
        note: Callable[[str], None] | None = None,
    ) -> Gradients:
        """Loss and gradients of one batch, the way Keras' own trainer comes to them.

        Args:
            model: built and compiled.
            inputs: NumPy arrays of shape ``[batch_size, ...]``, in any tree.
            labels: likewise.
            sample_weights: likewise, or ``None``.
            note: is told of each of the framework's own random operations on the way.

        What the forward pass changes in the model (batch statistics, seeds) stays changed.
        """

    def outside_compiler(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function`` as the framework's compiler leaves it alone, if it traces Python code."""
        return function

    def listening(
        self, model: Any, note: Callable[[str], None]
    ) -> contextlib.AbstractContextManager[None]:
        """Inside, ``note`` is told of random operations that a training step makes by itself.

        Less closely than :meth:`gradients` listens, but to the whole of ``fit``.
        """
        return contextlib.nullcontext()

    def bring_up_to_date(self, model: Any) -> None:
        """Let the model's variables be read in the middle of ``fit``."""
        return

    def rows_summed_first(
        self, model: Any, *, squares_of_slices: bool = False
    ) -> contextlib.AbstractContextManager[None]:
        """Inside, the model's optimizer gets every gradient with the slices of a row summed.

        Args:
            model: is compiled anew at both ends, and keeps its variables.
            squares_of_slices: whether the optimizer's squares are nevertheless those of the slices.
        """
        return contextlib.nullcontext()

    def inert_optimizer(self) -> Any:
        """A Keras optimizer that changes nothing, but leaves no compiler without use of a gradient.

        Here each gradient is written where the slot of a real optimizer would be: what a compiled
        step returns is written somewhere in any case, so that this costs nothing more.
        """
        from harness.trial.backends.inert import InertOptimizer

        return InertOptimizer(keep=lambda gradient: gradient)

    def require(self, device: Device) -> None:
        """Raise :class:`DeviceUnavailableError` unless ``device`` can be used here."""
        kinds = self.kinds()
        if device not in kinds:
            raise DeviceUnavailableError(
                f"{self.backend} has no usable {device} here, only {', '.join(kinds)}; "
                f"run with --device {kinds[0]}, or install the GPU environment (tox -e "
                f"{'tf' if self.backend == 'tensorflow' else self.backend}-gpu) and its driver"
            )


def load(backend: str) -> Adapter:
    """The adapter of ``backend``; imports the framework.

    Raises:
        UnavailableError: if the framework is not installed in this interpreter.
    """
    if backend not in BACKENDS:
        raise UnavailableError(unknown("backend", backend, list(BACKENDS)))
    try:
        module = importlib.import_module(f"harness.trial.backends.{backend}")
    except ModuleNotFoundError as error:
        if error.name != backend:
            raise
        environment = "tf" if backend == "tensorflow" else backend
        raise UnavailableError(
            f"this interpreter has no {backend}; use the environment made by "
            f"`tox -e {environment} --notest`"
        ) from None
    return cast("Adapter", module.ADAPTER)
