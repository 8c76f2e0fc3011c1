"""The Keras model and optimizer under a loop over one compiled PyTorch step.

Keras' layers in Python keep ``torch.compile`` from seeing a step whole. So the step is traced once
into a graph of PyTorch operations (``make_fx``): forward pass and loss of the Keras model, its
gradients (``torch.func``), and the Keras optimizer. Inductor compiles that graph.
"""

from __future__ import annotations

import functools
import traceback
from pathlib import Path
from typing import Any

import keras
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from harness.errors import RefusedError
from harness.records.cell import Scalar
from harness.tree import first_leaf, leaves, map_leaves
from harness.trial.loops.stateful import Stateful
from harness.trial.slots import build_optimizer, unlisted

STEPS_COMPARED = 3
"""What an optimizer remembers shows from its second step on."""

STEPS_APART = 1e-2
"""Of a variable's change. Two dense layers after three steps: nine optimizers of Keras 3.15 are 0
apart on PyTorch 2.13, ScheduleFreeAdamW is 0.08 and Nadam 0.30."""

ROUND_OFF = 1e-5
"""Of a variable's value: what hardly changes changes by round-off."""


class UntraceableError(RefusedError):
    """A step that no graph can hold, such as one that draws random numbers."""


class TorchLoop(Stateful):
    """Trains a compiled Keras model step by step, each step one compiled graph.

    Variables and slots are those of the model, changed in place. Metrics other than the loss are
    not computed while training.

    Raises:
        UntraceableError: for a model with a layer that holds a seed generator, be it for a dropout
            of nothing, as recurrent layers do.
    """

    def __init__(self, model: keras.Model) -> None:
        for layer in model._flatten_layers():  # noqa: SLF001 - Keras has no public way to walk all layers
            if layer._seed_generators:  # noqa: SLF001 - nor a public list of these
                raise UntraceableError(
                    f"{layer.name} holds a seed generator for random numbers, which cannot be "
                    "traced for PyTorch's custom_loop; run it in the modes fit or tuned"
                )
        self._model = model
        build_optimizer(model)
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

    def rehearse(self, *batch: Any) -> None:
        """Trace a step, and compare it with Keras' own; what was traced, Inductor compiles."""
        (placed,) = self.place(*batch)
        self._require_steps_of_keras(self._traced(self.tensors(), *placed), placed)

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
            self._compiled[shape] = torch.compile(self._traced(state, *batch), fullgraph=True)
        return self._compiled[shape]

    def _traced(self, state: Any, *batch: Any) -> torch.fx.GraphModule:
        """The step as one graph. Tracing runs it, on copies."""
        self._model.train()  # as `fit` does, for a layer that asks PyTorch whether it trains
        copies = [[tensor.clone() for tensor in tensors] for tensors in state]
        self._require_use_of_all(copies, *batch)
        filtering = keras.config.is_traceback_filtering_enabled()
        keras.config.disable_traceback_filtering()  # it hides the line that cannot be traced
        try:
            graph = make_fx(functools.partial(TorchLoop._step, self))(*copies, *batch)
        except (RuntimeError, NotImplementedError) as error:
            raise UntraceableError(_why_not(error)) from error
        finally:
            if filtering:
                keras.config.enable_traceback_filtering()
        drawn = sorted({str(node.target) for node in graph.graph.nodes if _draws(node)})
        if drawn:
            raise UntraceableError(
                f"PyTorch's custom_loop would draw other random numbers than fit ({drawn[0]}); "
                "run it in the modes fit or tuned"
            )
        return graph

    def _require_steps_of_keras(self, graph: torch.fx.GraphModule, batch: Any) -> None:
        """Refuse a graph that trains something else than Keras' trainer does.

        A number that Keras takes out of a tensor by way of NumPy is a constant of the graph, and an
        optimizer may read what it has changed in place, which the functional step does not. A trace
        shows neither; a few steps do.
        """
        model = self._model
        variables = [
            *model.trainable_variables,
            *model.non_trainable_variables,
            *model.optimizer.variables,
        ]
        kept = {id(v): v for v in (*variables, *model.metrics_variables, *unlisted(model))}
        start = {number: v.value.detach().clone() for number, v in kept.items()}
        traced = [[tensor.clone() for tensor in tensors] for tensors in self.tensors()]
        for _ in range(STEPS_COMPARED):
            graph(*traced, *batch)
        for _ in range(STEPS_COMPARED):
            model.train_step(batch)
        by_keras = [v.value.detach().clone() for v in variables]
        model.zero_grad()
        with torch.no_grad():
            for number, variable in kept.items():
                variable.value.copy_(start[number])
        by_graph = [tensor for tensors in traced for tensor in tensors]
        for variable, expected, found in zip(variables, by_keras, by_graph, strict=True):
            change = (expected - start[id(variable)]).double().norm()
            apart = (expected - found).double().norm()
            # What is no finite number tells nothing.
            if apart > max(STEPS_APART * change, ROUND_OFF * expected.double().norm()):
                raise UntraceableError(
                    f"a traced step trains {variable.path} in another way than Keras does, so "
                    "PyTorch's custom_loop cannot hold it; run it in the modes fit or tuned"
                )

    def _require_use_of_all(self, state: Any, *batch: Any) -> None:
        """Refuse a variable that the loss does not depend on.

        Keras leaves such a one alone. A functional gradient is zero instead, by which weight decay,
        for one, would move it.
        """
        trained, other, slots = state
        weights = [tensor.detach().requires_grad_() for tensor in trained]
        with torch.random.fork_rng():
            loss, _ = self._loss(weights, other, slots, *batch)
            found = torch.autograd.grad(loss, weights, allow_unused=True)
        pairs = zip(self._model.trainable_variables, found, strict=True)
        unused = [variable.path for variable, gradient in pairs if gradient is None]
        if unused:
            raise UntraceableError(
                f"the loss does not depend on {unused[0]}, which PyTorch's custom_loop would take "
                "for a gradient of zero; run it in the modes fit or tuned"
            )

    def _step(self, trained: Any, other: Any, slots: Any, *batch: Any) -> Any:
        gradients, (_, (loss, others)) = torch.func.grad_and_value(self._loss, has_aux=True)(
            trained, other, slots, *batch
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

    def _loss(self, trained: Any, other: Any, slots: Any, *batch: Any) -> Any:
        """The loss as the optimizer scales it; beside it the plain one, and the other variables."""
        inputs, labels, sample_weights = batch if len(batch) == 3 else (*batch, None)
        model = self._model
        variables = [*model.trainable_variables, *model.non_trainable_variables]
        mapping = list(zip(variables, [*trained, *other], strict=True))
        # As `TorchTrainer.train_step`: the argument goes only to a model whose call takes it.
        training = {"training": True} if model._call_has_training_arg else {}  # noqa: SLF001
        # Without `collect_losses` Keras drops what layers add to the loss.
        with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:
            # The wrapper is for a `compute_loss` of the model's own, which may know no `training`.
            loss = model._compute_loss(  # noqa: SLF001 - what Keras' trainer calls
                x=inputs,
                y=labels,
                y_pred=model(inputs, **training),
                sample_weight=sample_weights,
                training=True,
            )
        others = [scope.get_current_value(variable) for variable in model.non_trainable_variables]
        with keras.StatelessScope(list(zip(model.optimizer.variables, slots, strict=True))):
            scaled = model.optimizer.scale_loss(loss)
        return scaled, (loss, others)


def _why_not(error: Exception) -> str:
    """Which line of Keras or of the model a trace could not follow."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_asked(frame)]
    where = f"{Path(frames[-1].filename).name}, in {frames[-1].name}" if frames else "it"
    text = str(error).strip()
    why = text.splitlines()[0][:200] if text else type(error).__name__
    if "_local_scalar_dense" in text or "data-dependent" in text.lower():
        # Keras' SGD, for one, takes the learning rate out of its tensor (Keras 3.15).
        why = "it reads a number out of a tensor"
    return (
        f"PyTorch cannot trace a training step of this model at {where}: {why}; "
        "run it in the modes fit or tuned"
    )


def _is_asked(frame: traceback.FrameSummary) -> bool:
    """Whether a line is of Keras or of a user: neither PyTorch's own nor the harness'."""
    folders = set(Path(frame.filename).parts)
    return folders.isdisjoint({"torch", "harness"}) or "keras" in folders


def _draws(node: torch.fx.Node) -> bool:
    """Whether an operation draws random numbers; fused attention does so only for its dropout."""
    if torch.Tag.nondeterministic_seeded not in getattr(node.target, "tags", ()):
        return False
    arguments = node.target._schema.arguments  # noqa: SLF001 - PyTorch has no public way to its names
    given = dict(zip((one.name for one in arguments), node.args, strict=False)) | node.kwargs
    defaults = {one.name: one.default_value for one in arguments if one.has_default_value()}
    return bool((defaults | given).get("dropout_p", 1.0))


def _at(tensors: Any, index: int) -> Any:
    return map_leaves(lambda values: values[index], tensors)
