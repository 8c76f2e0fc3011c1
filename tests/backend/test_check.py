"""What `harness check` finds on a real backend: a good scenario, and one with each rule broken."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import keras
import pytest

from harness import probe, scenario, scenario_files
from harness.first_version import minimal, of_script
from harness.first_version.slices import EVALUATE, FIT
from harness.records.cell import Cell
from harness.records.check import CheckTask
from harness.trial.check.look import look

PROGRAMS = sorted((Path(__file__).parents[1] / "programs").glob("[a-z]*.py"))


@pytest.fixture
def looked(tmp_path, monkeypatch, backend):
    """What is said of a scenario called ``mine`` with that text."""

    def looked(text):
        (tmp_path / "mine.py").write_text(text, encoding="utf-8")
        monkeypatch.setenv(scenario_files.SEARCH_PATH_VARIABLE, str(tmp_path))
        scenario_files.load.cache_clear()
        found = scenario.find("mine")
        settings = scenario.parse_settings(found)
        values = {name: getattr(settings, name) for name in type(settings).__struct_fields__}
        task = CheckTask(
            cell=Cell(scenario="mine", backend=backend, device="cpu", settings=values),
            seed=3,
            campaign="",
            table=None,
            harness=probe.provenance(),
        )
        return look(task, dict(os.environ))

    return looked


def broken(answer):
    return {line.rule: line.seen for line in answer.lines if line.status == "not ok"}


OWN = """
    def fit(self, model, train, *, epochs, initial_epoch=0, callbacks=None):
        model.fit(
            train,
            epochs=epochs,
            initial_epoch=initial_epoch,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )

    def evaluate(self, model, test):
        return model.evaluate(test, return_dict=True, verbose=0)
"""
MINIMAL = minimal("mine")
GOOD = MINIMAL.replace("\n\nSCENARIO =", f"{OWN}\n\nSCENARIO =")


@pytest.mark.parametrize("text", [MINIMAL, GOOD], ids=["as made", "with methods of its own"])
def test_a_small_one_keeps_the_contract(looked, text):
    answer = looked(text)
    assert not broken(answer), answer
    rules = [line.rule for line in answer.lines if line.status == "ok"]
    assert rules == ["data", "model", "metric", "fit", "evaluate", "parity", "modes"]
    (refused,) = [line.seen for line in answer.lines if line.status == "note"]
    assert refused.startswith("native is refused: mine has no native code")
    assert answer.data
    assert answer.initial_weights


CHANGES = {
    "data: another each time": ("default_rng(0)", "default_rng()", "data", "fixed seed"),
    "data: lengths": ("split(6_400)", "Split(inputs=1, labels=2)", "data", "not an array"),
    "data: no Data": ("return Data(", "return dict(", "data", "give harness.scenario.Data"),
    "data: another hash": (
        "split_sha256=content_sha256(train, test)",
        "split_sha256=str(id(train))",
        "data",
        "split_sha256 is another one",
    ),
    "model: not compiled": ("model.compile(", "(lambda *_, **__: None)(", "model", "not compiled"),
    "model: raises": ("keras.layers.Dense(1,", "keras.layers.Dens(1,", "model", "mine.py, line"),
    "metric: another name": ('name="accuracy"', 'name="acuracy"', "metric", "did you mean"),
    "metric: direction": (
        'direction="higher"',
        'direction="lower"',
        "metric",
        "Keras takes higher",
    ),
    "metric: no direction": ('direction="higher"', 'direction="up"', "metric", "lower or higher"),
    "fit: order": ("shuffle=False,", "shuffle=True,", "fit", "shuffles the batches"),
    "fit: callbacks": ("callbacks=callbacks,", "", "fit", "its callbacks saw none"),
    "fit: epochs": ("initial_epoch=initial_epoch,", "", "fit", "saw [0, 0, 1]"),
    "fit: diverges": ('"adam"', "keras.optimizers.SGD(float('inf'))", "fit", "learning rate"),
    "evaluate: no dictionary": ("return_dict=True", "return_dict=False", "metric", "return_dict"),
    "prediction": (
        "SCENARIO =",
        "Mine.prediction_inputs = lambda *_: 1 / 0\n\nSCENARIO =",
        "prediction",
        "ZeroDivisionError",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_broken_rule_is_said_with_its_remedy(looked, backend, change):
    if change == "fit: order" and backend == "tensorflow":
        pytest.skip("Keras leaves a tf.data.Dataset in its order")
    old, new, rule, why = CHANGES[change]
    if change == "fit: diverges" and backend == "torch":
        why = "between 0 and 1"  # PyTorch's own loss refuses what is no probability
    text = GOOD.replace(old, new)
    assert text != GOOD
    assert why in broken(looked(text)).get(rule, "")


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_a_scenario_made_of_a_script_keeps_the_contract(looked, program):
    assert not broken(looked(of_script("mine", program)))


@pytest.mark.parametrize("program", PROGRAMS[:1], ids=lambda program: program.stem)
def test_and_it_trains(run_child, tmp_path, monkeypatch, program):
    (tmp_path / "mine.py").write_text(of_script("mine", program), encoding="utf-8")
    monkeypatch.setenv(scenario_files.SEARCH_PATH_VARIABLE, str(tmp_path))
    _, record, output = run_child(scenario="mine", settings={"epochs": "1"})
    assert record.status == "ok", output


@pytest.mark.parametrize(("method", "known"), [("fit", FIT), ("evaluate", EVALUATE)])
def test_arguments_by_position_are_those_of_keras(method, known):
    signature = inspect.signature(getattr(keras.Model, method))
    assert list(signature.parameters)[1 : len(known) + 1] == list(known)
