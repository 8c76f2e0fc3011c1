"""Latency of both stages of a recommender for one user, alone and together.

    pytest tests/benchmark/test_two_stage.py --scenario two_stage

With the 1,682 movies of MovieLens-100K, and with a million that nobody trained on: what a search
over all movies costs depends on their number alone.
"""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

from harness import scenario
from harness.trial import backends

USERS = 944
WARM_UP_ROUNDS = 5


class Stage(keras.Model):
    """One part of the model as a model of its own, so that Keras compiles it as it does the whole.

    Args:
        part: a method of it.
        inputs: the names of what the part is given.
    """

    def __init__(self, part: Any, *inputs: str) -> None:
        super().__init__()
        self._part = part
        self._inputs = inputs

    def call(self, inputs: dict[str, Any]) -> Any:
        """What the part answers."""
        return self._part(*(inputs[name] for name in self._inputs))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Nothing, unless the scenario was asked for."""
    if "two_stages" in metafunc.fixturenames:
        asked = "two_stage" in metafunc.config.option.scenario.split(",")
        sizes = [1_682, 1_000_000] if asked else []
        metafunc.parametrize("two_stages", sizes, indirect=True, scope="module")


@pytest.fixture(scope="module")
def two_stages(request: pytest.FixtureRequest) -> SimpleNamespace:
    """The model with so many movies, and what each of its parts is given for one user."""
    backends.load(os.environ["KERAS_BACKEND"]).use(request.config.option.device, None)
    chosen = scenario.find("two_stage")
    settings: Any = scenario.parse_settings(chosen)
    sizes = {"users": USERS, "movies": request.param + 1}
    keras.utils.set_random_seed(42)
    model = chosen.model(settings, SimpleNamespace(sizes=sizes))  # type: ignore[arg-type]
    user = np.array([42], np.int32)
    given = {"user_id": user, "seen": np.zeros((1, request.param + 1), np.bool_)}
    model.build({"user_id": (None,), "seen": (None, request.param + 1)})
    found = np.arange(1, settings.candidates + 1, dtype=np.int32)[None]
    return SimpleNamespace(
        info={
            "scenario": chosen.name,
            "backend": keras.backend.backend(),
            "device": request.config.option.device,
            "movies": request.param,
        },
        parts={
            "retrieve": (Stage(model.retrieve, "user_id", "seen"), given),
            "rank": (
                Stage(model.rank, "user_id", "movie_id"),
                {"user_id": user, "movie_id": found},
            ),
            "both": (model, given),
        },
        listed=settings.listed,
        candidates=settings.candidates,
    )


def test_retrieve(benchmark: Any, two_stages: SimpleNamespace) -> None:
    found = predict(benchmark, two_stages, "retrieve")
    assert found.shape == (1, two_stages.candidates)


def test_rank(benchmark: Any, two_stages: SimpleNamespace) -> None:
    movies, _ = predict(benchmark, two_stages, "rank")
    assert movies.shape == (1, two_stages.listed)


def test_recommend(benchmark: Any, two_stages: SimpleNamespace) -> None:
    found = predict(benchmark, two_stages, "both")
    assert found["movie_id"].shape == (1, two_stages.listed)


def predict(benchmark: Any, two_stages: SimpleNamespace, part: str) -> Any:
    """What a part answers for one user, under the clock."""
    model, given = two_stages.parts[part]
    benchmark.extra_info.update(two_stages.info)
    return benchmark.pedantic(
        model.predict_on_batch, args=(given,), rounds=100, warmup_rounds=WARM_UP_ROUNDS
    )
