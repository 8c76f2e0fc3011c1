"""Both stages in JAX alone: a pure step, one compiled loop over the batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from harness.loop import NativeTraining

from .native import EPSILON, require_known

if TYPE_CHECKING:
    from harness.records.cell import Scalar

    from . import TwoStageSettings


class NativeJax(NativeTraining):
    """Two towers under a softmax, two embeddings and three dense layers under MSE, Adagrad."""

    def __init__(self, settings: TwoStageSettings) -> None:
        require_known(settings)
        self._learning_rate = settings.learning_rate
        self._state: Any = None
        self._loop = jax.jit(self._steps, donate_argnums=0)

    def load(self, weights: Sequence[Any], slots: Mapping[str, Sequence[Any]]) -> None:
        """Put weights and accumulators on the device."""
        self._state = jax.tree.map(jnp.array, (list(weights), list(slots["accumulator"])))

    def state(self) -> tuple[list[Any], dict[str, list[Any]]]:
        """Weights and accumulators."""
        weights, accumulators = self._state
        return weights, {"accumulator": accumulators}

    def place(self, inputs: Mapping[str, Any], labels: Any) -> Any:
        """All batches as three arrays on the device."""
        return jax.device_put((inputs["user_id"], inputs["movie_id"], labels))

    def run(self, batches: Any, start: int, stop: int) -> Any:
        """One call."""
        self._state, losses = self._loop(self._state, batches, start, stop)
        return losses

    def engine(self) -> dict[str, Scalar | None]:
        """How it runs."""
        return {
            "loop": "jax.lax.fori_loop, one call for an epoch",
            "jit_compile": True,
            "input": "JAX arrays of all batches",
        }

    def _steps(self, state: Any, batches: Any, start: Any, stop: Any) -> Any:
        def body(index: Any, carried: Any) -> Any:
            (weights, accumulators), losses = carried
            batch = [values[index] for values in batches]
            loss, gradients = jax.value_and_grad(both_losses)(weights, *batch)
            accumulators = [a + g * g for a, g in zip(accumulators, gradients, strict=True)]
            weights = [
                w - self._learning_rate * g * jax.lax.rsqrt(a + EPSILON)
                for w, g, a in zip(weights, gradients, accumulators, strict=True)
            ]
            return (weights, accumulators), losses.at[index].set(loss)

        losses = jnp.zeros(len(batches[0]), jnp.float32)
        return jax.lax.fori_loop(start, stop, body, (state, losses))


def both_losses(weights: Any, user_id: Any, movie_id: Any, labels: Any) -> Any:
    """The loss of a batch, for ids and labels of shape ``[batch_size]``."""
    user_tower, movie_tower, users, movies, kernel_1, bias_1, kernel_2, bias_2, kernel_3, bias_3 = (
        weights
    )
    scores = user_tower[user_id] @ movie_tower[movie_id].T
    retrieval = -jnp.sum(jnp.diagonal(jax.nn.log_softmax(scores)))
    hidden = jnp.concatenate([users[user_id], movies[movie_id]], axis=1)
    hidden = jax.nn.relu(hidden @ kernel_1 + bias_1)
    hidden = jax.nn.relu(hidden @ kernel_2 + bias_2)
    predicted = (hidden @ kernel_3 + bias_3)[:, 0]
    return retrieval + jnp.mean((predicted - labels) ** 2)
