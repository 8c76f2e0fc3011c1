"""Parity on a real backend: a backend is itself, and every mutant of it is named."""

from __future__ import annotations

import contextlib
import os
import pickle
import shutil
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from harness import scenario
from harness.analysis.parity.judge import first_deviation, judge
from harness.analysis.parity.stages import Subject, compare
from harness.launch.child import run_task
from harness.launch.environments import Interpreter
from harness.records.cell import Cell
from harness.records.parity import SPARSE_DUPLICATES, STAGES, ParityRecord, ParityTask
from harness.records.trial import Provenance
from harness.store.runs import load_arrays

SETTINGS = {"data": "synthetic", "synthetic_ratings": "20000", "epochs": "1"}
"""16 steps on generated ratings: a mutant needs no more, and no test of this needs the table."""

MUTANTS = {
    "learning rate +1%": ("start", "learning_rate of the optimizer", None),
    "epsilon outside the root": ("optimizer", "update, on average", "step 1"),
    "accumulator start 0.0999": ("start", "accumulator of embedding/embeddings", None),
    "bias not trained": ("first-batch", "gradient of sequential/dense_1/bias", None),
    "bias frozen": ("start", "sequential/dense_1/bias", None),
    "batch order shifted by one": ("first-batch", "loss", None),
    "two batches swapped": ("losses", "loss", "step 7"),
    "labels scaled by 0.999": ("first-batch", "loss", None),
}
"""Each mutant, and where parity has to see it first: stage, quantity, step."""


RANDOM = {
    "rate of LSTM": ("draws", "lstm", None),
    "activation of LSTM": ("draws", "lstm", None),
    "rate of attention": ("draws", "attention/dropout", None),
    "rate": ("draws", "drop", None),
    "epsilon": ("first-batch", "loss", "output of normal"),
    "momentum": ("step-1", "normal/moving_mean", None),
    "scale": ("start", "hidden/kernel", None),
    "activation": ("first-batch", "loss", "output of hidden"),
    "one bias": ("first-batch", "loss", "output of last"),
}
"""Each mutant of a model with random layers: stage, quantity, and the layer where it begins."""


@pytest.fixture(scope="module")
def train(backend, passed_on, tmp_path_factory):
    """Run one real parity child of the (un)spoilt scenario; gives what is compared."""
    folder = tmp_path_factory.mktemp("scenarios")
    for name in ("mutants.py", "random_mutants.py"):
        shutil.copy(Path(__file__).with_name(name), folder / name)

    def run(*, name="mutants", mutant="", threads=None, perturbations=0, **settings):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HARNESS_SCENARIO_PATH", str(folder))
            patch.setenv("HARNESS_MUTANT", mutant)
            patch.setenv("HARNESS_MUTANT_BACKEND", backend)
            defaults = SETTINGS if name == "mutants" else {"batch_size": "64", "epochs": "1"}
            parsed = scenario.parse_settings(scenario.find(name), defaults | settings)
            task = ParityTask(
                cell=Cell(
                    scenario=name,
                    backend=backend,
                    device="cpu",
                    threads=threads,
                    settings=msgspec.to_builtins(parsed),
                ),
                seed=42,
                perturbations=perturbations,
                campaign="test",
                table=None,
                harness=Provenance(version="test"),
            )
            python = Interpreter(backend=backend, python=Path(sys.executable), origin="test")
            # Code that was compiled for all CPUs need not be that for one thread.
            shared = passed_on if threads is None else ()
            record, arrays = run_task(task, ParityRecord, python, timeout_s=300, pass_env=shared)
        assert record.status == "ok", record.failure
        label = mutant or f"{backend}, {threads or 'all'} threads"
        return Subject(label=label, record=record, arrays=load_arrays(arrays))

    return run


@pytest.fixture(scope="module")
def clean(train, on_all_cpus, once):
    """This backend as it is, with two trainings from moved weights."""

    def make():
        with on_all_cpus():
            return pickle.dumps(train(perturbations=2))

    return pickle.loads(once("clean.pickle", make))  # noqa: S301 - written by the lines above


