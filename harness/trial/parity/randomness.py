"""Serves the random numbers of Keras' layers from one generator, and keeps an account of them.

Each backend draws its masks and noise with its framework's own generator, so that two of them
cannot be compared step by step, and an envelope of mask noise would hide everything. Keras 3.15
draws by the functions of ``keras.src.backend.random``, with a ``SeedGenerator`` whose state is two
integers, the second of which counts. Inside :meth:`Randomness.common` these functions are served by
:mod:`harness.trial.parity.random_numbers` from that state, and nothing else changes.
"""

from __future__ import annotations

import contextlib
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
from keras import ops
from keras.src import backend
from keras.src.backend.common.symbolic_scope import in_symbolic_scope
from keras.src.random import seed_generator

from harness.records.cell import Scalar
from harness.records.parity import Draw
from harness.trial.parity import random_numbers
from harness.trial.parity.place import calling_layer
from harness.trial.parity.random_numbers import Key, NotServedError, int32

Tensor = Any

IDENTITY_BITS = 20
"""Of a state's first integer: whose numbers these are. Above them stands the order of the rows."""

PRIMES = [n for n in range(5, 1 << 10) if all(n % d for d in range(2, math.isqrt(n) + 1))]
"""Orders of rows. ``order·i + order`` meets every row once where both have no common factor."""

HIDDEN = {"name", "dtype", "trainable", "seed", "data_format"}
"""Of a layer's configuration, what is another one on each backend or says nothing of the model."""


