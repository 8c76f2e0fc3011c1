"""The Keras model and optimizer under one compiled TensorFlow loop.

Source: https://keras.io/guides/writing_a_custom_training_loop_in_tensorflow/ for the step; around
it stands a ``tf.while_loop`` in a function that XLA compiles whole.
"""

from __future__ import annotations

import re
from typing import Any

import tensorflow as tf

from harness.errors import RefusedError
from harness.records.cell import Scalar
from harness.tree import first_leaf, map_leaves
from harness.trial.loops.stateful import Stateful
from harness.trial.slots import build_optimizer

BOUNDED_SIZE = re.compile(r"\[[^\]]*<=\d")
"""How XLA writes a size of which it knows the bound alone: ``f32[2,<=9,<=7,1]``."""


class TensorFlowLoop(Stateful):
    """Trains a compiled Keras model in a ``tf.while_loop`` under XLA.

    Gradients of embeddings are summed by row before the optimizer sees them, as on the other two
    backends: XLA has no use for slices, and Keras would square each of them by itself. Metrics
    other than the loss are not computed while training.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        build_optimizer(model)
        self._loop = tf.function(self._steps, jit_compile=True)

    def take(self) -> None:
        """Nothing: the loop trains the model's own variables."""

    def put_back(self) -> None:
        """Nothing either."""

    def place(self, inputs: Any, labels: Any, sample_weights: Any = None) -> Any:
        """As constants."""
        batches = (inputs, labels) if sample_weights is None else (inputs, labels, sample_weights)
        return map_leaves(tf.constant, batches)

    def run(self, batches: Any, start: int, stop: int) -> Any:
        """One call for all of them; the bounds are tensors, so that it is compiled once."""
        return self._loop(batches, tf.constant(start), tf.constant(stop))

    def rehearse(self, *batch: Any) -> None:
        """Let XLA translate the loop, which it refuses for operations that it does not have.

        Raises:
            RefusedError: for a size that is known only when the step runs. Inside a loop XLA knows
                no more of it than a bound, and resizes an image by that (RandomCrop; Keras 3.15,
                TensorFlow 2.21).
        """
        arguments = (self.place(*batch), tf.constant(0), tf.constant(1))
        translated = self._loop.experimental_get_compiler_ir(*arguments)(stage="hlo")
        if BOUNDED_SIZE.search(str(translated)):
            raise RefusedError(
                "a size in a step of this model is known only when it runs, which XLA does not "
                "compute with as TensorFlow does; run it in the modes fit or tuned"
            )

    def tensors(self) -> Any:
        """The model's variables and the optimizer's."""
        return [v.value for v in (*self._model.variables, *self._model.optimizer.variables)]

    def engine(self) -> dict[str, Scalar | None]:
        """A compiled loop."""
        return {
            "loop": "tf.while_loop, one call for an epoch",
            "jit_compile": True,
            "input": "constants of all batches",
            "embedding_gradients": "summed by row",
            "training_metrics": False,
        }

    def _steps(self, batches: Any, start: Any, stop: Any) -> Any:
        losses = tf.zeros(tf.shape(first_leaf(batches[1]))[:1], tf.float32)

        def body(index: Any, losses: Any) -> Any:
            loss = self._step(*map_leaves(lambda values: tf.gather(values, index), batches))
            return index + 1, tf.tensor_scatter_nd_update(losses, [[index]], [loss])

        return tf.while_loop(lambda index, _: index < stop, body, (start, losses))[1]

    def _step(self, inputs: Any, labels: Any, sample_weights: Any = None) -> Any:
        model = self._model
        # As `TensorFlowTrainer.train_step`: the argument goes only to a model whose call takes it.
        training = {"training": True} if model._call_has_training_arg else {}  # noqa: SLF001
        with tf.GradientTape() as tape:
            # The wrapper is for a `compute_loss` of the model's own, which may know no `training`.
            loss = model._compute_loss(  # noqa: SLF001 - what Keras' trainer calls
                x=inputs,
                y=labels,
                y_pred=model(inputs, **training),
                sample_weight=sample_weights,
                training=True,
            )
            scaled = model.optimizer.scale_loss(loss)
        variables = model.trainable_variables
        gradients = tape.gradient(scaled, [variable.value for variable in variables])
        model.optimizer.apply_gradients(
            zip(
                [None if g is None else tf.convert_to_tensor(g) for g in gradients],
                variables,
                strict=True,
            )
        )
        return loss
