"""Examples to train and test on, as a scenario gives them.

Authors of scenarios import them from :mod:`harness.scenario`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from harness import tree
from harness.errors import HarnessError


class SplitError(HarnessError):
    """A split whose arrays do not belong together."""


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Examples as Keras' ``fit`` takes them: inputs, labels and perhaps sample weights.

    Each is an array of shape ``[examples, ...]``, or a dictionary, list or tuple of such trees:
    inputs by name, one array for a model of one input, labels of several outputs.

    Raises:
        SplitError: when made, if the arrays do not hold equally many examples.
    """

    inputs: Any
    labels: Any
    sample_weights: Any = None

    def __post_init__(self) -> None:
        """Refuse what no training could cut into batches."""
        lengths = {}
        for part in self._parts():
            if not any(name.split("/")[0] == part for name in self.arrays()):
                raise SplitError(f"{part} of a split hold no array")
        for name, array in self.arrays().items():
            if not getattr(array, "shape", ()):
                raise SplitError(
                    f"{name} of a split is a {type(array).__name__}, not an array of shape "
                    "[examples, ...]; give numpy.asarray(...) of all examples"
                )
            lengths[name] = len(array)
        if len(set(lengths.values())) != 1:
            told = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
            raise SplitError(
                f"the arrays of a split differ in their number of examples: {told or 'no array'}"
            )

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return len(tree.first_leaf(self.labels))

    @property
    def batch(self) -> tuple[Any, ...]:
        """``(inputs, labels)`` or ``(inputs, labels, sample_weights)``, as Keras unpacks a batch.

        Lists have become tuples, as Keras' own adapter of arrays makes them for TensorFlow.
        """
        return tuple(tree.map_leaves(lambda array: array, self._parts()).values())

    def arrays(self) -> dict[str, Any]:
        """Every array by its path: ``inputs/user_id``, ``labels``."""
        return tree.leaves(self._parts())

    def map(self, change: Callable[[Any], Any]) -> Split:
        """The same split with each array changed, such as cut or put into another order."""
        return Split(**tree.map_leaves(change, self._parts()))

    def _parts(self) -> dict[str, Any]:
        parts = {"inputs": self.inputs, "labels": self.labels}
        if self.sample_weights is not None:
            parts["sample_weights"] = self.sample_weights
        return parts


def content_sha256(*splits: Split) -> str:
    """Identifies arrays by what is in them: a ``split_sha256`` for data of a scenario's own."""
    digest = hashlib.sha256()
    for split in splits:
        for path, array in split.arrays().items():
            digest.update(f"{path} {array.shape} {array.dtype.kind}".encode())
            # An array of objects holds their addresses.
            texts = array.dtype.kind == "O"
            digest.update(repr(array.tolist()).encode() if texts else array.tobytes())
    return digest.hexdigest()


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario trains and tests on, in the order in which it is seen.

    ``sizes`` are the counts that the model is built from (table rows, classes).
    ``split_sha256`` identifies which examples are where, and in which order. ``synthetic`` marks
    generated examples; every output says so.
    """

    train: Split
    test: Split
    sizes: dict[str, int]
    split_sha256: str
    synthetic: bool = False
