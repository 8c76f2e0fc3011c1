"""JAX: device, synchronisation, memory, input batches."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import jax
import numpy as np

from harness.backends import Backend
from harness.records.cell import Device, Scalar
from harness.scenario import Split
from harness.trial.backends import Adapter, Gradients, Placement

if TYPE_CHECKING:
    from harness.trial.loops.stateful import Stateful


class JaxAdapter(Adapter):
    """JAX through Keras' JAX backend."""

    backend: ClassVar[Backend] = "jax"

    def kinds(self) -> list[Device]:
        """CPU always, GPU where JAX started a CUDA or ROCm platform."""
        platforms = {device.platform for device in jax.devices()}
        return ["cpu", "gpu"] if "gpu" in platforms else ["cpu"]

    def use(self, device: Device, threads: int | None) -> None:
        """Make ``device`` the default. XLA's CPU threads are set by the launcher, by variable."""
        self.require(device)
        jax.config.update("jax_default_device", jax.devices(device)[0])

    def synchronize(self, values: Any) -> None:
        """``jax.block_until_ready``; JAX computes asynchronously, on a CPU too."""
        jax.block_until_ready(values)

    def placement(self, variable: Any) -> Placement:
        """The device that holds the variable's array."""
        device = next(iter(variable.value.devices()))
        if device.platform == "cpu":
            return Placement(kind="cpu", framework_id=str(device))
        limit = (device.memory_stats() or {}).get("bytes_limit")
        return Placement(
            kind="gpu", framework_id=str(device), name=device.device_kind, memory_bytes=limit
        )

    def batches(self, split: Split, batch_size: int) -> Any:
        """Batches cut once from the NumPy arrays."""
        from harness.trial.backends.batches import CachedBatches

        return CachedBatches(split, batch_size)

    def tuned_batches(self, split: Split, batch_size: int) -> Any:
        """Batches that are JAX arrays already, so that no step has to transfer one."""
        from harness.trial.backends.batches import CachedBatches

        return CachedBatches(split, batch_size, convert=jax.device_put)

    def tune(self, model: Any, steps: int) -> dict[str, Scalar | None]:
        """An epoch's steps in one call.

        Keras 3.15 loops over them in Python (``JAXTrainer.make_train_function``), so nothing more
        is compiled; but callbacks and the iterator are visited once, which brings the tutorial's
        step to 0.88 of ``fit``'s. ``fit`` compiles it anyway.
        """
        model.steps_per_execution = steps
        return {"input": "keras.utils.PyDataset of cached JAX arrays"}

    def custom_loop(self, model: Any) -> Stateful:
        """One compiled loop over the batches."""
        from harness.trial.backends.custom_loop_jax import JaxLoop

        return JaxLoop(model)

    def engine(self) -> dict[str, Scalar | None]:
        """JAX's own choices; its default precision on a GPU is TF32, on a CPU float32."""
        precision = jax.config.jax_default_matmul_precision or "default"
        platform = jax.default_backend()
        in_tf32 = precision in {"default", "high", "tensorfloat32"}
        return {
            "input": "keras.utils.PyDataset of cached batches",
            "matmul_precision": precision,
            **({"tf32": in_tf32} if platform == "gpu" else {}),
            "platform": platform,
        }

    def use_full_float32(self) -> None:
        """By the precision that each product asks for where none is named."""
        jax.config.update("jax_default_matmul_precision", "highest")

    def gradients(
        self,
        model: Any,
        inputs: Any,
        labels: Any,
        sample_weights: Any = None,
        note: Callable[[str], None] | None = None,
    ) -> Gradients:
        """``jax.value_and_grad`` of the function that Keras' ``JAXTrainer`` differentiates."""
        step = jax.value_and_grad(
            lambda trainable: model.compute_loss_and_updates(
                trainable,
                [variable.value for variable in model.non_trainable_variables],
                [variable.value for variable in model.metrics_variables],
                inputs,
                labels,
                sample_weights,
                training=True,
                optimizer_variables=[v.value for v in model.optimizer.variables],
            ),
            has_aux=True,
        )
        trained = [variable.value for variable in model.trainable_variables]
        listening: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
        # Keras compiles no step whose layers cannot be compiled, such as RandomCrop.
        if model.jit_compile and not model.run_eagerly:
            step = jax.jit(step)
            if note is not None:
                for operation in _random_operations(step.trace(trained).jaxpr):
                    note(operation)
        elif note is not None:
            listening = _draws_noted(note)
        # What is differentiated is the loss as the optimizer scales it; the plain one is beside it.
        with listening:
            (_, (loss, *_)), values = step(trained)
        return Gradients(loss=float(loss), values=[np.array(value) for value in values])

    def bring_up_to_date(self, model: Any) -> None:
        """``fit`` carries the state outside the model until it is asked for."""
        model.jax_state_sync()

    def peak_device_bytes(self) -> int | None:
        """``peak_bytes_in_use`` of the default device's allocator."""
        peaks = [
            (device.memory_stats() or {}).get("peak_bytes_in_use")
            for device in jax.devices()
            if device.platform != "cpu"
        ]
        return max((int(peak) for peak in peaks if peak is not None), default=None)


@contextlib.contextmanager
def _draws_noted(note: Callable[[str], None]) -> Iterator[None]:
    """Inside, what ``jax.random`` draws is noted: a step that is not compiled has no program."""

    def noted(name: str, draw: Callable[..., Any]) -> Callable[..., Any]:
        def drawn(*args: Any, **kwargs: Any) -> Any:
            note(f"jax {name}")
            return draw(*args, **kwargs)

        return drawn

    draws = {
        name: value
        for name, value in vars(jax.random).items()
        if callable(value) and not name.startswith("_") and name not in _OF_KEYS
    }
    try:
        for name, draw in draws.items():
            setattr(jax.random, name, noted(name, draw))
        yield
    finally:
        for name, draw in draws.items():
            setattr(jax.random, name, draw)


_OF_KEYS = frozenset(
    ("PRNGKey", "clone", "fold_in", "key", "key_data", "key_impl", "split", "wrap_key_data")
)
"""Functions of ``jax.random`` that make keys and draw nothing."""


def _random_operations(jaxpr: Any) -> Iterator[str]:
    """The primitives that make random bits, also inside of loops and functions."""
    for equation in jaxpr.eqns:
        if equation.primitive.name in {
            "random_bits",
            "threefry2x32",
            "rng_bit_generator",
            "rng_uniform",
        }:
            yield f"jax {equation.primitive.name}"
        for parameter in equation.params.values():
            for inner in parameter if isinstance(parameter, list | tuple) else [parameter]:
                found = getattr(inner, "jaxpr", inner)
                if hasattr(found, "eqns"):
                    yield from _random_operations(found)


ADAPTER = JaxAdapter()
