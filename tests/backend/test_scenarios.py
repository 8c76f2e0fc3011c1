"""What every scenario owes the harness. Run it on a new one:

    tox -e test-jax -- tests/backend/test_scenarios.py -k NAME

A scenario in a folder of its own is found through HARNESS_SCENARIO_PATH.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from harness import data as rating_data
from harness import probe, scenario
from harness.records.cell import Cell
from harness.records.parity import ParityTask
from harness.table_use import needs_table
from harness.trial import backends, weights
from harness.trial.initial import initialised
from harness.trial.parity.train import train


@pytest.fixture(scope="module", params=scenario.names())
def chosen(request):
    return scenario.find(request.param)


@pytest.fixture(scope="module")
def settings(chosen):
    return scenario.parse_settings(chosen)


@pytest.fixture(scope="module")
def data(chosen, settings, table_path):
    table = rating_data.load(table_path) if needs_table(chosen, settings) else None
    return chosen.data(settings, table)


@pytest.fixture(scope="module")
def adapter(backend):
    return backends.load(backend)


@pytest.fixture
def model(chosen, settings, data):
    return initialised(chosen, settings, data, "common", 42)


def test_it_is_listed_without_keras(chosen):
    code = (
        "import sys; from harness import scenario;"
        f"scenario.find({chosen.name!r}); assert 'keras' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_says_what_it_is(chosen):
    assert chosen.summary
    assert chosen.version >= 1
    assert chosen.metric.tolerance > 0
    assert (chosen.metric.reference is None) or chosen.metric.source


def test_its_settings_survive_a_record(chosen, settings):
    plain = msgspec.to_builtins(settings)
    assert all(isinstance(value, (bool, int, float, str)) for value in plain.values())
    assert msgspec.convert(plain, chosen.settings_type) == settings


def test_its_examples_are_arrays_of_one_length(data):
    for split in (data.train, data.test):
        assert split.examples > 0
        assert {len(values) for values in split.arrays().values()} == {split.examples}


def test_its_data_are_the_same_every_time(chosen, settings, data, table_path):
    table = rating_data.load(table_path) if needs_table(chosen, settings) else None
    again = chosen.data(settings, table)
    assert again.split_sha256 == data.split_sha256
    for name, values in data.train.arrays().items():
        assert np.array_equal(values, again.train.arrays()[name])


def test_its_common_weights_are_the_same_every_time(chosen, settings, data, model):
    again = initialised(chosen, settings, data, "common", 42)
    assert weights.digest(weights.current(model)) == weights.digest(weights.current(again))
    other = initialised(chosen, settings, data, "common", 43)
    assert weights.digest(weights.current(model)) != weights.digest(weights.current(other))


def test_it_learns_and_reports_its_metric(chosen, settings, data, adapter, model):
    def first(split):
        size = settings.batch_size * 2
        return adapter.batches(split.map(lambda values: values[:size]), settings.batch_size)

    train = first(data.train)
    before = chosen.evaluate(model, train)
    chosen.fit(model, train, epochs=3)
    assert chosen.evaluate(model, train)["loss"] < before["loss"]
    assert math.isfinite(chosen.evaluate(model, first(data.test))[chosen.metric.name])


def test_its_predictions_are_shown_in_its_own_unit(chosen, settings, data, model):
    for inputs, output in chosen.predictions(settings, data, model):
        assert all(type(value) is int for value in inputs.values())
        assert math.isfinite(chosen.shown(output))


EXAMPLES = {
    "user_mean": ("scenarios.md", lambda rmse: rmse < 0.3),
    "age_and_genres": ("scenarios.md", lambda rmse: rmse < 0.3),
    "digits": ("your-model.md", lambda accuracy: accuracy > 0.5),
}


@pytest.fixture
def of_the_docs(tmp_path, monkeypatch):
    """The scenarios of a page, each in a file of its name."""

    def write(page):
        text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
        for example in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            if named := re.search(r'name: ClassVar\[str\] = "(\w+)"', example):
                (tmp_path / f"{named[1]}.py").write_text(example, encoding="utf-8")
        monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path))

    return write


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_in_the_docs_trains(name, run_child, of_the_docs):
    page, learned = EXAMPLES[name]
    of_the_docs(page)
    _, record, output = run_child(scenario=name, settings={"epochs": "1"})
    assert record.status == "ok", output
    assert learned(record.quality.value)


def test_one_with_users_genres_and_weights_is_compared_by_parity(of_the_docs, table_path, backend):
    of_the_docs("scenarios.md")
    settings = scenario.parse_settings(scenario.find("age_and_genres"), {"epochs": "1"})
    cell = Cell(
        scenario="age_and_genres",
        backend=backend,
        device="cpu",
        settings=msgspec.to_builtins(settings),
    )
    task = ParityTask(
        cell=cell,
        seed=3,
        perturbations=1,
        campaign="test",
        table=str(table_path),
        harness=probe.provenance(),
    )
    record, _ = train(task, dict(os.environ))
    assert record.status == "ok"
    assert len(record.variables) >= 4
    plain, moved = record.trainings
    assert np.isfinite(plain.losses).all()
    assert all(drift < 1e-4 for drift in moved.drift.values())
