"""Latency of single operations of a scenario: one train step, one evaluation batch, predict.

They are the calls that a user of Keras makes for one batch (``train_on_batch``,
``test_on_batch``, ``predict_on_batch``), each of which returns NumPy values and so ends with the
device synchronised. The step time inside ``fit`` is another figure, and is in the records.
"""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import keras
import pytest

from harness import data as rating_data
from harness import scenario
from harness.data.prepare import prepare
from harness.records.cell import DEVICES
from harness.tree import first_leaf
from harness.trial import backends
from harness.trial.initial import initialised

SEED = 42
WARM_UP_ROUNDS = 5


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every scenario that was asked for."""
    if "trained" in metafunc.fixturenames:
        asked = metafunc.config.option.scenario.split(",")
        metafunc.parametrize("trained", asked, indirect=True, scope="module")


@pytest.fixture(scope="module")
def trained(request: pytest.FixtureRequest) -> SimpleNamespace:
    """A scenario's model from common weights, and batches for it."""
    device = request.config.option.device
    assert device in DEVICES
    adapter = backends.load(os.environ["KERAS_BACKEND"])
    adapter.use(device, None)
    chosen = scenario.find(request.param)
    settings: Any = scenario.parse_settings(chosen)
    table = rating_data.load(prepare().path) if chosen.needs_table(settings) else None
    data = chosen.data(settings, table)
    model = initialised(chosen, settings, data, "common", SEED)

    def batch(split: scenario.Split, size: int) -> tuple[Any, ...]:
        return split.map(lambda values: values[:size]).batch

    return SimpleNamespace(
        model=model,
        train_batch=batch(data.train, settings.batch_size),
        test_batch=batch(data.test, settings.batch_size),
        candidates=lambda count: batch(data.test, count)[0],
        info={
            "scenario": chosen.name,
            "backend": adapter.backend,
            "device": adapter.placement(model.trainable_variables[0]).kind,
            "keras": keras.__version__,
        },
    )


def test_train_step(benchmark: Any, trained: SimpleNamespace) -> None:
    benchmark.extra_info.update(trained.info)
    loss = benchmark.pedantic(
        trained.model.train_on_batch,
        args=trained.train_batch,
        rounds=200,
        warmup_rounds=WARM_UP_ROUNDS,
    )
    assert loss[0] > 0


def test_evaluate_batch(benchmark: Any, trained: SimpleNamespace) -> None:
    benchmark.extra_info.update(trained.info)
    loss = benchmark.pedantic(
        trained.model.test_on_batch,
        args=trained.test_batch,
        rounds=200,
        warmup_rounds=WARM_UP_ROUNDS,
    )
    assert loss[0] > 0


@pytest.mark.parametrize("count", [3, 100, 1_000])
def test_predict(benchmark: Any, trained: SimpleNamespace, count: int) -> None:
    benchmark.extra_info.update(trained.info, candidates=count)
    outputs = benchmark.pedantic(
        trained.model.predict_on_batch,
        args=(trained.candidates(count),),
        rounds=200,
        warmup_rounds=WARM_UP_ROUNDS,
    )
    assert len(first_leaf(outputs)) == count
