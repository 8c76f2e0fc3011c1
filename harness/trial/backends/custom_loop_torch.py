"""The Keras model and optimizer under a loop over one compiled PyTorch step.

Keras' layers in Python keep ``torch.compile`` from seeing a step whole. So the step is traced once
into a graph of PyTorch operations (``make_fx``): forward pass and loss of the Keras model, its
gradients (``torch.func``), and the Keras optimizer. Inductor compiles that graph.
"""

from __future__ import annotations

import functools
from typing import Any

import keras
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from harness.errors import HarnessError
from harness.record import Scalar
from harness.tree import first_leaf, leaves, map_leaves
from harness.trial.loops.stateful import Stateful


class UntraceableError(HarnessError):
    """A step that no graph can hold, such as one that draws random numbers."""


class TorchLoop(Stateful):
    """Trains a compiled Keras model step by step, each step one compiled graph.

    Variables and slots are those of the model, changed in place. Metrics other than the loss are
    not computed while training.

    Raises:
        UntraceableError: for a model with dropout or another random layer.
    """

    def __init__(self, model: keras.Model) -> None:
        if any(layer._seed_generators for layer in model._flatten_layers()):  # noqa: SLF001 - Keras has no public list of them
            raise UntraceableError(
                "a model with random layers cannot be traced for PyTorch's custom_loop; "
                "run it in the modes fit or tuned"
            )
        self._model = model
        model.optimizer.build(model.trainable_variables)
        self._compiled: dict[Any, Any] = {}

    def take(self) -> None:
        """Nothing: the loop trains the model's own variables."""

    def put_back(self) -> None:
        """Nothing either."""

    def place(self, inputs: Any, labels: Any, sample_weights: Any = None) -> Any:
        """As one tensor for each batch: slicing a tensor costs more than looking into a list."""
        batches = (inputs, labels) if sample_weights is None else (inputs, labels, sample_weights)
        tensors = map_leaves(keras.ops.convert_to_tensor, batches)
        return [_at(tensors, index) for index in range(len(first_leaf(tensors)))]

    def run(self, batches: Any, start: int, stop: int) -> Any:
        """One call for each."""
        losses = torch.zeros(len(batches), device=first_leaf(batches[0]).device)
        state = self.tensors()
        step = self._step_for(state, *batches[start])
        for index in range(start, stop):
            losses[index] = step(*state, *batches[index])
        return losses

    def tensors(self) -> Any:
        """The variables that are trained, the model's others, and the optimizer's."""
        model = self._model
        return (
            [variable.value.detach() for variable in model.trainable_variables],
            [variable.value.detach() for variable in model.non_trainable_variables],
            [variable.value.detach() for variable in model.optimizer.variables],
        )

    def engine(self) -> dict[str, Scalar | None]:
        """A compiled step."""
        return {
            "loop": "Python, one call for a step",
            "jit_compile": True,
            "compiler": "make_fx, torch.compile with inductor",
            "input": "tensors of all batches",
            "training_metrics": False,
        }

    def _step_for(self, state: Any, *batch: Any) -> Any:
        """The compiled step for batches of this shape; traced at the first."""
        shape = tuple(tuple(values.shape) for values in leaves(batch).values())
        if shape not in self._compiled:
            # Tracing runs the step once, on copies.
            copies = [[tensor.clone() for tensor in tensors] for tensors in state]
            step = functools.partial(TorchLoop._step, self)
            try:
                graph = make_fx(step)(*copies, *batch)
            except RuntimeError as error:
                # Keras' SGD, for one, takes the learning rate out of its tensor (Keras 3.15).
                raise UntraceableError(
                    "PyTorch cannot trace a training step of this model with Keras' "
                    f"{type(self._model.optimizer).__name__}, which reads a number out of a "
                    "tensor; run it in the modes fit or tuned"
                ) from error
            self._compiled[shape] = torch.compile(graph, fullgraph=True)
        return self._compiled[shape]

    def _step(self, trained: Any, other: Any, slots: Any, *batch: Any) -> Any:
        gradients, (loss, others) = torch.func.grad_and_value(self._loss, has_aux=True)(
            trained, other, *batch
        )
        with torch.no_grad():
            after, slots_after = self._model.optimizer.stateless_apply(
                slots, list(gradients), trained
            )
            before = [*trained, *slots, *other]
            for tensor, value in zip(before, [*after, *slots_after, *others], strict=True):
                # Keras' optimizers change most of them in place.
                if value is not tensor:
                    tensor.copy_(value)
        return loss

    def _loss(
        self, trained: Any, other: Any, inputs: Any, labels: Any, sample_weights: Any = None
    ) -> Any:
        model = self._model
        variables = [*model.trainable_variables, *model.non_trainable_variables]
        mapping = list(zip(variables, [*trained, *other], strict=True))
        # As `TorchTrainer.train_step`: the argument goes only to a model whose call takes it.
        training = {"training": True} if model._call_has_training_arg else {}  # noqa: SLF001
        with keras.StatelessScope(state_mapping=mapping) as scope:
            loss = model.compute_loss(
                x=inputs,
                y=labels,
                y_pred=model(inputs, **training),
                sample_weight=sample_weights,
                training=True,
            )
        others = [scope.get_current_value(variable) for variable in model.non_trainable_variables]
        return loss, others


def _at(tensors: Any, index: int) -> Any:
    return map_leaves(lambda values: values[index], tensors)
