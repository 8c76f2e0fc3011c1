"""Both stages in PyTorch alone: one step, compiled whole, and a loop over the batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from harness.loop import NativeTraining

from .native import EPSILON, require_known

if TYPE_CHECKING:
    from harness.records.cell import Scalar

    from . import TwoStageSettings


class NativeTorch(NativeTraining):
    """Two towers under a softmax, two embeddings and three dense layers under MSE, Adagrad."""

    def __init__(self, settings: TwoStageSettings) -> None:
        require_known(settings)
        self._learning_rate = settings.learning_rate
        # On a GPU where there is one, unless the launcher hid it.
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._weights: list[Any] = []
        self._accumulators: list[Any] = []
        self._compiled = torch.compile(self._step, fullgraph=True, dynamic=False)

    def load(self, weights: Sequence[Any], slots: Mapping[str, Sequence[Any]]) -> None:
        """Copy weights and accumulators to the device."""
        self._weights = [torch.tensor(w, device=self._device) for w in weights]
        self._accumulators = [torch.tensor(a, device=self._device) for a in slots["accumulator"]]

    def state(self) -> tuple[list[Any], dict[str, list[Any]]]:
        """Weights and accumulators."""
        return self._weights, {"accumulator": self._accumulators}

    def place(self, inputs: Mapping[str, Any], labels: Any) -> Any:
        """As one tensor for each batch: slicing a tensor costs more than looking into a list."""
        columns = (inputs["user_id"], inputs["movie_id"], labels)
        tensors = [torch.tensor(values, device=self._device).unbind() for values in columns]
        return list(zip(*tensors, strict=True))

    def run(self, batches: Any, start: int, stop: int) -> Any:
        """One call for each step."""
        losses = torch.zeros(len(batches), device=self._device)
        for index in range(start, stop):
            losses[index] = self._compiled(self._weights, self._accumulators, *batches[index])
        return losses

    def engine(self) -> dict[str, Scalar | None]:
        """How it runs."""
        return {
            "loop": "Python, one call for a step",
            "jit_compile": True,
            "compiler": "torch.compile with inductor",
            "input": "tensors of all batches",
        }

    def _step(
        self, weights: Any, accumulators: Any, user_id: Any, movie_id: Any, labels: Any
    ) -> Any:
        gradients, loss = torch.func.grad_and_value(both_losses)(weights, user_id, movie_id, labels)
        for weight, gradient, accumulator in zip(weights, gradients, accumulators, strict=True):
            accumulator.addcmul_(gradient, gradient)
            update = gradient * torch.rsqrt(accumulator + EPSILON)
            weight.add_(update, alpha=-self._learning_rate)
        return loss


def both_losses(weights: Any, user_id: Any, movie_id: Any, labels: Any) -> Any:
    """The loss of a batch, for ids and labels of shape ``[batch_size]``."""
    user_tower, movie_tower, users, movies, kernel_1, bias_1, kernel_2, bias_2, kernel_3, bias_3 = (
        weights
    )
    scores = (
        functional.embedding(user_id, user_tower) @ functional.embedding(movie_id, movie_tower).T
    )
    positives = torch.arange(len(user_id), device=scores.device)
    retrieval = functional.cross_entropy(scores, positives, reduction="sum")
    embedded = [functional.embedding(user_id, users), functional.embedding(movie_id, movies)]
    hidden = torch.cat(embedded, dim=1)
    hidden = torch.relu(torch.addmm(bias_1, hidden, kernel_1))
    hidden = torch.relu(torch.addmm(bias_2, hidden, kernel_2))
    predicted = torch.addmm(bias_3, hidden, kernel_3)[:, 0]
    return retrieval + functional.mse_loss(predicted, labels)
