"""Both stages in TensorFlow alone: one function, compiled whole by XLA."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from harness.loop import NativeTraining

from .native import EPSILON, require_known

if TYPE_CHECKING:
    from harness.records.cell import Scalar

    from . import TwoStageSettings


class NativeTensorFlow(NativeTraining):
    """Two towers under a softmax, two embeddings and three dense layers under MSE, Adagrad."""

    def __init__(self, settings: TwoStageSettings) -> None:
        require_known(settings)
        self._learning_rate = settings.learning_rate
        self._weights: list[Any] = []
        self._accumulators: list[Any] = []
        self._loop = tf.function(self._steps, jit_compile=True)

    def load(self, weights: Sequence[Any], slots: Mapping[str, Sequence[Any]]) -> None:
        """Make the variables, or set them to these values."""
        values = (*weights, *slots["accumulator"])
        if not self._weights:
            self._weights = [tf.Variable(value) for value in weights]
            self._accumulators = [tf.Variable(value) for value in slots["accumulator"]]
        for variable, value in zip((*self._weights, *self._accumulators), values, strict=True):
            variable.assign(value)

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
                loss = both_losses(weights, user_ids[index], movie_ids[index], labels[index])
            # An embedding's gradient comes as one slice per example; summed by row it is dense.
            gradients = [tf.convert_to_tensor(g) for g in tape.gradient(loss, weights)]
            accumulators = [a + g * g for a, g in zip(accumulators, gradients, strict=True)]
            weights = [
                w - self._learning_rate * g * tf.math.rsqrt(a + EPSILON)
                for w, g, a in zip(weights, gradients, accumulators, strict=True)
            ]
            losses = tf.tensor_scatter_nd_update(losses, [[index]], [loss])
            return index + 1, losses, weights, accumulators

        # Tensors go round the loop, not variables: XLA then keeps them in one place.
        kinds = (self._weights, self._accumulators)
        state = [[tf.identity(variable) for variable in kind] for kind in kinds]
        losses = tf.zeros(tf.shape(labels)[:1], tf.float32)
        _, losses, *state = tf.while_loop(
            lambda index, *_: index < stop, body, (start, losses, *state)
        )
        for variables, values in zip(kinds, state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        return losses


def both_losses(weights: Any, user_id: Any, movie_id: Any, labels: Any) -> Any:
    """The loss of a batch, for ids and labels of shape ``[batch_size]``."""
    user_tower, movie_tower, users, movies, kernel_1, bias_1, kernel_2, bias_2, kernel_3, bias_3 = (
        weights
    )
    scores = tf.matmul(
        tf.gather(user_tower, user_id), tf.gather(movie_tower, movie_id), transpose_b=True
    )
    retrieval = -tf.reduce_sum(tf.linalg.diag_part(tf.nn.log_softmax(scores)))
    hidden = tf.concat([tf.gather(users, user_id), tf.gather(movies, movie_id)], axis=1)
    hidden = tf.nn.relu(hidden @ kernel_1 + bias_1)
    hidden = tf.nn.relu(hidden @ kernel_2 + bias_2)
    predicted = (hidden @ kernel_3 + bias_3)[:, 0]
    return retrieval + tf.reduce_mean((predicted - labels) ** 2)
