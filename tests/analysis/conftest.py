"""Campaigns and environments that the tests of the summary look at."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.analysis.study import About
from harness.backends import BACKENDS
from harness.records.machine import Environment
from harness.records.trial import Record
from harness.scenario import Metric


@pytest.fixture
def about() -> dict[str, About]:
    """What is known of the ranking scenario; its tolerance is 5e-4."""
    metric = Metric(
        name="root_mean_squared_error",
        label="test RMSE",
        direction="lower",
        reference=0.25617,
        source="https://example.org/",
        target=0.267,
        tolerance=5e-4,
    )
    return {"ranking": About(metric=metric, defaults={"batch_size": 1000})}


@pytest.fixture
def environment(make_environment: Callable[..., Environment]) -> Callable[..., Environment]:
    """A machine of two cores; ``packages`` are added to those of a JAX environment."""

    def make(machine_id: str = "machine-a", *, load_average: float = 0.1, **packages: str):
        return make_environment(
            machine_id, packages={"jax": "0.10.2"} | packages, load_average=load_average
        )

    return make


@pytest.fixture
def in_order(make_record: Callable[..., Record]) -> Callable[..., list[Record]]:
    """Trials of the named backends and rounds, a minute apart, in the order given."""

    def make(order: list[tuple[str, int]], **changes) -> list[Record]:
        return [
            make_record(
                backend=backend,
                round=number,
                seed=number,
                started_at=f"2026-01-01T00:{minute:02d}:00+00:00",
                **changes,
            )
            for minute, (backend, number) in enumerate(order)
        ]

    return make


@pytest.fixture
def interleaved(in_order: Callable[..., list[Record]]) -> list[Record]:
    """Three good rounds of all backends."""
    orders = {1: BACKENDS, 2: BACKENDS[::-1], 3: BACKENDS}
    return in_order([(backend, number) for number, order in orders.items() for backend in order])
