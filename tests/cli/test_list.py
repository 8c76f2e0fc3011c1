"""`harness list`: scenarios with their settings, backends with their environments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import UnavailableError
from harness.launch import environments
from harness.launch.environments import Interpreter

SCENARIO = """
from typing import Annotated, ClassVar, Literal
import msgspec
from harness.scenario import Metric, Scenario, Settings

class S(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    dropout: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.5
    optimizer: Literal["adam", "sgd"] = "adam"

class Digits(Scenario):
    name = "digits"
    summary = "Reads digits"
    version = 3
    metric = Metric(name="accuracy", label="test accuracy", direction="higher", reference=None,
                    source="", target=None, tolerance=0.1)
    settings_type = S
    def data(self, settings, table): ...
    def model(self, settings, data): ...
    def fit(self, model, train, *, epochs, initial_epoch=0, callbacks=None): ...
    def evaluate(self, model, test): ...

SCENARIO = Digits()
"""


@pytest.fixture
def listed(tmp_path, monkeypatch):
    (tmp_path / "digits.py").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "unfinished.py").write_text("SCENARIO = nonsense", encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path))

    def fake_find(backend):
        if backend == "torch":
            raise UnavailableError("no interpreter has torch and keras")
        return [Interpreter(backend=backend, python=Path("/env/python"), origin="test")]

    monkeypatch.setattr(environments, "find", fake_find)

    def run(*arguments):
        result = CliRunner().invoke(app, ["list", *arguments])
        assert result.exit_code == 0
        return result.output

    return run


def test_scenarios_are_listed_with_summary_metric_and_settings(listed):
    lines = listed().splitlines()
    assert "  digits: Reads digits" in lines
    assert "    metric: test accuracy, higher is better" in lines
    mine = lines[lines.index("  digits: Reads digits") :]
    after = mine[mine.index("    settings, changed with --set name=value:") + 1 :]
    settings = {line.split()[0]: line.split()[1:] for line in after[:5]}
    assert settings["batch_size"] == ["integer", "1000", "≥", "1,", "≤", "1,000,000"]
    assert settings["dropout"] == ["number", "0.5", "≥", "0,", "<", "1"]
    assert settings["optimizer"] == ["choice", "adam", "adam", "or", "sgd"]


def test_backends_are_listed_with_their_environments_or_how_to_get_one(listed):
    shown = listed()
    assert "jax         /env/python (test)" in shown
    assert "torch       no interpreter has torch and keras" in shown


def test_a_scenario_that_cannot_be_loaded_hides_no_other(listed):
    shown = listed()
    assert "unfinished: cannot be loaded: " in shown
    assert "unfinished.py, line 1: NameError: name 'nonsense' is not defined" in shown
    assert "digits" in shown
    assert "ranking" in shown


def test_a_script_gets_one_json_document(listed):
    document = json.loads(listed("--json"))
    scenarios = {scenario["name"]: scenario for scenario in document["scenarios"]}
    assert scenarios["digits"]["version"] == 3
    assert scenarios["digits"]["settings"][0] == {
        "name": "batch_size",
        "type": "integer",
        "default": 1000,
        "bounds": "≥ 1, ≤ 1,000,000",
    }
    backends = {backend["name"]: backend for backend in document["backends"]}
    assert backends["jax"]["environments"] == ["/env/python (test)"]
    assert backends["torch"]["environments"] == []
