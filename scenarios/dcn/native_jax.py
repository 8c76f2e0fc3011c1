"""The deep and cross network in JAX alone: a pure step, one compiled loop over the batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from harness.loop import NativeTraining

from .native import BETA_1, BETA_2, CROSSED, EPSILON, SLOTS, WEIGHT_DECAY, parts, require_known

if TYPE_CHECKING:
    from harness.records.cell import Scalar

    from . import DcnSettings


class NativeJax(NativeTraining):
    """Six embeddings, a layer of crosses, dense layers, mean squared error, AdamW."""

    def __init__(self, settings: DcnSettings) -> None:
        require_known(settings)
        self._learning_rate = settings.learning_rate
        self._crossed = CROSSED[settings.structure]
        self._state: Any = None
        self._loop = jax.jit(self._steps, donate_argnums=0)

    def load(self, weights: Sequence[Any], slots: Mapping[str, Sequence[Any]]) -> None:
        """Put weights, moments and the number of steps on the device."""
        state = (list(weights), *(list(slots[kind]) for kind in SLOTS), float(self.trained))
        self._state = jax.tree.map(jnp.array, state)

    def state(self) -> tuple[list[Any], dict[str, list[Any]]]:
        """Weights and moments."""
        weights, *moments, _ = self._state
        return weights, dict(zip(SLOTS, moments, strict=True))

    def place(self, inputs: Mapping[str, Any], labels: Any) -> Any:
        """All batches as arrays on the device, the features side by side."""
        return jax.device_put((list(inputs.values()), labels))

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
            (weights, first, second, step), losses = carried
            features, labels = jax.tree.map(lambda values: values[index], batches)
            loss, gradients = jax.value_and_grad(self._loss)(weights, features, labels)
            step = step + 1.0
            rate = self._learning_rate * jnp.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
            first = [m + (g - m) * (1 - BETA_1) for m, g in zip(first, gradients, strict=True)]
            second = [
                v + (g * g - v) * (1 - BETA_2) for v, g in zip(second, gradients, strict=True)
            ]
            weights = [
                w * (1 - WEIGHT_DECAY * self._learning_rate) - rate * m / (jnp.sqrt(v) + EPSILON)
                for w, m, v in zip(weights, first, second, strict=True)
            ]
            return (weights, first, second, step), losses.at[index].set(loss)

        losses = jnp.zeros(len(batches[1]), jnp.float32)
        return jax.lax.fori_loop(start, stop, body, (state, losses))

    def _loss(self, weights: Any, features: Any, labels: Any) -> Any:
        tables, cross, dense = parts(weights, self._crossed)
        embedded = [table[ids] for table, ids in zip(tables, features, strict=True)]
        x = jnp.concatenate(embedded, axis=1)
        if cross:
            *kernels, bias = cross
            crossed = x
            for kernel in kernels:
                crossed = crossed @ kernel
            x = x * (crossed + bias) + x
        for kernel, bias in dense[:-1]:
            x = jax.nn.relu(x @ kernel + bias)
        kernel, bias = dense[-1]
        return jnp.mean(((x @ kernel + bias)[:, 0] - labels) ** 2)