def test_a_backend_on_one_thread_is_the_same_model_as_on_all(train, clean):
    pair = judge(clean, train(threads=1))
    assert pair.verdict == "same", pair.deviation
    assert {comparison.stage for comparison in pair.comparisons} == set(STAGES)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_named_where_it_is_spoilt(train, clean, mutant):
    pair = judge(clean, train(mutant=mutant))
    assert pair.verdict == "deviates"
    found = (pair.deviation.stage, pair.deviation.quantity, pair.deviation.at)
    assert found == MUTANTS[mutant]
    # Far outside, not by chance; where there is no number, a variable is trained on one side only.
    assert pair.deviation.size > 2


@pytest.fixture(scope="module")
def clean_random(train, once):
    """A model with random layers, as it is, with two trainings from moved weights."""
    return pickle.loads(  # noqa: S301 - written by the same line
        once("random.pickle", lambda: pickle.dumps(train(name="random_mutants", perturbations=2)))
    )


def test_random_layers_are_served_and_drift_by_round_off_alone(clean_random):
    record = clean_random.record
    assert {draw.layer for draw in record.draws} == {"lstm", "attention/dropout", "drop"}
    assert record.not_served == []
    assert record.reordered
    for moved in clean_random.moved:
        losses = zip(moved.losses, clean_random.training.losses, strict=True)
        assert max(abs(one - other) for one, other in losses) < 1e-5


RANDOM_HERE = [
    mutant
    for mutant in RANDOM
    if os.environ.get("KERAS_BACKEND") == "torch" or mutant in {"rate of LSTM", "momentum", "scale"}
]
"""PyTorch compiles nothing and tries them all; elsewhere each costs 20 s of compiling, and the
judge is the same."""


@pytest.mark.parametrize("mutant", RANDOM_HERE)
def test_a_mutant_of_a_model_with_random_layers_is_named(train, clean_random, mutant):
    pair = judge(clean_random, train(name="random_mutants", mutant=mutant))
    assert pair.verdict == "deviates"
    stage, quantity, layer = RANDOM[mutant]
    assert (pair.deviation.stage, pair.deviation.quantity) == (stage, quantity)
    assert pair.deviation.size > 2
    if layer:
        assert pair.layer.quantity == layer


def test_a_metric_of_weights_that_are_no_numbers_tells_nothing(train):
    """The accuracy still is a number: which of two ``nan`` is the larger, is chance."""
    trained = train(name="random_mutants", mutant="diverges in the second epoch", epochs="2")
    assert None not in trained.training.losses
    first, second = trained.training.metrics
    assert first is not None
    assert second is None


def test_the_gradients_of_the_first_batch_are_those_that_training_follows(train):
    trained = train(optimizer="sgd", learning_rate="0.5")
    start, gradients, after = (trained.of(stage) for stage in ("start", "first-batch", "step-1"))
    for variable in trained.record.variables:
        gradient = gradients[f"gradient of {variable.path}"]
        expected = start[variable.path] - np.float32(0.5) * gradient
        assert np.abs(after[variable.path] - expected).max() <= 1e-6 * np.abs(gradient).max() + 1e-7


def test_every_variable_and_slot_is_read_and_moves(clean):
    paths = [variable.path for variable in clean.record.variables]
    assert paths[:3] == [
        "embedding/embeddings",
        "embedding_1/embeddings",
        "sequential/dense/kernel",
    ]
    slots = ["learning_rate of the optimizer", *(f"accumulator of {path}" for path in paths)]
    start, after = clean.of("start"), clean.of("step-1")
    assert list(start) == [*paths, *slots]
    for name in {*paths, *slots} - {"learning_rate of the optimizer"}:
        assert (start[name] != after[name]).any(), name


def test_moved_weights_drift_and_nothing_else_is_kept_of_them(clean):
    plain, first, second = clean.record.trainings[:3]
    assert not plain.drift
    assert first.drift != second.drift
    assert 0 < first.drift["start/embedding/embeddings"] < 1e-8
    assert not clean.of("step-1", first.name)


