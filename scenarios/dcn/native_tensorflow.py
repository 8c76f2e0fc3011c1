"""The deep and cross network in TensorFlow alone: one function, compiled whole by XLA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from harness.loop import NativeTraining

from .native import BETA_1, BETA_2, CROSSED, EPSILON, SLOTS, WEIGHT_DECAY, parts, require_known

if TYPE_CHECKING:
    from harness.records.cell import Scalar

    from . import DcnSettings


class NativeTensorFlow(NativeTraining):
    """Six embeddings, a layer of crosses, dense layers, mean squared error, AdamW."""

    def __init__(self, settings: DcnSettings) -> None:
        require_known(settings)
        self._learning_rate = settings.learning_rate
        self._crossed = CROSSED[settings.structure]
        self._state: list[list[Any]] = []
        self._step: Any = None
        self._loop = tf.function(self._steps, jit_compile=True)

    def load(self, weights: Sequence[Any], slots: Mapping[str, Sequence[Any]]) -> None:
        """Make the variables, or set them to these values."""
        values = [weights, *(slots[kind] for kind in SLOTS)]
        if not self._state:
            self._state = [[tf.Variable(value) for value in kind] for kind in values]
            self._step = tf.Variable(0.0)
        for variables, given in zip(self._state, values, strict=True):
            for variable, value in zip(variables, given, strict=True):
                variable.assign(value)
        self._step.assign(float(self.trained))

    def state(self) -> tuple[list[Any], dict[str, list[Any]]]:
        """Weights and moments."""
        weights, *moments = self._state
        return weights, dict(zip(SLOTS, moments, strict=True))

    def place(self, inputs: Mapping[str, Any], labels: Any) -> Any:
        """All batches as constants, the features side by side."""
        return [tf.constant(values) for values in inputs.values()], tf.constant(labels)

    def run(self, batches: Any, start: int, stop: int) -> Any:
        """One call; the bounds are tensors, so that it is compiled once."""
        return self._loop(*batches, tf.constant(start), tf.constant(stop))

    def engine(self) -> dict[str, Scalar | None]:
        """How it runs."""
        return {
            "loop": "tf.while_loop, one call for an epoch",
            "jit_compile": True,
            "input": "constants of all batches",
        }

    def _steps(self, features: Any, labels: Any, start: Any, stop: Any) -> Any:
        def body(index: Any, losses: Any, step: Any, state: Any) -> Any:
            weights, first, second = state
            with tf.GradientTape() as tape:
                tape.watch(weights)
                loss = self._loss(weights, [column[index] for column in features], labels[index])
            # An embedding's gradient comes as one slice per example; summed by row it is dense.
            gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, weights)]
            step += 1.0
            rate = self._learning_rate * tf.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
            first = [m + (g - m) * (1 - BETA_1) for m, g in zip(first, gradients, strict=True)]
            second = [
                v + (g * g - v) * (1 - BETA_2) for v, g in zip(second, gradients, strict=True)
            ]
            weights = [
                w * (1 - WEIGHT_DECAY * self._learning_rate) - rate * m / (tf.sqrt(v) + EPSILON)
                for w, m, v in zip(weights, first, second, strict=True)
            ]
            losses = tf.tensor_scatter_nd_update(losses, [[index]], [loss])
            return index + 1, losses, step, [weights, first, second]

        # Tensors go round the loop, not variables: XLA then keeps them in one place.
        state = [[tf.identity(variable) for variable in kind] for kind in self._state]
        losses = tf.zeros(tf.shape(labels)[:1], tf.float32)
        _, losses, step, state = tf.while_loop(
            lambda index, *_: index < stop,
            body,
            (start, losses, tf.identity(self._step), state),
        )
        for variables, values in zip(self._state, state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        self._step.assign(step)
        return losses

    def _loss(self, weights: Any, features: Any, labels: Any) -> Any:
        tables, cross, dense = parts(weights, self._crossed)
        embedded = [tf.gather(table, ids) for table, ids in zip(tables, features, strict=True)]
        x = tf.concat(embedded, axis=1)
        if cross:
            *kernels, bias = cross
            crossed = x
            for kernel in kernels:
                crossed = crossed @ kernel
            x = x * (crossed + bias) + x
        for kernel, bias in dense[:-1]:
            x = tf.nn.relu(x @ kernel + bias)
        kernel, bias = dense[-1]
        return tf.reduce_mean(((x @ kernel + bias)[:, 0] - labels) ** 2)
