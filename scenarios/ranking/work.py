"""What one training step of the ranking model cannot do without, counted on paper.

The step is of one full batch: forward, backward, and the optimizer's update. Nothing is imported
from a framework and nothing is measured; ``tests/backend/test_work.py`` holds the count against
XLA's cost analysis of the Keras model.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from harness.records.trial import StepWork

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLOTS = {"adagrad": 1, "adam": 2, "sgd": 0}
"""Numbers that each optimizer keeps beside a parameter: Adagrad's accumulator, Adam's two moments;
Keras' SGD without momentum keeps none."""

VARIABLE_BYTES = 4
"""Parameters, their gradients and their slots are float32 under every dtype policy."""

COMPUTE_BYTES = {"float32": 4, "mixed_bfloat16": 2}
"""Of one activation, by the dtype policy."""

ID_BYTES = 4

SAMPLED_BATCHES = 100
"""Batches whose distinct rows are counted; 80 are all that the tutorial has."""


def step_work(
    *, examples: int, widths: Sequence[int], rows: float, slots: int, compute_bytes: int
) -> StepWork:
    """Arithmetic and memory traffic of one step.

    Args:
        examples: in the batch.
        widths: of the dense layers' input (both embeddings side by side) and of every layer's
            output, such as ``(64, 256, 64, 1)``.
        rows: rows of both embedding tables together that the batch touches, each counted once.
        slots: numbers that the optimizer keeps beside each parameter.
        compute_bytes: size of one activation.
    """
    dimension = widths[0] // 2
    traffic = (
        activation_bytes(examples, widths, compute_bytes)
        + dense_bytes(widths, slots)
        + embedding_bytes(examples, dimension, rows, slots)
    )
    return StepWork(flops=float(flops(examples, widths)), bytes=float(traffic))


def flops(examples: int, widths: Sequence[int]) -> int:
    """Floating-point operations of the matrix products; a multiplication and an addition are two.

    A dense layer of ``n`` inputs and ``m`` outputs does three products of ``examples × n × m``:
    forward, and backward the gradients of its kernel and of its input. The first layer's input is
    no data but embeddings, which are trained, so its gradient counts too. Left out is what grows
    with ``n + m`` only: biases, ReLU, loss, the rows of the embeddings, and the optimizer.
    """
    return 3 * 2 * examples * kernel_parameters(widths)


def activation_bytes(examples: int, widths: Sequence[int], compute_bytes: int) -> int:
    """Bytes of what flows between the layers, forward and backward.

    An input of a dense layer is written once, by whatever makes it, and read twice: by the product
    forward and by the gradient of the kernel. The last output is written once and read once, by
    the loss, which also reads the labels (float32). Backward, the gradient of a layer's output is
    written once and read twice, for the gradients of kernel and input; that of the embeddings is
    written once and read once, to be summed into rows. ReLU's own derivative is left out: whoever
    reads an activation for the kernel's gradient sees its sign.
    """
    inputs, outputs, output = sum(widths[:-1]), sum(widths[1:]), widths[-1]
    forward = 3 * inputs + 2 * output
    backward = 3 * outputs + 2 * widths[0]
    return examples * ((forward + backward) * compute_bytes + VARIABLE_BYTES)


def dense_bytes(widths: Sequence[int], slots: int) -> int:
    """Bytes of the dense layers' parameters, their gradients and their slots.

    Parameters are read forward, and kernels again backward, for the gradient of the input. A
    gradient is written once and read once by the optimizer, which reads and writes the parameter
    and each of its slots.
    """
    kernels = kernel_parameters(widths)
    parameters = kernels + sum(widths[1:])
    return VARIABLE_BYTES * (kernels + parameters * (1 + _update(slots)))


def embedding_bytes(examples: int, dimension: int, rows: float, slots: int) -> float:
    """Bytes of the embedding tables: of the rows that the batch touches, and of no others.

    A row is read once forward, however often the batch names it; its gradient is written and read
    once, then the row and each of its slots are read and written. Ids are read twice: to look up
    the rows, and to sum their gradients. This is the sparse minimum. A backend whose gradient is
    dense goes through every row of the table instead, which this bound does not excuse. (With Adam,
    a row that is not touched moves on by its momentum; that is left out too.)
    """
    return VARIABLE_BYTES * rows * dimension * (1 + _update(slots)) + 2 * 2 * ID_BYTES * examples


def kernel_parameters(widths: Sequence[int]) -> int:
    """Numbers in the kernels of all dense layers."""
    return sum(n * m for n, m in itertools.pairwise(widths))


def distinct_rows(ids: NDArray[np.int32], examples: int) -> float:
    """How many different ids a full batch names: the mean over batches, 100 at most.

    Args:
        ids: shape ``[all examples]``, in the order of training.
        examples: in a batch.
    """
    batches = min(max(1, len(ids) // examples), SAMPLED_BATCHES)
    counts = [np.unique(ids[i * examples : (i + 1) * examples]).size for i in range(batches)]
    return float(np.mean(counts))


def _update(slots: int) -> int:
    """Touches of a parameter by its gradient and its update; see :func:`dense_bytes`."""
    return 2 + 2 * (1 + slots)
