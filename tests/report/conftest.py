"""Records and documents that several tests of the report look at."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from harness.analysis.study import About
from harness.backends import BACKENDS
from harness.records.cell import Cell
from harness.records.machine import Cpu, Environment
from harness.records.trial import Prediction, Record
from harness.report.document import Document
from harness.report.outputs.terminal import show
from harness.scenario import Metric

VERSIONS = {"jax": ("jax", "0.10.2"), "tensorflow": ("tensorflow-cpu", "2.21.0")}


@pytest.fixture
def about() -> dict[str, About]:
    """What is known of the ranking scenario."""
    metric = Metric(
        name="root_mean_squared_error",
        label="test RMSE",
        direction="lower",
        reference=0.25617,
        source="https://keras.io/keras_rs/examples/basic_ranking/",
        target=0.26702,
        tolerance=5e-4,
    )
    defaults = {
        "batch_size": 1000,
        "epochs": 5,
        "embedding_dimension": 32,
        "learning_rate": 0.1,
    }
    cells = [
        Cell(scenario="ranking", backend=backend, device="cpu", settings=defaults)
        for backend in BACKENDS
    ]
    published = {cell.digest: 0.25617 for cell in cells}
    return {"ranking": About(metric=metric, defaults=defaults, published=published)}


@pytest.fixture
def measured(
    make_record: Callable[..., Record], make_environment: Callable[..., Environment]
) -> Callable[..., Record]:
    """A record with its environment and the tutorial's prediction."""

    def make(backend: str = "jax", machine_id: str = "machine-a", **changes) -> Record:
        package, version = VERSIONS.get(backend, (backend, "2.13.0"))
        environment = make_environment(
            machine_id,
            packages={package: version},
            hostname="bench01",
            cpu=Cpu(
                model="Test CPU 9000",
                architecture="x86_64",
                logical_cores=4,
                physical_cores=2,
                affinity=None,
            ),
            memory_total_bytes=8_250_000_000,
        )
        predictions = [
            Prediction(inputs={"user_id": 42, "movie_id": movie_id}, output=0.5, shown=stars)
            for movie_id, stars in ((204, 3.8), (141, 3.5), (131, 3.6))
        ]
        given = {"environment": environment, "predictions": predictions}
        return make_record(backend=backend, **(given | changes))

    return make


@pytest.fixture
def printed() -> Callable[[Document, int], str]:
    """What a terminal of some width shows, without colour."""

    def show_it(document: Document, width: int = 100) -> str:
        console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
        show(document, console)
        return console.file.getvalue()  # type: ignore[attr-defined]

    return show_it
