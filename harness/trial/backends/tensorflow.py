"""TensorFlow: device, synchronisation, memory, input batches."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import tensorflow as tf

from harness.record import Backend, Device, Scalar
from harness.scenario import Split
from harness.tree import map_leaves
from harness.trial.backends import Adapter, Gradients, Placement

if TYPE_CHECKING:
    from harness.trial.loops.stateful import Stateful


class TensorFlowAdapter(Adapter):
    """TensorFlow through Keras' TensorFlow backend."""

    backend: ClassVar[Backend] = "tensorflow"

    def kinds(self) -> list[Device]:
        """CPU always, GPU where TensorFlow found a device and its CUDA libraries."""
        return ["cpu", "gpu"] if tf.config.list_physical_devices("GPU") else ["cpu"]

    def use(self, device: Device, threads: int | None) -> None:
        """Hide the GPUs for ``cpu``; set both thread pools to ``threads``."""
        self.require(device)
        if device == "cpu":
            tf.config.set_visible_devices([], "GPU")
        if threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)

    def synchronize(self, values: Any) -> None:
        """Wait for all devices, with ``values`` among what they work at.

        To fetch a scalar of every tensor, as one also could, takes 4 ms for the eight variables of
        the tutorial's model on two cores, where a whole epoch takes 150 to 400; this takes 0.03.
        """
        tf.test.experimental.sync_devices()

    def placement(self, variable: Any) -> Placement:
        """The device in the variable's own device string."""
        framework_id = str(variable.value.device)
        if "GPU" not in framework_id.upper():
            return Placement(kind="cpu", framework_id=framework_id)
        details = tf.config.experimental.get_device_details(
            tf.config.list_physical_devices("GPU")[0]
        )
        return Placement(
            kind="gpu", framework_id=framework_id, name=details.get("device_name", "unknown GPU")
        )

    def batches(self, split: Split, batch_size: int) -> Any:
        """The tutorial's own pipeline: ``tf.data``, batched and cached."""
        return tf.data.Dataset.from_tensor_slices(split.batch).batch(batch_size).cache()

    def tuned_batches(self, split: Split, batch_size: int) -> Any:
        """The tutorial's pipeline, and the next batch fetched while one is trained on."""
        return self.batches(split, batch_size).prefetch(tf.data.AUTOTUNE)

    def tune(self, model: Any, steps: int) -> dict[str, Scalar | None]:
        """XLA, and an epoch's steps in one call: Keras loops inside the graph."""
        model.jit_compile = True
        model.steps_per_execution = steps
        return {"input": "tf.data, batched, cached and prefetched"}

    def custom_loop(self, model: Any) -> Stateful:
        """One compiled loop over the batches."""
        from harness.trial.backends.custom_loop_tensorflow import TensorFlowLoop

        return TensorFlowLoop(model)

    def left_out(self, model: Any) -> str | None:
        """A distribution strategy, which ``fit`` runs the step under."""
        if model._distribute_strategy is not None:  # noqa: SLF001 - Keras has no public word for "none was set"
            return "trains on one device, but the model was made under a tf.distribute strategy"
        return None

    def uncompiled(self, error: Exception) -> str | None:
        """What XLA says of an operation that it does not have, or of a shape that it must know."""
        if not isinstance(error, tf.errors.OpError | ValueError | NotImplementedError):
            return None
        text = str(error)
        if not re.search(r"XLA|jit_compile|compile[_ -]time|[Uu]ncompilable|tf2xla", text):
            return None
        # The operation comes last in a line that begins with what TensorFlow was doing.
        lines = [re.sub(r"\{\{.*?\}\}|^.*?_JIT: ", "", one).strip() for one in text.splitlines()]
        told = next((one for one in lines if re.search(r"XLA|compil|constant|OpKernel", one)), "")
        return f"TensorFlow's XLA cannot compile a training step of this model: {told[:200]}"

    def engine(self) -> dict[str, Scalar | None]:
        """TensorFlow's own choices."""
        return {
            "input": "tf.data, batched and cached",
            "tf32": bool(tf.config.experimental.tensor_float_32_execution_enabled()),
            "intra_op_threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
        }

    def gradients(
        self, model: Any, inputs: Any, labels: Any, sample_weights: Any = None
    ) -> Gradients:
        """A gradient tape, as in Keras' ``TensorFlowTrainer``; slices are summed at the end."""
        inputs, labels = map_leaves(tf.constant, (inputs, labels))
        if sample_weights is not None:
            sample_weights = map_leaves(tf.constant, sample_weights)
        # As `TensorFlowTrainer.train_step`: the argument goes only to a model whose call takes it.
        training = {"training": True} if model._call_has_training_arg else {}  # noqa: SLF001
        with tf.GradientTape() as tape:
            loss = model.compute_loss(
                x=inputs,
                y=labels,
                y_pred=model(inputs, **training),
                sample_weight=sample_weights,
                training=True,
            )
        found = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
        return Gradients(
            loss=float(loss),
            values=[None if g is None else np.array(tf.convert_to_tensor(g)) for g in found],
            shared_rows=any(
                isinstance(g, tf.IndexedSlices)
                and len(np.unique(g.indices.numpy())) < len(g.indices)
                for g in found
            ),
        )

    @contextlib.contextmanager
    def rows_summed_first(
        self, model: Any, by_hand: Mapping[str, Sequence[tuple[Any, float]]] | None = None
    ) -> Iterator[None]:
        """Densifies each ``tf.IndexedSlices`` on its way into the optimizer."""
        optimizer = model.optimizer
        apply = optimizer.apply

        def apply_summed(gradients: Any, variables: Any) -> Any:
            variables = list(variables)
            summed = []
            for gradient, variable in zip(gradients, variables, strict=True):
                value = gradient
                if isinstance(gradient, tf.IndexedSlices):
                    value = tf.convert_to_tensor(gradient)
                    for slot, ratio in (by_hand or {}).get(variable.path, ()):
                        # Slice by slice, as Keras adds them: in float32 a square may be too small
                        # to change an accumulator of 0.1, while the sum of several is not.
                        squares = ratio * tf.square(gradient.values)
                        slot.value.scatter_add(tf.IndexedSlices(squares, gradient.indices))
                        slot.assign_sub(ratio * tf.square(value))
                summed.append(value)
            return apply(summed, variables)

        optimizer.apply = apply_summed
        model.train_function = None  # it was traced with the optimizer as it was
        try:
            yield
        finally:
            del optimizer.apply
            model.train_function = None

    def inert_optimizer(self) -> Any:
        """Keeps the sum of every gradient: a graph drops what only a control edge needs.

        Of a ``tf.IndexedSlices`` the values alone, as many rows as there are examples.
        """
        from harness.trial.backends.inert import InertOptimizer

        return InertOptimizer(
            keep=lambda g: tf.reduce_sum(g.values if isinstance(g, tf.IndexedSlices) else g),
            shape=lambda _: (),
        )

    def peak_device_bytes(self) -> int | None:
        """Peak of the first GPU's allocator."""
        if not tf.config.get_visible_devices("GPU"):
            return None
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


ADAPTER = TensorFlowAdapter()