def test_only_tensorflow_gets_slices_and_its_known_behaviour_explains_what_they_do(clean, backend):
    assert clean.record.shared_rows is (backend == "tensorflow")
    if backend != "tensorflow":
        return
    summed, predicted = (
        Subject(label=name, record=clean.record, arrays=clean.arrays, name=name)
        for name in (SPARSE_DUPLICATES.without, SPARSE_DUPLICATES.predicted)
    )
    first = first_deviation(compare(clean, summed))
    assert (first.stage, "embedding" in first.quantity) == ("step-1", True)
    assert first_deviation(compare(clean, predicted)) is None


@pytest.mark.parametrize("name", ["Adagrad", "Adam", "RMSprop", "Nadam"])
def test_the_rule_of_the_known_behaviour_is_exact_where_thousands_share_a_row(backend, name):
    if backend != "tensorflow":
        pytest.skip("only TensorFlow hands slices to the optimizer")
    import keras

    from harness.trial import backends

    rng = np.random.default_rng(0)
    rows, labels = rng.integers(0, 2, 4_000), rng.random(4_000, dtype=np.float32)
    inputs = keras.Input((), dtype="int32")
    hidden = keras.layers.Embedding(2, 4, embeddings_initializer="ones")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="ones")(hidden))
    model.compile(getattr(keras.optimizers, name)(0.1), "mse")
    model.optimizer.build(model.trainable_variables)
    start = [(v, v.numpy()) for v in (*model.variables, *model.optimizer.variables)]

    def trained(context):
        for variable, value in start:
            variable.assign(value)
        with context:
            for _ in range(3):
                model.train_on_batch(rows, labels)
        return model.layers[1].embeddings.numpy()

    adapter = backends.load(backend)
    as_it_is = trained(contextlib.nullcontext())
    summed = trained(adapter.rows_summed_first(model))
    by_hand = trained(adapter.rows_summed_first(model, squares_of_slices=True))
    change = np.abs(summed - as_it_is).max()
    assert np.abs(by_hand - as_it_is).max() < 1e-3 * change
    assert change > 1e-5


def test_weights_move_by_one_unit_in_the_last_place_and_zeros_stay():
    from harness.trial.parity.state import moved_by_one_ulp

    values = np.array([0.0, 1.0, -3.0, 1e-3] * 100, np.float32)
    moved = moved_by_one_ulp(values, np.random.default_rng(1))
    assert moved.dtype == np.float32
    assert (moved[values == 0] == 0).all()
    others = values != 0
    # A power of two has half the distance below it.
    steps = np.abs(moved - values)[others] / np.spacing(np.abs(values[others]))
    assert set(np.round(steps, 3)) <= {0.5, 1.0}
    assert (moved > values)[others].any()
    assert (moved < values)[others].any()


def test_states_that_no_list_of_variables_names_are_put_back_and_compared():
    import keras

    from harness.trial.parity.state import State

    inputs = keras.Input(batch_shape=(4, 3, 2), name="x")
    hidden = keras.layers.LSTM(5, stateful=True, name="lstm")(keras.layers.Dense(2)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
    model.compile("sgd", "mse")
    state = State(model)
    assert len(state.unlisted) == 2
    names = [state.name(variable) for variable in state.unlisted]
    model(np.ones((4, 3, 2), np.float32))
    assert all(state.read()[name].any() for name in names)
    state.restart()
    assert not any(state.read()[name].any() for name in names)
    plain = keras.Sequential([keras.Input((3, 2)), keras.layers.LSTM(5), keras.layers.Dense(1)])
    plain.compile("adam", "mse")
    assert State(plain).unlisted == []


def test_a_batch_keeps_its_examples_when_they_are_put_in_another_order():
    from harness.trial.parity.course import reordered

    split = scenario.Split(inputs={"id": np.arange(10)}, labels=np.arange(10) / 10)
    other = reordered(split, 4, np.random.default_rng(1))
    batches = [slice(0, 4), slice(4, 8), slice(8, 10)]
    assert (other.inputs["id"] != split.inputs["id"]).any()
    assert (other.inputs["id"] / 10 == other.labels).all()
    for batch in batches:
        assert set(other.inputs["id"][batch]) == set(split.inputs["id"][batch])
