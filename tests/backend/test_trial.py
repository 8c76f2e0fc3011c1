"""A trial on a real backend: what it measures, and that it trains the tutorial's model."""

from __future__ import annotations

import math
import sys

import pytest

from harness.trial import backends
from harness.trial.measure import MINIMUM_TIMED_EPOCHS

RMSE_OF_SEED_42 = 0.26085
"""Test RMSE after five epochs from the common weights of seed 42, measured on JAX."""


def test_it_learns_what_the_other_backends_learn(good_record):
    # Any two backends within 5e-4, so each within half of that of the one figure.
    assert good_record.quality.value == pytest.approx(RMSE_OF_SEED_42, abs=2.5e-4)


def test_two_processes_with_one_seed_learn_the_same_to_six_digits(
    run_child, good_record, on_all_cpus
):
    with on_all_cpus():  # as the other one: sums are cut up by the number of threads
        _, again, _ = run_child()
    assert round(again.quality.value, 6) == round(good_record.quality.value, 6)
    assert again.hashes.initial_weights == good_record.hashes.initial_weights


def test_the_tutorials_own_initialisation_learns_as_published(run_child, good_record):
    _, record, _ = run_child(init="keras")
    assert 0.252 <= record.quality.value <= 0.269
    assert record.hashes.initial_weights != good_record.hashes.initial_weights


def test_the_record_holds_every_raw_sample(good_record):
    learning = [epoch for epoch in good_record.epochs if epoch.phase == "quality"]
    timing = [epoch for epoch in good_record.epochs if epoch.phase == "timing"]
    assert [epoch.index for epoch in good_record.epochs] == list(range(len(good_record.epochs)))
    assert len(learning) == 5
    assert all(epoch.metric is not None and epoch.evaluate_s > 0 for epoch in learning)
    assert sum(not epoch.warm_up for epoch in timing) >= MINIMUM_TIMED_EPOCHS
    assert all(epoch.steps == 80 and epoch.examples == 80_000 for epoch in good_record.epochs)
    assert learning[0].train_loss > learning[-1].train_loss
    assert good_record.quality.value == learning[-1].metric


def test_every_epoch_tells_the_cpu_time_of_all_threads(good_record):
    cores = good_record.environment.cpu.logical_cores
    for epoch in good_record.epochs:
        assert 0 < epoch.cpu_s < 1.1 * cores * epoch.wall_s + 0.02


def test_the_first_step_is_part_of_the_first_epoch(good_record):
    assert 0 < good_record.phases.first_step_s < good_record.epochs[0].wall_s


def test_the_phases_add_up_to_no_more_than_the_whole(good_record):
    phases = good_record.phases
    trained_s = sum(epoch.wall_s + (epoch.evaluate_s or 0) for epoch in good_record.epochs)
    parts_s = phases.import_s + phases.data_s + phases.build_s + phases.predict_s + trained_s
    assert parts_s <= phases.total_s


def test_the_record_tells_what_really_ran(good_record, backend):
    assert good_record.engine["jit_compile"] is (backend == "jax")
    assert good_record.engine["run_eagerly"] is False
    assert good_record.engine["floatx"] == "float32"
    assert good_record.environment.packages["keras"] == good_record.engine["keras"]
    assert good_record.environment.variables["KERAS_BACKEND"] == backend
    assert good_record.memory.peak_rss_bytes > 100_000_000
    assert good_record.memory.peak_device_bytes is None


def test_the_device_is_where_the_variables_are(good_record):
    assert good_record.device.kind == "cpu"
    assert "cpu" in good_record.device.framework_id.lower()
    assert good_record.device.name == good_record.environment.cpu.model


def test_user_42_gets_stars_for_the_tutorials_movies(good_record):
    assert [p.inputs["movie_id"] for p in good_record.predictions] == [204, 141, 131]
    for prediction in good_record.predictions:
        assert prediction.inputs["user_id"] == 42
        assert 1 < prediction.shown < 5
        assert math.isclose(prediction.shown, 1 + 4 * prediction.output)


def test_settings_reach_the_model_and_the_record(run_child, good_record):
    _, record, _ = run_child(settings={"batch_size": "4096", "embedding_dimension": "8"})
    assert record.status == "ok"
    assert record.cell.settings["batch_size"] == 4096
    assert {epoch.steps for epoch in record.epochs} == {20}
    assert record.hashes.initial_weights != good_record.hashes.initial_weights
    assert record.hashes.split == good_record.hashes.split


def test_generated_ratings_need_no_table_and_say_so(run_child):
    settings = {"data": "synthetic", "synthetic_ratings": "20000", "epochs": "1"}
    _, record, output = run_child(settings=settings)
    assert record.status == "ok", output
    assert record.synthetic


def test_threads_are_set_as_asked(run_child, backend, on_all_cpus):
    with on_all_cpus():
        _, record, _ = run_child(threads=1, settings={"epochs": "1"})
    if backend == "torch":
        assert record.engine["threads"] == 1
    elif backend == "tensorflow":
        assert record.engine["intra_op_threads"] == record.engine["inter_op_threads"] == 1
    else:
        assert record.environment.variables["NPROC"] == "1"


def test_a_gpu_that_is_not_there_is_refused_before_training(run_child, backend):
    if "gpu" in backends.load(backend).kinds():
        pytest.skip("this machine has a usable GPU")
    code, record, output = run_child(device="gpu")
    assert (code, record.status) == (1, "failed")
    assert "no usable gpu" in record.failure.reason
    assert not record.epochs
    assert "Traceback" not in output


def test_a_trial_refuses_to_run_on_another_backend_than_its_cell_names(run_child, backend):
    # `numpy` is a backend of Keras that needs no further framework.
    code, record, _ = run_child(variables={"KERAS_BACKEND": "numpy"})
    assert (code, record.status) == (1, "failed")
    assert f"the cell names {backend}, but Keras runs on numpy" in record.failure.reason


def test_a_scenario_that_raises_leaves_a_record_with_its_traceback(run_child, tmp_path):
    (tmp_path / "broken.py").write_text(
        "from scenarios.ranking import Ranking\n"
        "class Broken(Ranking):\n"
        "    name = 'broken'\n"
        "    def model(self, settings, data):\n"
        "        raise RuntimeError('no such layer')\n"
        "SCENARIO = Broken()\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path))
        code, record, _ = run_child(scenario="broken")
    assert (code, record.status) == (1, "failed")
    assert record.failure.reason == "broken.py, line 5: RuntimeError: no such layer"
    assert record.failure.origin.path == str(tmp_path / "broken.py")
    assert record.failure.origin.text == "raise RuntimeError('no such layer')"
    assert "broken.py" in record.failure.output_tail


@pytest.mark.parametrize("other", ["jax", "tensorflow", "torch"])
def test_this_environment_has_no_other_framework(other, backend):
    import importlib.util

    assert (importlib.util.find_spec(other) is not None) is (other == backend)
    assert (other in sys.modules) <= (other == backend)
