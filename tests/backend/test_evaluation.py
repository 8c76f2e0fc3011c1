"""A metric that `evaluate` does not give is refused before training, and asking changes nothing."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from harness.scenario import Metric, parse_settings
from harness.trial import backends, evaluation, weights
from harness.trial.evaluation import MetricError
from harness.trial.initial import initialised
from harness.trial.prepared import Prepared
from tests.backend.forms import CASES, Forms


def named(name):
    return Metric(
        name=name,
        label="test",
        direction="lower",
        reference=None,
        source="",
        target=None,
        tolerance=1e-3,
    )


def prepare(backend, chosen, case="array", model=None):
    settings = parse_settings(chosen, {"case": case})
    data = chosen.data(settings, None)
    return Prepared(
        chosen=chosen,
        settings=settings,
        data=data,
        adapter=backends.load(backend),
        model=model or initialised(chosen, settings, data, "common", 1),
    )


def asked(prepared):
    test = prepared.adapter.batches(prepared.data.test, prepared.settings.batch_size)
    evaluation.require(prepared, test)


@pytest.mark.parametrize("case", CASES)
def test_the_names_are_those_that_evaluate_gives(case, backend):
    prepared = prepare(backend, Forms(), case)
    names = evaluation.names(prepared)
    test = prepared.adapter.batches(prepared.data.test, 25)
    assert set(names) == set(prepared.chosen.evaluate(prepared.model, test))


def test_a_wrong_name_is_refused_with_the_valid_ones(backend):
    class Wrong(Forms):
        metric = named("acuracy")

    with pytest.raises(MetricError, match=r"unknown metric 'acuracy'.* kind_loss, loss, number_l"):
        asked(prepare(backend, Wrong(), "outputs by name"))


class Renamed(Forms):
    """Gives Keras' figures under names of its own."""

    metric = named("error")

    def evaluate(self, model, test):
        loss = model.evaluate(test, verbose=0)
        return {"error": loss, "half": loss / 2}


def test_an_evaluate_of_ones_own_is_asked_without_computing(backend, monkeypatch):
    prepared = prepare(backend, Renamed())
    monkeypatch.setattr(
        type(prepared.model), "make_test_function", lambda *_, **__: pytest.fail("computed")
    )
    monkeypatch.setattr(evaluation, "TEST_METHODS", ())
    asked(prepared)

    class Wrong(Renamed):
        metric = named("loss")

    with pytest.raises(MetricError, match=r"unknown metric 'loss'.*Valid: error, half"):
        asked(prepare(backend, Wrong(), model=prepared.model))


class Predicting(Forms):
    """Needs values, and changes the state of NumPy."""

    def evaluate(self, model, test):
        outputs = model.predict(test, verbose=0)
        np.random.random(3)  # noqa: NPY002
        return {"loss": outputs.std(), "list": [1.0, 2.0]}


def test_an_evaluate_that_predicts_is_asked_for_real(backend):
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    asked(prepare(backend, Predicting()))
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002

    class Wrong(Predicting):
        metric = named("list")

    with pytest.raises(MetricError, match=r"gives a list of shape \[2\] for list"):
        asked(prepare(backend, Wrong()))


class OwnTest(keras.Model):
    """Names its metrics in a way that only its own code knows."""

    def evaluate(self, *arguments, **named):
        return {"mine": super().evaluate(*arguments, **named)["loss"]}


class OwnModel(Forms):
    """A model that tests in a way of its own, with statistics that it counts."""

    metric = named("mine")

    def model(self, settings, data):
        x = keras.Input((5,))
        normal = keras.layers.BatchNormalization()
        model = OwnTest(x, keras.layers.Dense(1)(keras.layers.Dropout(0.5, seed=1)(normal(x))))
        model.compile(optimizer=keras.optimizers.Adagrad(0.05), loss="mse")
        return model


def test_a_model_that_tests_by_itself_evaluates_one_batch(backend):
    prepared = prepare(backend, OwnModel())
    with pytest.raises(TypeError, match="its own evaluate"):
        evaluation.names(prepared)
    asked(prepared)

    class Wrong(OwnModel):
        metric = named("loss")

    with pytest.raises(MetricError, match=r"Valid: mine"):
        asked(prepare(backend, Wrong(), model=prepared.model))


@pytest.mark.parametrize("chosen", [Forms(), OwnModel()], ids=["Keras'", "its own"])
def test_asking_changes_no_bit_of_the_training(chosen, backend):
    found = []
    for ask in (False, True):
        prepared = prepare(backend, chosen)
        if ask:
            asked(prepared)
        train = prepared.adapter.batches(prepared.data.train, 25)
        chosen.fit(prepared.model, train, epochs=2)
        found.append(weights.digest(weights.current(prepared.model)))
    assert found[0] == found[1]


def test_the_scenarios_own_error_is_told_as_it_is(backend):
    class Failing(Forms):
        def evaluate(self, model, test):
            return {"loss": model.evaluate(test, return_dict=True, verbose=0)["accuracy"]}

    with pytest.raises(KeyError, match="accuracy"):
        asked(prepare(backend, Failing()))


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ([0.5, 0.6], r"gives a list, not a dictionary.*return_dict=True"),
        (0.5, r"gives a float, not a dictionary"),
        ({}, r"unknown metric 'x'"),
        ({"x": None}, r"gives None for x"),
        ({"x": "high"}, r"gives a str for x"),
        ({"x": np.ones((2, 3))}, r"gives a ndarray of shape \[2, 3\] for x"),
        ({"x": {"y": 1.0}}, r"gives a dict for x"),
    ],
)
def test_what_is_no_number_is_told(results, told):
    with pytest.raises(MetricError, match=told):
        evaluation.value_of(named("x"), results)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array(0.5), 1, True])
def test_a_number_of_any_kind_is_taken(value):
    assert evaluation.value_of(named("x"), {"x": value}) == float(value)
    tensor = keras.ops.convert_to_tensor(0.25)
    assert evaluation.value_of(named("x"), {"x": tensor}) == 0.25
    assert np.isnan(evaluation.value_of(named("x"), {"x": float("nan")}))
