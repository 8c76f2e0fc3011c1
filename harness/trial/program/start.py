"""Common initial weights and shifted seeds for the models that a script makes.

A script's models are made once and by code that nobody can call again. So every variable gets its
common value the moment it is made, be that in a layer's ``build`` within the first step of ``fit``:
what the script then does with it (copies it, loads a checkpoint over it) goes on from there.
"""

from __future__ import annotations

import contextlib
import importlib
import time
import weakref
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from harness.trial import initializers
from harness.trial.origins import kind_of

UTILITIES = ("keras.utils", "keras._tf_keras.keras.utils")
"""Where a script may find ``set_random_seed``; ``tf.keras`` is the second."""

MOST_SEED = 2**32

MOST_NOTED = 20


class Start:
    """What was seen of the variables as they were made.

    ``first_variable_ns`` is when the first one was, by ``time.perf_counter_ns``. ``custom`` counts
    those with an initialiser of the script's own, whose values nobody else can draw. ``applied``
    tells that an optimizer of Keras was.
    """

    def __init__(self) -> None:
        self.first_variable_ns: int | None = None
        self.drawn = 0
        self.custom = 0
        self.applied = False
        self._made: list[tuple[weakref.ref[Any], Drawn]] = []

    def note(self, variable: Any, drawn: Drawn) -> None:
        """Keep in mind how a variable began; a few are enough to see whether anything trains."""
        if len(self._made) < MOST_NOTED:
            self._made.append((weakref.ref(variable), drawn))

    @property
    def trained(self) -> bool:
        """Whether anything was trained, be it in a loop of the script's own."""
        return self.applied or any(_changed(ref(), drawn) for ref, drawn in self._made)


@contextlib.contextmanager
def common_weights(seed: int, *, drawn: bool) -> Iterator[Start]:
    """Inside, what Keras' initialisers would draw is drawn by NumPy, alike on every backend.

    Every variable has a random stream of its own, by its place among those that are drawn.

    Args:
        seed: of the draws.
        drawn: whether to draw; otherwise only looks on.
    """
    start = Start()
    own = vars(keras.Variable).get("__init__")
    make = keras.Variable.__init__

    def noting_make(self: Any, initializer: Any, *arguments: Any, **named: Any) -> None:
        if start.first_variable_ns is None:
            start.first_variable_ns = time.perf_counter_ns()
        if drawn:
            if isinstance(initializer, str):
                initializer = keras.initializers.get(initializer)
            dtype = named.get("dtype", arguments[1] if len(arguments) > 1 else None)
            kind = kind_of(initializer, dtype)
            if kind in {"rule", "composed"}:
                stream = np.random.SeedSequence(seed, spawn_key=(start.drawn,))
                initializer = Drawn(initializer, stream)
                start.drawn += 1
                start.note(self, initializer)
            start.custom += kind == "custom"
        make(self, initializer, *arguments, **named)

    optimizer = keras.optimizers.Optimizer
    apply = vars(optimizer).get("apply")

    def put_back() -> None:
        if apply is None:
            with contextlib.suppress(AttributeError):
                del optimizer.apply
        else:
            optimizer.apply = apply

    def noting_apply(self: Any, *arguments: Any, **named: Any) -> Any:
        start.applied = True
        put_back()  # once is enough, and no step has it in it
        return self.apply(*arguments, **named)

    keras.Variable.__init__ = noting_make
    optimizer.apply = noting_apply
    try:
        yield start
    finally:
        put_back()
        if own is None:
            del keras.Variable.__init__
        else:
            keras.Variable.__init__ = own


class Drawn(keras.initializers.Initializer):
    """What an initialiser of Keras draws, drawn by NumPy from a stream."""

    def __init__(self, initializer: Any, stream: np.random.SeedSequence) -> None:
        self._initializer = initializer
        self._stream = stream

    def __call__(self, shape: Any, dtype: Any = None, **named: Any) -> Any:
        """The same values whenever it is called."""
        rng = np.random.default_rng(self._stream)
        rule = initializers.rule_of(self._initializer)
        if rule is not None:
            values = rule(self._initializer, tuple(shape), rng)
            return keras.ops.convert_to_tensor(values, dtype=dtype or keras.config.floatx())
        with initializers.drawn_from(rng):
            return self._initializer(shape, dtype=dtype, **named)


def _changed(variable: Any, drawn: Drawn) -> bool:
    if variable is None:
        return False
    began = np.asarray(keras.ops.convert_to_numpy(drawn(variable.shape, dtype=variable.dtype)))
    return not np.array_equal(began, np.asarray(keras.ops.convert_to_numpy(variable.value)))


@contextlib.contextmanager
def shifted_seeds(seed: int) -> Iterator[None]:
    """Inside, ``keras.utils.set_random_seed(s)`` sets ``s + seed``; at first all are set to it."""
    original = keras.utils.set_random_seed
    original(seed)

    def set_random_seed(s: Any) -> None:
        original((int(s) + seed) % MOST_SEED)

    modules = []
    for name in UTILITIES:
        with contextlib.suppress(ImportError):
            modules.append(importlib.import_module(name))
    try:
        for module in modules:
            module.set_random_seed = set_random_seed  # type: ignore[attr-defined]
        yield
    finally:
        for module in modules:
            module.set_random_seed = original  # type: ignore[attr-defined]
