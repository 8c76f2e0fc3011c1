"""Batches for the backends that have no ``tf.data``."""

from __future__ import annotations

from typing import Any

import keras

from harness.scenario import Split


class CachedBatches(keras.utils.PyDataset):
    """Batches cut once and then handed out, in order, in every epoch.

    Args:
        split: inputs and labels of shape ``[examples, ...]``.
        batch_size: examples per batch; the last batch may be smaller.
    """

    def __init__(self, split: Split, batch_size: int) -> None:
        super().__init__()
        self._batches = [
            (
                {name: values[start : start + batch_size] for name, values in split.inputs.items()},
                split.labels[start : start + batch_size],
            )
            for start in range(0, len(split.labels), batch_size)
        ]

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], Any]:
        return self._batches[index]