class Randomness:
    """The random numbers of one model.

    Args:
        model: a built model; its seed generators are given a start of their own, since two
            backends need not have drawn the same seeds. Those that started alike still do.
        seed: of the comparison.
        rows: how many examples a batch may have.
        outside_compiler: keeps a function out of the framework's compiler, which need not see
            the draws.
    """

    def __init__(
        self,
        model: Any,
        seed: int,
        rows: frozenset[int],
        outside_compiler: Callable[[Callable[..., Any]], Callable[..., Any]],
    ) -> None:
        self._model = model
        self._outside_compiler = outside_compiler
        self._rows = rows
        self._own = list(
            {
                id(generator): generator
                for layer in model._flatten_layers()  # noqa: SLF001 - Keras has no public way to walk all layers
                for generator in getattr(layer, "_seed_generators", ())
            }.values()
        )
        starts: dict[int, int] = {}
        for generator in self._own:
            first = int(ops.convert_to_numpy(generator.state.value)[0])
            starts.setdefault(first, _identity(f"{seed}/{len(starts)}"))
            generator.state.assign([starts[first], 0])
        self._global = seed_generator.global_seed_generator()
        self._global.state.assign([_identity(f"{seed}/global"), 0])
        self._draws: dict[tuple[str, str], Draw] = {}
        self.not_served: dict[str, None] = {}

    @property
    def draws(self) -> list[Draw]:
        """Every different draw so far, in the order in which it came first."""
        return list(self._draws.values())

    def restart(self, order: int = 0) -> None:
        """Put every seed generator back to its start; ``order`` is that of the rows of a batch."""
        for generator in (*self._own, self._global):
            first = int(ops.convert_to_numpy(generator.state.value)[0])
            generator.state.assign([first % (1 << IDENTITY_BITS) + (order << IDENTITY_BITS), 0])

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, rows have their own numbers: for examples that stand in their own order."""
        if not self._draws:
            yield
            return
        before = [ops.convert_to_numpy(g.state.value) for g in (*self._own, self._global)]
        for generator, (first, count) in zip((*self._own, self._global), before, strict=True):
            generator.state.assign([int(first) % (1 << IDENTITY_BITS), int(count)])
        try:
            yield
        finally:
            for generator, (first, _) in zip((*self._own, self._global), before, strict=True):
                count = int(ops.convert_to_numpy(generator.state.value)[1])
                generator.state.assign([int(first), count])

    @contextlib.contextmanager
    def common(self) -> Iterator[None]:
        """Inside, Keras' random functions are served, and every state counts on in the same way."""
        module = backend.random
        earlier = {name: getattr(module, name) for name in _SERVED}
        following = seed_generator.SeedGenerator.next
        try:
            for name, original in earlier.items():
                setattr(module, name, self._outside_compiler(self._served(name, original)))
            # Without `ordered`, the global generator multiplies: in 32 bits on JAX and PyTorch, in
            # 64 on TensorFlow, so that their states part.
            seed_generator.SeedGenerator.next = lambda self, ordered=True: following(self)  # noqa: ARG005
            yield
        finally:
            for name, original in earlier.items():
                setattr(module, name, original)
            seed_generator.SeedGenerator.next = following

    def note_own(self, operation: str) -> None:
        """Note a random operation of the framework's own, at the layer that is being called."""
        self.not_served[f"{calling_layer(self._model)[0]}: {operation}"] = None

    def order_of(self, number: int) -> int:
        """The order of the rows in a moved training; ``number`` counts from 1."""
        usable = [p for p in PRIMES if all(size % p for size in self._rows)]
        return usable[(number - 1) % len(usable)]

    def _served(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        serve = _SERVED[name]

        def draw(*args: Any, seed: Any = None, **kwargs: Any) -> Any:
            # Where only shapes are worked out, nothing is drawn.
            if in_symbolic_scope():
                return original(*args, seed=seed, **kwargs)
            return serve(self, *args, seed=seed, **kwargs)

        def positional(*args: Any, **kwargs: Any) -> Any:
            taken = _SEED_AT[name]
            if len(args) > taken:
                kwargs["seed"], args = args[taken], args[:taken]
            try:
                return draw(*args, **kwargs)
            except NotServedError as error:
                self.not_served[f"{calling_layer(self._model)[0]}: {error}"] = None
                return original(*args, **kwargs)

        return positional

    def key(self, seed: Any, function: str, **arguments: Any) -> Key:
        """What a draw starts from; it is noted with its place in the model.

        A metric's seed generator (KerasRS' NDCG breaks ties by one) is in no list of variables:
        TensorFlow and PyTorch count it on, and JAX leaves it as it was. No training depends on it,
        so a metric gets the same numbers at every step.
        """
        metric = self._metric_of(seed)
        in_metric = metric is not None
        path, layer = (metric.name, metric) if in_metric else calling_layer(self._model)
        noted = {n: _shown(v) for n, v in arguments.items()} | _configuration(layer)
        self._draws.setdefault(
            (path, f"{function} {sorted(noted.items())}"),
            Draw(layer=path, function=function, arguments=noted),
        )
        if in_metric:
            return Key((int32(_identity(path)), int32(0)))
        if len(getattr(seed, "shape", (2,))) != 1:
            raise NotServedError(f"{function} with a key of the framework's own")
        if isinstance(seed, seed_generator.SeedGenerator) and not self._knows(seed):
            self.not_served[f"{path}: a seed generator that no layer and no metric keeps"] = None
        known = seed is None or (
            isinstance(seed, seed_generator.SeedGenerator) and self._knows(seed)
        )
        drawn = seed if hasattr(seed, "shape") else seed_generator.draw_seed(seed)
        state = ops.cast(drawn, "int32")
        if not known:
            return Key((state[0], state[1]))
        identity = ops.bitwise_and(state[0], (1 << IDENTITY_BITS) - 1)
        order = ops.right_shift(state[0], IDENTITY_BITS)
        return Key((identity, state[1]), order=order, rows=self._rows)

    def _knows(self, generator: Any) -> bool:
        return any(generator is own for own in (*self._own, self._global))

    def _metric_of(self, seed: Any) -> Any:
        """The metric that keeps this seed generator, if it is one and no layer has it too."""
        if not isinstance(seed, seed_generator.SeedGenerator) or self._knows(seed):
            return None
        for metric in _with_parts(self._model.metrics):
            if any(value is seed for value in vars(metric).values()):
                return metric
        return None


def _identity(name: str) -> int:
    """Whose numbers they are: the same for equal names, in every process."""
    return zlib.crc32(name.encode()) % (1 << IDENTITY_BITS)


def _uniform(
    common: Randomness,
    shape: Any,
    minval: Any = 0.0,
    maxval: Any = 1.0,
    dtype: Any = None,
    *,
    seed: Any,
) -> Tensor:
    key = common.key(seed, "uniform", minval=minval, maxval=maxval)
    return random_numbers.uniform(key, shape, minval, maxval, _floats(dtype))


def _normal(
    common: Randomness,
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = None,
    *,
    seed: Any,
) -> Tensor:
    key = common.key(seed, "normal", mean=mean, stddev=stddev)
    return random_numbers.normal(key, shape, mean, stddev, _floats(dtype))


def _truncated_normal(
    common: Randomness,
    shape: Any,
    mean: Any = 0.0,
    stddev: Any = 1.0,
    dtype: Any = None,
    *,
    seed: Any,
) -> Tensor:
    key = common.key(seed, "truncated_normal", mean=mean, stddev=stddev)
    return random_numbers.truncated_normal(key, shape, mean, stddev, _floats(dtype))


def _randint(
    common: Randomness, shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", *, seed: Any
) -> Tensor:
    key = common.key(seed, "randint", minval=minval, maxval=maxval)
    return random_numbers.randint(key, shape, minval, maxval, dtype or "int32")


def _dropout(
    common: Randomness, inputs: Tensor, rate: Any, noise_shape: Any = None, *, seed: Any
) -> Tensor:
    # As Keras' backends do, without a draw.
    if isinstance(rate, int | float) and rate in {0, 1}:
        return inputs if rate == 0 else ops.zeros_like(inputs)
    return random_numbers.dropout(common.key(seed, "dropout", rate=rate), inputs, rate, noise_shape)


def _categorical(
    common: Randomness, logits: Tensor, num_samples: Any, dtype: Any = "int32", *, seed: Any
) -> Tensor:
    key = common.key(seed, "categorical", num_samples=num_samples)
    return random_numbers.categorical(key, logits, num_samples, dtype or "int32")


def _shuffle(common: Randomness, x: Tensor, axis: int = 0, *, seed: Any) -> Tensor:
    return random_numbers.shuffle(common.key(seed, "shuffle", axis=axis), x, axis)


def _gamma(common: Randomness, shape: Any, alpha: Any, dtype: Any = None, *, seed: Any) -> Tensor:
    key = common.key(seed, "gamma", alpha=alpha)
    return random_numbers.gamma(key, shape, alpha, _floats(dtype))


def _beta(
    common: Randomness, shape: Any, alpha: Any, beta: Any, dtype: Any = None, *, seed: Any
) -> Tensor:
    key = common.key(seed, "beta", alpha=alpha, beta=beta)
    return random_numbers.beta(key, shape, alpha, beta, _floats(dtype))


def _binomial(
    common: Randomness, shape: Any, counts: Any, probabilities: Any, dtype: Any = None, *, seed: Any
) -> Tensor:
    key = common.key(seed, "binomial", counts=counts, probabilities=probabilities)
    return random_numbers.binomial(key, shape, counts, probabilities, _floats(dtype))


_SERVED: Mapping[str, Callable[..., Tensor]] = {
    "uniform": _uniform,
    "normal": _normal,
    "truncated_normal": _truncated_normal,
    "randint": _randint,
    "dropout": _dropout,
    "categorical": _categorical,
    "shuffle": _shuffle,
    "gamma": _gamma,
    "beta": _beta,
    "binomial": _binomial,
}

_SEED_AT = {
    "uniform": 4,
    "normal": 4,
    "truncated_normal": 4,
    "randint": 4,
    "dropout": 3,
    "categorical": 3,
    "shuffle": 2,
    "gamma": 3,
    "beta": 4,
    "binomial": 4,
}
"""How many arguments stand before ``seed``."""


def _with_parts(metrics: Iterable[Any]) -> Iterator[Any]:
    """Metrics, and those that they are made of."""
    for metric in metrics:
        yield metric
        # Keras' own collection of compiled metrics has the first, any metric the second.
        for name in ("metrics", "_metrics"):
            parts = getattr(metric, name, None)
            yield from _with_parts(parts if isinstance(parts, list) else ())


def _configuration(layer: Any) -> dict[str, Scalar]:
    """What a layer's configuration says in single numbers and words."""
    if layer is None:
        return {}
    try:
        config = layer.get_config()
    except Exception:  # noqa: BLE001 - a layer of the user's own may have none
        return {}
    return {
        f"{type(layer).__name__}.{name}": value
        for name, value in config.items()
        if name not in HIDDEN and isinstance(value, int | float | str)
    }


def _shown(value: Any) -> Scalar:
    return value if isinstance(value, bool | int | float | str) else "a tensor"


def _floats(dtype: Any) -> str:
    return str(keras.backend.standardize_dtype(dtype or keras.config.floatx()))
