"""A throwaway scenario, and fake interpreters to run its trials."""

from __future__ import annotations

import pytest

from harness.launch.environments import Interpreter
from harness.records.cell import Cell
from harness.records.trial import Provenance, Trial
from tests.launch.fake_python import write_fake_python

SCENARIO = """
from harness.scenario import Metric, Scenario

class Throwaway(Scenario):
    name = "throwaway"
    summary = "A scenario of a test"
    version = 7
    metric = Metric(name="loss", label="loss", direction="lower", reference=None, source="",
                    target=None, tolerance=0.1)

    def needs_table(self, settings):
        return False

    def data(self, settings, table): ...
    def model(self, settings, data): ...
    def fit(self, model, train, *, epochs, initial_epoch=0, callbacks=None): ...
    def evaluate(self, model, test): ...

SCENARIO = Throwaway()
"""


@pytest.fixture
def throwaway_scenario(tmp_path, monkeypatch):
    """A scenario that the launcher can look up and no fake trial needs."""
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "throwaway.py").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(folder))
    return "throwaway"


@pytest.fixture
def trial(throwaway_scenario):
    return Trial(
        cell=Cell(scenario=throwaway_scenario, backend="jax", device="cpu"),
        seed=3,
        repetition=2,
        campaign="test",
        round=1,
        time_budget_s=1.0,
        table=None,
        launched_at_ns=0,
        harness=Provenance(version="0.1.0"),
    )


@pytest.fixture
def fake_python(tmp_path):
    """Makes an interpreter whose trial runs the lines that it is given."""

    def make(trial_lines: str = "leave(good)", **answers) -> Interpreter:
        path = write_fake_python(tmp_path / "fake" / "python", trial_lines, **answers)
        return Interpreter(backend="jax", python=path, origin="fake")

    return make
