"""The deep and cross network in PyTorch alone: one step, compiled whole, and a loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from harness.loop import NativeTraining

from .native import BETA_1, BETA_2, CROSSED, EPSILON, SLOTS, WEIGHT_DECAY, parts, require_known

if TYPE_CHECKING:
    from harness.records.cell import Scalar

    from . import DcnSettings


class NativeTorch(NativeTraining):
    """Six embeddings, a layer of crosses, dense layers, mean squared error, AdamW."""

    def __init__(self, settings: DcnSettings) -> None:
        require_known(settings)
        self._learning_rate = settings.learning_rate
        self._crossed = CROSSED[settings.structure]
        # On a GPU where there is one, unless the launcher hid it.
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._state: list[list[Any]] = []
        self._done: Any = None
        self._compiled = torch.compile(self._step, fullgraph=True, dynamic=False)

    def load(self, weights: Sequence[Any], slots: Mapping[str, Sequence[Any]]) -> None:
        """Copy weights and moments to the device."""
        values = (weights, *(slots[kind] for kind in SLOTS))
        self._state = [[torch.tensor(v, device=self._device) for v in kind] for kind in values]
        self._done = torch.tensor(float(self.trained), device=self._device)

    def state(self) -> tuple[list[Any], dict[str, list[Any]]]:
        """Weights and moments."""
        weights, *moments = self._state
        return weights, dict(zip(SLOTS, moments, strict=True))

    def place(self, inputs: Mapping[str, Any], labels: Any) -> Any:
        """As one tensor for each batch: slicing a tensor costs more than looking into a list."""
        columns = (*inputs.values(), labels)
        tensors = [torch.tensor(values, device=self._device).unbind() for values in columns]
        return [(list(features), last) for *features, last in zip(*tensors, strict=True)]

    def run(self, batches: Any, start: int, stop: int) -> Any:
        """One call for each step."""
        losses = torch.zeros(len(batches), device=self._device)
        for index in range(start, stop):
            losses[index] = self._compiled(self._state, self._done, *batches[index])
        return losses

    def engine(self) -> dict[str, Scalar | None]:
        """How it runs."""
        return {
            "loop": "Python, one call for a step",
            "jit_compile": True,
            "compiler": "torch.compile with inductor",
            "input": "tensors of all batches",
        }

    def _step(self, state: Any, step: Any, features: Any, labels: Any) -> Any:
        weights, first, second = state
        gradients, loss = torch.func.grad_and_value(self._loss)(weights, features, labels)
        step.add_(1.0)
        rate = self._learning_rate * torch.sqrt(1 - BETA_2**step) / (1 - BETA_1**step)
        for weight, m, v, gradient in zip(weights, first, second, gradients, strict=True):
            m.add_(gradient - m, alpha=1 - BETA_1)
            v.add_(gradient * gradient - v, alpha=1 - BETA_2)
            weight.mul_(1 - WEIGHT_DECAY * self._learning_rate)
            weight.sub_(rate * m / (torch.sqrt(v) + EPSILON))
        return loss

    def _loss(self, weights: Any, features: Any, labels: Any) -> Any:
        tables, cross, dense = parts(weights, self._crossed)
        embedded = [functional.embedding(i, t) for i, t in zip(features, tables, strict=True)]
        x = torch.cat(embedded, dim=1)
        if cross:
            *kernels, bias = cross
            crossed = x
            for kernel in kernels:
                crossed = crossed @ kernel
            x = x * (crossed + bias) + x
        for kernel, bias in dense[:-1]:
            x = torch.relu(torch.addmm(bias, x, kernel))
        kernel, bias = dense[-1]
        return functional.mse_loss(torch.addmm(bias, x, kernel)[:, 0], labels)
