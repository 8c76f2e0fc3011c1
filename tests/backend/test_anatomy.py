"""A step taken apart on a real backend: what each ablation takes away, and nothing else.

No time is asserted here: only that everything was measured, and that it was the right thing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import keras
import msgspec
import numpy as np
import pytest

from harness import scenario
from harness.analysis.anatomy import anatomies, parts_of, step_times_s
from harness.launch.child import run_task
from harness.launch.environments import Interpreter
from harness.records.anatomy import AS_IT_IS, PARTS, VARIANTS, AnatomyRecord, AnatomyTask
from harness.records.cell import Cell
from harness.records.trial import Provenance
from harness.trial import backends, weights
from harness.trial.anatomy import ablate
from harness.trial.anatomy.dissect import TooFewStepsError, first_steps
from harness.trial.anatomy.variants import Subjects

SETTINGS = {"data": "synthetic", "synthetic_ratings": "5000", "batch_size": "900"}
"""4,000 ratings to train on: four batches of 900 and one of 400."""
STEPS = 5

NEEDY = """
from scenarios.ranking import Ranking

class Needy(Ranking):
    name = "needy"

    def model(self, settings, data):
        model = super().model(settings, data)
        step = model.train_step

        def train_step(*arguments):
            if model._compile_metrics is None:
                raise TypeError("this train step needs its metrics")
            return step(*arguments)

        model.train_step = train_step
        return model

