"""Single operations on real frameworks; run in a backend's environment, as KERAS_BACKEND says.

    pytest tests/benchmark [--device cpu|gpu] [--results FOLDER]

The JSON of pytest-benchmark is saved beside the records, where the report finds it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

BACKEND = os.environ.get("KERAS_BACKEND")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("harness")
    group.addoption("--device", default="cpu", choices=["cpu", "gpu"], help="where to measure")
    group.addoption(
        "--results", default="results/local", help="the folder whose records this belongs to"
    )


@pytest.fixture(autouse=True)
def own_folder() -> None:
    """A measurement runs where the user is, beside the records."""


@pytest.fixture(autouse=True)
def no_frameworks() -> None:
    """They are what is measured."""


def pytest_configure(config: pytest.Config) -> None:
    """Save beside the records, unless --benchmark-json names another place."""
    if config.option.benchmark_json is None and BACKEND is not None:
        path = Path(config.option.results) / "benchmarks" / f"{BACKEND}-{config.option.device}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        config.option.benchmark_json = str(path)
