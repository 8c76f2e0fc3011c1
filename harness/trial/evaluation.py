"""What a scenario's ``evaluate`` gives, looked at before training and read after each epoch."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from keras.src.backend import compute_output_spec
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.scenario import Metric
from harness.tree import leaves, map_leaves
from harness.trial.prepared import Prepared
from harness.words import unknown

PLACEHOLDER = 0.5
"""Stands for the value of every metric where only their names are asked for."""

TEST_METHODS = (
    "evaluate",
    "test_step",
    "test_function",
    "test_on_batch",
    "make_test_function",
    "compute_metrics",
    "get_metrics_result",
    "metrics",
)
"""What of a ``keras.Model`` decides which names ``evaluate`` gives."""


class MetricError(HarnessError):
    """``evaluate`` does not give the scenario's metric, or not as a number."""


def value_of(metric: Metric, results: Any) -> float:
    """The scenario's metric out of what its ``evaluate`` gave; perhaps no finite number.

    Raises:
        MetricError: if it is not there, with the names that are, or is no single number.
    """
    if not isinstance(results, Mapping):
        raise MetricError(
            f"the scenario's evaluate gives a {type(results).__name__}, not a dictionary of "
            "metrics by name; call model.evaluate(..., return_dict=True)"
        )
    if metric.name not in results:
        raise MetricError(f"evaluate: {unknown('metric', metric.name, sorted(map(str, results)))}")
    value = results[metric.name]
    array = _array(value)
    if value is None or array is None or array.ndim:
        said = "None" if value is None else f"a {type(value).__name__}"
        if array is not None and array.ndim:
            said += f" of shape {list(array.shape)}"
        raise MetricError(f"evaluate gives {said} for {metric.name}, not one number")
    return float(array)


def others(metric: Metric, results: Mapping[str, Any]) -> dict[str, float]:
    """What an evaluation gave beside the metric: every finite single number, by name."""
    found = {}
    for name, value in results.items():
        array = None if value is None or name == metric.name else _array(value)
        if array is not None and not array.ndim and np.isfinite(array):
            found[str(name)] = float(array)
    return found


def _array(value: Any) -> NDArray[np.float64] | None:
    try:
        return np.asarray(keras.ops.convert_to_numpy(value), dtype=np.float64)
    except (TypeError, ValueError):
        return None


def require(prepared: Prepared, test: Any) -> None:
    """Make sure, before training, that ``evaluate`` will give the scenario's metric.

    Which names Keras' own ``evaluate`` will give is known once model, loss and metrics have met a
    batch symbolically: nothing is computed or compiled, and on JAX and PyTorch ``fit`` itself does
    no less before its first step. (It then needs not do so. On PyTorch that leaves a draw out, and
    a Dropout without a seed of its own has other masks than without this, the same in every trial.)
    The scenario's ``evaluate`` is then asked with an answer of these
    names in place of Keras' own. Where a model tests in a way of its own, or the scenario cannot do
    with that answer, it evaluates the first batch, and what that changes is put back.

    Args:
        prepared: built and compiled, not yet trained.
        test: the test set as the adapter made it.

    Raises:
        MetricError: if it will not.
    """
    chosen, model = prepared.chosen, prepared.model
    with _unchanged(model), prepared.adapter.random_state_kept():
        try:
            with _answering(model, dict.fromkeys(names(prepared), PLACEHOLDER)):
                results = chosen.evaluate(model, test)
        except Exception:  # noqa: BLE001 - what Keras or the scenario cannot do without values
            size = int(prepared.settings.batch_size)
            first = prepared.data.test.map(lambda values: values[:size])
            results = chosen.evaluate(model, prepared.adapter.batches(first, size))
    value_of(chosen.metric, results)


def names(prepared: Prepared) -> list[str]:
    """The names that ``model.evaluate`` gives, without a computation.

    Raises:
        TypeError: for a model whose names only its own code knows.
    """
    model, data = prepared.model, prepared.data
    for name in TEST_METHODS:
        if getattr(type(model), name, None) is not getattr(keras.Model, name, None):
            raise TypeError(f"{type(model).__name__} has its own {name}")
    size = min(int(prepared.settings.batch_size), data.train.examples)

    def symbolic(values: Any) -> keras.KerasTensor:
        return keras.KerasTensor((size, *values.shape[1:]), dtype=str(values.dtype))

    x, y, *weights = map_leaves(symbolic, data.train.batch)
    sample_weight = weights[0] if weights else None
    y_pred = compute_output_spec(model, x, training=False)
    # Losses of several outputs are metrics too, which the first call makes.
    compute_output_spec(
        model.compute_loss, x, y, y_pred, sample_weight=sample_weight, training=False
    )
    results = compute_output_spec(model.compute_metrics, x, y, y_pred, sample_weight=sample_weight)
    return [path.rpartition("/")[2] for path in leaves(results)]


@contextlib.contextmanager
def _answering(model: Any, results: dict[str, float]) -> Iterator[None]:
    """Inside, ``model.evaluate`` answers at once with ``results``."""

    def evaluate(*_: Any, return_dict: bool = False, **__: Any) -> Any:
        if return_dict:
            return dict(results)
        values = list(results.values())
        return values if len(values) > 1 else values[0]

    model.evaluate = evaluate
    try:
        yield
    finally:
        del model.evaluate


@contextlib.contextmanager
def _unchanged(model: Any) -> Iterator[None]:
    """Puts back what an evaluation may change: statistics, seeds, and Python's and NumPy's."""
    variables = list(model.non_trainable_variables)
    before = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in variables]
    states = random.getstate(), np.random.get_state()  # noqa: NPY002 - that of everybody
    try:
        yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
