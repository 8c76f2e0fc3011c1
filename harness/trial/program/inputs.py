"""What a script gave to ``fit``: its kind, its size, and its first batches."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import random
import types
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from harness.tree import leaves

FIRST = 2
"""Batches that are looked at."""

UNKNOWN = -2
"""What ``tf.data`` says of a data set whose batches nobody has counted."""

USUAL_BATCH_SIZE = 32
"""Keras' own, where arrays are given and no size is."""


class Inputs:
    """The training data of one call of ``fit``.

    Args:
        asked: the arguments of the call by name; a generator in them is replaced by one that
            gives the same, since its first batches are taken out to look at.
    """

    def __init__(self, asked: dict[str, Any]) -> None:
        self.kind = _kind(asked.get("x"))
        self.shuffled = self.kind == "arrays" and bool(asked.get("shuffle", True))
        self._asked = asked
        self._first: list[Any] = []
        self._yielded = 0
        self.batch_size: int | None = None
        self.examples: int | None = None
        if self.kind == "arrays":
            with contextlib.suppress(Exception):  # whatever else it is, the script goes on with it
                self._look_at_arrays()
        elif self.kind == "generator":
            self._look_at_generator()

    @property
    def used_up(self) -> bool:
        """Whether it gives nothing a second time."""
        return self.kind == "generator"

    def look(self) -> None:
        """Take the first batches of what can be gone over again: after the script's end only.

        To begin a ``tf.data.Dataset`` or a ``DataLoader`` may draw random numbers, and would leave
        the file of a cache half written.
        """
        x: Any = self._asked.get("x")
        if x is None:
            return
        if self.kind == "PyDataset":
            self._first = [x[i] for i in range(min(FIRST, x.num_batches or FIRST))]
        elif self.kind in {"tf.data", "DataLoader"}:
            self._first = list(itertools.islice(iter(x), FIRST))
        self._size()

    @property
    def steps(self) -> int | None:
        """Batches of an epoch where Keras did not know them before and counting is left to us.

        The optimizer's own count is one too high on TensorFlow, where the step that finds no batch
        any more has counted already. To be asked after the script's end.
        """
        if not self._asked or self._asked.get("steps_per_epoch"):
            return None
        if self.kind == "generator":
            return self._yielded
        if self.kind == "tf.data" and int(self._asked["x"].cardinality()) == UNKNOWN:
            return sum(1 for _ in self._asked["x"])
        return None

    def symbolic(self) -> Any:
        """The inputs of a batch without values, to build a model with; ``None`` if unknown.

        Nothing is taken from data that cannot be begun again, and what a ``PyDataset`` draws for
        its first batch leaves no trace in the generators of NumPy and Python.
        """
        x: Any = self._asked.get("x")
        if self.kind == "arrays":
            return keras.tree.map_structure(_symbol, x)
        if self.kind == "tf.data":
            spec = x.element_spec
            return keras.tree.map_structure(_symbol, spec[0] if isinstance(spec, tuple) else spec)
        if self.kind == "generator" and self._first:
            batch = self._first[0]
        elif self.kind == "PyDataset":
            states = random.getstate(), np.random.get_state()  # noqa: NPY002 - that of everybody
            batch = x[0]
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002
        else:
            return None
        return keras.tree.map_structure(_symbol, batch[0] if isinstance(batch, tuple) else batch)

    @property
    def first(self) -> list[Any]:
        """The first batches, as they were given."""
        return self._first

    def release(self) -> None:
        """Hold the data no longer."""
        self._asked, self._first = {}, []

    @property
    def sha256(self) -> str | None:
        """Identifies the first batches; ``None`` where nobody has looked."""
        if not self._first:
            return None
        digest = hashlib.sha256()
        for batch in self._first:
            for path, value in leaves(_plain(batch)).items():
                array = np.ascontiguousarray(_numpy(value))
                digest.update(f"{path}\0{array.shape}\0{array.dtype.kind}\0".encode())
                if array.dtype.kind in "OSU":
                    digest.update(repr(array.tolist()).encode())
                else:
                    digest.update(array.astype(_width(array)).tobytes())
        return digest.hexdigest()

    def _look_at_arrays(self) -> None:
        asked = self._asked
        parts = [asked.get(name) for name in ("x", "y", "sample_weight")]
        tree = {str(i): part for i, part in enumerate(parts) if part is not None}
        arrays = [value for value in leaves(_plain(tree)).values() if np.ndim(value)]
        if not arrays:
            return
        examples = len(arrays[0])
        if asked.get("validation_data") is None:
            examples = int(examples * (1 - (asked.get("validation_split") or 0.0)))
        size = asked.get("batch_size") or USUAL_BATCH_SIZE
        self.batch_size, self.examples = size, examples
        cuts = [slice(i * size, min((i + 1) * size, examples)) for i in range(FIRST)]
        self._first = [[array[cut] for array in arrays] for cut in cuts if cut.start < examples]

    def _look_at_generator(self) -> None:
        generator = self._asked["x"]
        self._first = list(itertools.islice(generator, FIRST))
        self._asked["x"] = self._again(generator)
        self._size()

    def _again(self, rest: Iterator[Any]) -> Iterator[Any]:
        # A generator, since Keras asks for one by its type.
        for batch in itertools.chain(self._first, rest):
            self._yielded += 1
            yield batch

    def _size(self) -> None:
        if self._first and self.batch_size is None:
            arrays = [v for v in leaves(_plain(self._first[0])).values() if len(_shape(v))]
            self.batch_size = int(_shape(arrays[0])[0]) if arrays else None


def _kind(x: Any) -> str:
    if isinstance(x, keras.utils.PyDataset):
        return "PyDataset"
    if isinstance(x, types.GeneratorType):
        return "generator"
    modules = {kind.__module__.partition(".")[0]: kind for kind in type(x).__mro__}
    if "tensorflow" in modules and not hasattr(x, "numpy"):
        return "tf.data"
    if "torch" in modules and not hasattr(x, "numpy"):
        return "DataLoader"
    if "grain" in modules:
        return "grain"
    return "arrays" if x is not None else "none"


def _symbol(values: Any) -> Any:
    shape = tuple(values.shape)[1:]
    dtype = getattr(values.dtype, "name", str(values.dtype)).removeprefix("torch.")
    return keras.KerasTensor((None, *shape), dtype=dtype)


def _plain(tree: Any) -> Any:
    """``tree`` with mappings and sequences of other kinds as dictionaries and lists."""
    if isinstance(tree, Mapping):
        return {str(key): _plain(value) for key, value in tree.items() if value is not None}
    if isinstance(tree, list | tuple):
        return [_plain(value) for value in tree if value is not None]
    if hasattr(tree, "to_numpy"):  # a table of pandas, which is indexed by its columns
        return tree.to_numpy()
    return tree


def _numpy(value: Any) -> Any:
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        return np.asarray(keras.ops.convert_to_numpy(value))


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(getattr(value, "shape", np.shape(value)))


def _width(array: Any) -> str:
    """One width for each kind of number: backends convert to their own."""
    return {"f": "<f4", "i": "<i8", "u": "<i8", "b": "<i8"}.get(array.dtype.kind, "<c8")
