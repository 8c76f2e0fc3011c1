"""Batches for the backends that have no ``tf.data``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from harness.scenario import Split


class CachedBatches(keras.utils.PyDataset):
    """Batches cut once and then handed out, in order, in every epoch.

    Args:
        split: arrays of shape ``[examples, ...]``, in any tree.
        batch_size: examples per batch; the last batch may be smaller.
        convert: what a batch's arrays are handed out as; NumPy arrays by default.
    """

    def __init__(
        self, split: Split, batch_size: int, convert: Callable[[Any], Any] = lambda array: array
    ) -> None:
        super().__init__()
        self._batches: list[tuple[Any, ...]] = []
        for start in range(0, split.examples, batch_size):
            rows = slice(start, start + batch_size)
            self._batches.append(_batch(split, rows, convert))

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return self._batches[index]


def _batch(split: Split, rows: slice, convert: Callable[[Any], Any]) -> tuple[Any, ...]:
    return split.map(lambda values: convert(values[rows])).batch
