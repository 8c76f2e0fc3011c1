"""Batches for the backends that have no ``tf.data``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from harness.scenario import Split


class CachedBatches(keras.utils.PyDataset):
    """Batches cut once and then handed out, in order, in every epoch.

    Args:
        split: inputs and labels of shape ``[examples, ...]``.
        batch_size: examples per batch; the last batch may be smaller.
        convert: what a batch's arrays are handed out as; NumPy arrays by default.
    """

    def __init__(
        self, split: Split, batch_size: int, convert: Callable[[Any], Any] = lambda array: array
    ) -> None:
        super().__init__()
        self._batches = [
            (
                {
                    name: convert(values[start : start + batch_size])
                    for name, values in split.inputs.items()
                },
                convert(split.labels[start : start + batch_size]),
            )
            for start in range(0, len(split.labels), batch_size)
        ]

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], Any]:
        return self._batches[index]
