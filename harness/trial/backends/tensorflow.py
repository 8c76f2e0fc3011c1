"""TensorFlow: device, synchronisation, memory, input batches."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.ops import (
    gen_random_ops,
    gen_stateful_random_ops,
    gen_stateless_random_ops,
    gen_stateless_random_ops_v2,
)

from harness.backends import Backend
from harness.records.cell import Device, Scalar
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

    def use_full_float32(self) -> None:
        """By TensorFlow's one switch for products and convolutions."""
        tf.config.experimental.enable_tensor_float_32_execution(False)

    def gradients(
        self,
        model: Any,
        inputs: Any,
        labels: Any,
        sample_weights: Any = None,
        note: Callable[[str], None] | None = None,
    ) -> Gradients:
        """A gradient tape, as in Keras' ``TensorFlowTrainer``; slices are summed at the end."""
        if note is not None:
            with _listening(note):
                return self.gradients(model, inputs, labels, sample_weights)
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
            scaled = model.optimizer.scale_loss(loss)
        found = tape.gradient(scaled, [variable.value for variable in model.trainable_variables])
        return Gradients(
            loss=float(loss),
            values=[None if g is None else np.array(tf.convert_to_tensor(g)) for g in found],
            shared_rows=any(
                isinstance(g, tf.IndexedSlices)
                and len(np.unique(g.indices.numpy())) < len(g.indices)
                for g in found
            ),
        )

    def listening(
        self, model: Any, note: Callable[[str], None]
    ) -> contextlib.AbstractContextManager[None]:
        """To all that is traced."""
        return _listening(note)

    @contextlib.contextmanager
    def rows_summed_first(self, model: Any, *, squares_of_slices: bool = False) -> Iterator[None]:
        """Densifies each ``tf.IndexedSlices`` on its way into the optimizer.

        Before anything else is done to it, or with ``squares_of_slices`` at the update: what the
        optimizer squares there is the slices, and Keras sums their squares in its own way.
        """
        optimizer = model.optimizer
        # To clip slices is a rule of its own, which this one must not explain.
        clips = optimizer.clipnorm or optimizer.clipvalue or optimizer.global_clipnorm
        method = "update_step" if squares_of_slices and not clips else "apply"
        original = getattr(optimizer, method)

        def apply(gradients: Any, variables: Any) -> Any:
            summed = [
                tf.convert_to_tensor(g) if isinstance(g, tf.IndexedSlices) else g for g in gradients
            ]
            return original(summed, variables)

        def update_step(gradient: Any, variable: Any, learning_rate: Any) -> Any:
            summed = tf.convert_to_tensor(gradient)
            with _squared(summed, gradient):
                return original(summed, variable, learning_rate)

        setattr(optimizer, method, update_step if method == "update_step" else apply)
        model.train_function = None  # it was traced with the optimizer as it was
        try:
            yield
        finally:
            delattr(optimizer, method)
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


@contextlib.contextmanager
def _listening(note: Callable[[str], None]) -> Iterator[None]:
    """Notes every random operation: TensorFlow makes all of them by these modules' functions."""
    modules = (
        gen_random_ops,
        gen_stateful_random_ops,
        gen_stateless_random_ops,
        gen_stateless_random_ops_v2,
    )
    earlier = [
        (module, name, function)
        for module in modules
        for name, function in vars(module).items()
        if callable(function)
        and name.islower()
        and not name.startswith("_")
        and getattr(function, "__module__", module.__name__) == module.__name__
    ]

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            note(f"tf {name}")
            return function(*args, **kwargs)

        return operation

    try:
        for module, name, function in earlier:
            setattr(module, name, noting(name, function))
        yield
    finally:
        for module, name, function in earlier:
            setattr(module, name, function)


@contextlib.contextmanager
def _squared(summed: tf.Tensor, slices: Any) -> Iterator[None]:
    """Inside, ``keras.ops.square`` of ``summed`` is that of ``slices``, which it is the sum of.

    Every optimizer of Keras 3.15 squares by that function.
    """
    modules = (keras.ops, keras.src.ops, keras.src.ops.numpy)
    square = keras.src.ops.numpy.square
    for module in modules:
        module.square = lambda x: square(slices if x is summed else x)
    try:
        yield
    finally:
        for module in modules:
            module.square = square


ADAPTER = TensorFlowAdapter()