SCENARIO = Needy()
"""


def parsed(name="ranking", **changes):
    return scenario.parse_settings(scenario.find(name), SETTINGS | changes)


def task(backend, **changes):
    fields = {"scenario": "ranking", "rounds": 2, "epochs": 1, "steps": None} | changes
    name = fields.pop("scenario")
    cell = Cell(
        scenario=name,
        backend=backend,
        device="cpu",
        settings=msgspec.to_builtins(parsed(name)),
    )
    return AnatomyTask(
        cell=cell,
        seed=42,
        process=1,
        campaign="test",
        run_id="run",
        table=None,
        harness=Provenance(version="test"),
        **fields,
    )


@pytest.fixture(scope="module")
def python(backend):
    return Interpreter(backend=backend, python=Path(sys.executable), origin="test")


def run(task, python):
    return run_task(task, AnatomyRecord, python, timeout_s=300).record


@pytest.fixture(scope="module")
def record(backend, python):
    """One real process, briefly."""
    left = run(task(backend), python)
    assert left.status == "ok", left.failure
    return left


@pytest.fixture(scope="module")
def subjects(backend):
    """The variants of the scenario in this process."""
    chosen, settings = scenario.find("ranking"), parsed()
    return Subjects(
        chosen,
        settings,
        chosen.data(settings, None),
        init="common",
        seed=42,
        adapter=backends.load(backend),
        steps=STEPS,
    )


@pytest.fixture
def steps_seen(monkeypatch):
    """Counts the hooks after a step, and the batch sizes that a model is trained on."""
    seen = []
    hook = keras.callbacks.CallbackList.on_train_batch_end

    def note(self, batch, logs=None):
        seen.append(batch)
        return hook(self, batch, logs)

    monkeypatch.setattr(keras.callbacks.CallbackList, "on_train_batch_end", note)
    return seen


def test_every_variant_was_measured_in_every_round(record):
    assert [variant.name for variant in record.variants] == list(VARIANTS)
    for variant in record.variants:
        assert variant.why is None
        assert [visit.round for visit in variant.visits] == [1, 2]
        assert all(len(visit.epochs_s) == 1 for visit in variant.visits)
    assert (record.steps, record.examples, record.synthetic) == (STEPS, 4_000, True)
    assert (record.optimizer, record.metrics) == ("Adagrad", ["root_mean_squared_error"])
    assert record.disturbance is not None


def test_all_parts_are_there_and_add_up_to_the_step(record):
    times = step_times_s(record)
    parts = parts_of(times)
    assert sorted(parts) == sorted((part,) for part in PARTS)
    assert sum(parts.values()) == pytest.approx(times[AS_IT_IS], rel=1e-9)
    (anatomy,) = anatomies([record])
    assert anatomy.absent == []


def test_the_inert_optimizer_leaves_weights_alone_and_gradients_alive(subjects, backend):
    subject = subjects.make("inert optimizer")
    before = weights.digest(weights.current(subject.model))
    subject.time_s(2)
    subjects.check()
    assert weights.digest(weights.current(subject.model)) == before
    if backend == "torch":
        kept = [v.value.grad.cpu().numpy() for v in subject.model.trainable_variables]
    else:
        kept = [keras.ops.convert_to_numpy(v.value) for v in subject.model.optimizer.kept]
    expected = subjects._adapter.gradients(subject.model, *_last_batch(subjects)).values
    if backend == "tensorflow":
        # Of a table, the values of all slices: they add up to what the whole gradient does.
        expected = [np.sum(gradient) for gradient in expected]
    for found, gradient in zip(kept, expected, strict=True):
        np.testing.assert_allclose(found, gradient, rtol=1e-3, atol=1e-5)


def test_a_step_really_trains_where_the_optimizer_is_not_inert(subjects):
    for name in (AS_IT_IS, "no callbacks", "no metrics", "batches at hand"):
        subject = subjects.make(name)
        before = weights.digest(weights.current(subject.model))
        subject.time_s(1)
        assert weights.digest(weights.current(subject.model)) != before, name


def test_without_callbacks_nothing_follows_a_step_and_epochs_are_still_timed(subjects, steps_seen):
    subjects.make(AS_IT_IS).time_s(1)
    assert steps_seen == list(range(STEPS))
    assert len(subjects.make("no callbacks").time_s(2)) == 2
    assert steps_seen == list(range(STEPS))
    subjects.make(AS_IT_IS).time_s(1)
    assert len(steps_seen) == 2 * STEPS


def test_without_metrics_there_is_no_state_of_one_left(subjects):
    subject = subjects.make("no metrics")
    subject.time_s(1)
    assert subject.model.metrics_variables == []
    assert subject.model.get_metrics_result() == {"loss": 0.0}
    assert subjects.whole.metrics_variables != []


def test_batches_at_hand_are_those_of_the_pipeline(subjects):
    subjects.make("batches at hand").time_s(1)
    batches = subjects._batches_at_hand._batches
    train = subjects._data.train
    assert [len(labels) for _, labels in batches] == [900, 900, 900, 900, 400]
    labels = np.concatenate([keras.ops.convert_to_numpy(labels) for _, labels in batches])
    np.testing.assert_array_equal(labels, train.labels)
    for name, values in train.inputs.items():
        found = [keras.ops.convert_to_numpy(inputs[name]) for inputs, _ in batches]
        np.testing.assert_array_equal(np.concatenate(found), values)


def test_batches_at_hand_train_to_the_same_weights_as_the_pipeline(backend):
    chosen, settings = scenario.find("ranking"), parsed(learning_rate="0.01")
    data, adapter = chosen.data(settings, None), backends.load(backend)
    found = []
    for name in ("no metrics", "batches at hand"):
        one = Subjects(chosen, settings, data, init="common", seed=42, adapter=adapter, steps=STEPS)
        subject = one.make(name)
        if name == "batches at hand":
            # TensorFlow's first epoch begins with a batch of another size.
            start = [np.array(value) for value in weights.current(subject.model)]
            subject.time_s(1)
            weights.assign(subject.model, start)
            for variable in subject.model.optimizer.variables:
                if variable.path.endswith("_accumulator"):
                    variable.assign(np.full(variable.shape, 0.1, np.float32))
        subject.time_s(1)
        found.append(weights.current(subject.model))
    for first, second in zip(*found, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-6)


def test_one_example_has_the_same_layers_with_tables_of_one_row(subjects):
    subject = subjects.make("one example")
    subject.time_s(1)
    shapes = [tuple(v.shape) for v in subject.model.trainable_variables]
    whole = [tuple(v.shape) for v in subjects.whole.trainable_variables]
    assert shapes[:2] == [(1, 32), (1, 32)]
    assert shapes[2:] == whole[2:]
    layer = keras.layers.Embedding(7, 2)
    layer.build()
    assert layer.embeddings.shape[0] == 7, "the ablation must not outlive its variant"


def test_one_example_is_the_first_with_ids_that_every_table_has():
    split = scenario.Split(
        inputs={"id": np.array([5, 6], np.int32), "score": np.array([[0.5], [0.6]], np.float32)},
        labels=np.array([1.0, 0.0], np.float32),
    )
    one = ablate.one_example(split, 3)
    assert one.inputs["id"].tolist() == [0, 0, 0]
    assert one.inputs["score"].tolist() == [[0.5]] * 3
    assert one.labels.tolist() == [1.0] * 3


def test_an_epoch_can_be_cut_short_but_not_made_longer(subjects):
    data = subjects._data
    assert len(first_steps(data, 2, 900).train.labels) == 1_800
    assert first_steps(data, None, 900) is data
    with pytest.raises(TooFewStepsError, match="--steps"):
        first_steps(data, 5, 900)


def test_an_ablation_that_a_scenario_does_not_allow_is_told(backend, python, tmp_path, monkeypatch):
    (tmp_path / "needy.py").write_text(NEEDY, encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path))
    left = run(task(backend, scenario="needy", rounds=1, steps=2), python)
    assert left.status == "ok", left.failure
    (anatomy,) = anatomies([left])
    assert {one.name for one in anatomy.absent} >= {"no metrics"}
    assert "this train step needs its metrics" in anatomy.absent[0].why
    assert ["callbacks"] in [part.names for part in anatomy.parts]
    assert anatomy.sum_s == pytest.approx(step_times_s(left)[AS_IT_IS], rel=1e-9)


def test_a_cell_that_cannot_be_measured_leaves_a_record_that_tells_why(backend, python):
    left = run(task(backend, steps=1_000), python)
    assert (left.status, left.failure.exit_code) == ("failed", 1)
    assert "ask for fewer with --steps" in left.failure.reason


def _last_batch(subjects):
    train = subjects._data.train
    rows = slice(900 * (STEPS - 1), None)
    return {name: values[rows] for name, values in train.inputs.items()}, train.labels[rows]
