"""The ranking model in TensorFlow alone: one function, compiled whole by XLA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from harness.loop import NativeTraining

from .native import require_known

if TYPE_CHECKING:
    from harness.records.cell import Scalar

    from . import RankingSettings


class NativeTensorFlow(NativeTraining):
    """Two embeddings, three dense layers, mean squared error, Adagrad."""

    def __init__(self, settings: RankingSettings) -> None:
        require_known(settings)
        self._learning_rate = settings.learning_rate
        self._epsilon = settings.epsilon
        self._weights: list[Any] = []
        self._accumulators: list[Any] = []
        self._loop = tf.function(self._steps, jit_compile=True)

    def load(self, weights: Sequence[Any], slots: Mapping[str, Sequence[Any]]) -> None:
        """Make the variables, or set them to these values."""
        for variables, values in (
            (self._weights, weights),
            (self._accumulators, slots["accumulator"]),
        ):
            if variables:
                for variable, value in zip(variables, values, strict=True):
                    variable.assign(value)
            else:
                variables += [tf.Variable(value) for value in values]

    def state(self) -> tuple[list[Any], dict[str, list[Any]]]:
        """Weights and accumulators."""
        return self._weights, {"accumulator": self._accumulators}

    def place(self, inputs: Mapping[str, Any], labels: Any) -> Any:
        """All batches as three constants."""
        return tuple(tf.constant(v) for v in (inputs["user_id"], inputs["movie_id"], labels))

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

    def _steps(self, user_ids: Any, movie_ids: Any, labels: Any, start: Any, stop: Any) -> Any:
        def body(index: Any, losses: Any, weights: Any, accumulators: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(weights)
                loss = mean_squared_error(weights, user_ids[index], movie_ids[index], labels[index])
            # An embedding's gradient comes as one slice per example; summed by row it is dense.
            gradients = map(tf.convert_to_tensor, tape.gradient(loss, weights))
            updated = [
                _adagrad(w, g, a, self._learning_rate, self._epsilon)
                for w, g, a in zip(weights, gradients, accumulators, strict=True)
            ]
            losses = tf.tensor_scatter_nd_update(losses, [[index]], [loss])
            return index + 1, losses, [w for w, _ in updated], [a for _, a in updated]

        # Tensors go round the loop, not variables: XLA then keeps them in one place.
        state = (
            [tf.identity(v) for v in self._weights],
            [tf.identity(v) for v in self._accumulators],
        )
        losses = tf.zeros(tf.shape(labels)[:1], tf.float32)
        _, losses, *state = tf.while_loop(
            lambda index, *_: index < stop, body, (start, losses, *state)
        )
        for variables, values in zip((self._weights, self._accumulators), state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return losses


def mean_squared_error(weights: Any, user_id: Any, movie_id: Any, labels: Any) -> Any:
    """The loss of a batch, for ids and labels of shape ``[batch_size]``."""
    users, movies, kernel_1, bias_1, kernel_2, bias_2, kernel_3, bias_3 = weights
    hidden = tf.concat([tf.gather(users, user_id), tf.gather(movies, movie_id)], axis=1)
    hidden = tf.nn.relu(hidden @ kernel_1 + bias_1)
    hidden = tf.nn.relu(hidden @ kernel_2 + bias_2)
    predicted = (hidden @ kernel_3 + bias_3)[:, 0]
    return tf.reduce_mean((predicted - labels) ** 2)


def _adagrad(
    weight: Any, gradient: Any, accumulator: Any, learning_rate: float, epsilon: float
) -> tuple[Any, Any]:
    accumulator += gradient * gradient
    return weight - learning_rate * gradient * tf.math.rsqrt(accumulator + epsilon), accumulator
