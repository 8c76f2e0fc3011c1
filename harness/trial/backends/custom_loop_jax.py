"""The Keras model and optimizer under one compiled JAX loop.

Keras' stateless API gives the step (https://keras.io/guides/custom_train_step_in_jax/); around it
stands a loop inside the compiled program, where ``fit`` dispatches every step from Python. The
state is donated, so that variables and slots are updated in place.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import keras
from keras.src.backend import compute_output_spec

from harness.records.cell import Scalar
from harness.tree import leaves
from harness.trial.loops.stateful import Stateful
from harness.trial.slots import build_optimizer


class JaxLoop(Stateful):
    """Trains a compiled Keras model in a ``lax.fori_loop``.

    The bounds of the loop are arguments, so that one compiled program serves the first step as well
    as a whole epoch. Metrics other than the loss are not computed while training.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        build_optimizer(model)
        self._variables = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
        )
        self._state: Any = None
        self._loop = jax.jit(self._steps, donate_argnums=0)

    def take(self) -> None:
        """Copy the variables: the loop gives its own buffers away."""
        self._state = jax.tree.map(lambda v: jnp.copy(v.value), self._variables, is_leaf=_is_leaf)

    def put_back(self) -> None:
        """Copy them back."""
        jax.tree.map(
            lambda variable, value: variable.assign(jnp.copy(value)),
            self._variables,
            self._state,
            is_leaf=_is_leaf,
        )

    def resume(self) -> None:
        """Copy what is not trained: ``evaluate`` gives it back to the model, as ``fit`` does."""
        trained, _, slots = self._state
        others = [jnp.copy(variable.value) for variable in self._model.non_trainable_variables]
        self._state = (trained, others, slots)

    def place(self, inputs: Any, labels: Any, sample_weights: Any = None) -> Any:
        """On the default device."""
        if len(leaves(labels)) > 1:
            self._build_losses(inputs, labels, sample_weights)
        return jax.device_put((inputs, labels, sample_weights))

    def _build_losses(self, *batches: Any) -> None:
        """Let Keras make its metric for the loss of each output, which it does at the first batch.

        Made inside the compiled loop, their variables would be unknown to it the next time.
        """
        x, y, sample_weight = jax.tree.map(
            lambda values: keras.KerasTensor(values.shape[1:], dtype=str(values.dtype)), batches
        )
        y_pred = compute_output_spec(self._model, x, training=False)
        compute_output_spec(
            self._model.compute_loss, x, y, y_pred, sample_weight=sample_weight, training=False
        )

    def run(self, batches: Any, start: int, stop: int) -> Any:
        """One call for all of them."""
        self._state, losses = self._loop(self._state, batches, start, stop)
        return losses

    def rehearse(self, *batch: Any) -> None:
        """Trace and lower the loop, which shows whatever cannot be compiled."""
        self.take()
        self._loop.lower(self._state, self.place(*batch), 0, 1)

    def tensors(self) -> Any:
        """Variables and slots."""
        return self._state

    def engine(self) -> dict[str, Scalar | None]:
        """A compiled loop."""
        return {
            "loop": "jax.lax.fori_loop, one call for an epoch",
            "jit_compile": True,
            "input": "JAX arrays of all batches",
            "training_metrics": False,
        }

    def _steps(self, state: Any, batches: Any, start: Any, stop: Any) -> Any:
        def body(index: Any, carried: Any) -> Any:
            state, losses = carried
            batch = jax.tree.map(lambda values: values[index], batches)
            state, loss = self._step(state, *batch)
            return state, losses.at[index].set(loss)

        losses = jnp.zeros(len(jax.tree.leaves(batches)[0]), jnp.float32)
        return jax.lax.fori_loop(start, stop, body, (state, losses))

    def _step(self, state: Any, inputs: Any, labels: Any, sample_weights: Any) -> Any:
        trainable, other, slots = state
        model = self._model
        metrics = [variable.value for variable in model.metrics_variables]

        def loss_of(trainable: Any) -> Any:
            # What Keras' own `JAXTrainer` differentiates; metrics that nobody reads cost nothing.
            return model.compute_loss_and_updates(
                trainable,
                other,
                metrics,
                inputs,
                labels,
                sample_weights,
                training=True,
                optimizer_variables=slots,
            )

        (_, (loss, _, other, _)), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
        trainable, slots = model.optimizer.stateless_apply(slots, gradients, trainable)
        return (trainable, other, slots), loss


def _is_leaf(node: Any) -> bool:
    return hasattr(node, "assign")
