"""MLflow's own client finds a run for each trial, with all of its samples."""

from __future__ import annotations

import json
import os
import shutil
import warnings

import pytest

from harness.analysis.study import study_of

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # before the import below
mlflow = pytest.importorskip("mlflow", reason="MLflow comes with the extra mlflow")

from mlflow.tracking import MlflowClient  # noqa: E402

from harness.errors import UnavailableError  # noqa: E402
from harness.report.exports import mlflow_runs  # noqa: E402

# MLflow 3.17 uses what SQLAlchemy 2.1 deprecates, each time that it opens a store.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    """A store without runs: making its tables takes MLflow longer than everything else here."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        MlflowClient(tracking_uri=f"sqlite:///{path}")
    return path


@pytest.fixture
def runs(tmp_path, monkeypatch, empty_store):
    """The runs of a content in the order of its trials, read back, and the client."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mlflow.db"
    shutil.copy(empty_store, path)

    def read(content):
        said = mlflow_runs.write(content, path)
        client = MlflowClient(tracking_uri=f"sqlite:///{path}")
        experiment = client.get_experiment_by_name(mlflow_runs.EXPERIMENT)
        found = client.search_runs([experiment.experiment_id])
        by_trial = {run.data.tags[mlflow_runs.TRIAL_TAG]: run for run in found}
        assert len(by_trial) == len(found)
        return [by_trial[mlflow_runs.fingerprint(r)] for r in content.records], client, said

    return read


def test_there_is_a_run_for_each_trial_with_its_cell_and_versions(runs, content):
    found, _, said = runs(content)
    assert said == ["6 runs added to the experiment keras-backend-harness."]
    assert found[0].data.params["backend"] == "jax"
    assert found[0].data.params["setting.batch_size"] == "1000"
    assert found[0].data.tags["version.keras"] == "3.15.1"


def test_samples_are_the_floats_of_the_record_with_the_epoch_as_step(runs, content):
    found, client, _ = runs(content)
    for run, record in zip(found, content.records, strict=True):
        history = client.get_metric_history(run.info.run_id, "epoch_wall_s")
        assert {m.step: m.value for m in history} == {e.index: e.wall_s for e in record.epochs}


def test_the_trials_figures_are_metrics_too(runs, content):
    found, _, _ = runs(content)
    assert found[0].data.metrics["quality"] == content.records[0].quality.value
    assert found[0].data.metrics["peak_rss_bytes"] == 600_000_000
    assert found[0].data.metrics["step_time_s"] == pytest.approx(0.0021 + 1 / 30_000, rel=1e-12)


def test_failed_trials_are_failed_runs_with_their_reason_and_without_a_step_time(runs, content):
    found, _, _ = runs(content)
    assert [run.info.status for run in found] == ["FINISHED"] * 4 + ["FAILED"] * 2
    assert found[4].data.tags["harness.failure"] == "killed by SIGSEGV"
    assert "step_time_s" not in found[5].data.metrics


def test_a_trial_is_added_only_once(runs, content, records):
    runs(study_of(records[:2]))
    found, _, said = runs(content)
    assert len(found) == len(records)
    assert said == [
        "4 runs added to the experiment keras-backend-harness.",
        "2 trials were there already.",
    ]


def test_synthetic_data_are_said_in_the_runs_name_and_tag(runs, synthetic):
    found, _, _ = runs(synthetic)
    assert found[0].info.run_name == "jax cpu fit seed 1 SYNTHETIC"
    assert found[0].data.tags["harness.synthetic"] == "True"


def test_hostile_strings_come_back_as_they_were_or_cut_and_counted(runs, all_hostile):
    content = study_of(r for one in all_hostile.values() for r in one.records)
    found, _, said = runs(content)
    for run, record in zip(found, content.records, strict=True):
        text = record.cell.scenario
        assert run.data.params["setting.x"] == text[: mlflow_runs.LONGEST_PARAMETER]
        if len(text) < mlflow_runs.LONGEST_PARAMETER:
            assert json.loads(run.data.tags["harness.cell"])["settings"][text] == 1
    assert said[-1].endswith("texts were cut to the length that MLflow takes.")


def test_a_store_is_made_where_there_is_none_and_nothing_beside_it(
    make_record, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    mlflow_runs.write(study_of([make_record()]), tmp_path / "new/mlflow.db")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "new/mlflow.db"]


def test_a_file_that_is_no_store_is_an_error_that_says_so(content, tmp_path):
    (tmp_path / "x.db").write_text("no database, but long enough to be looked at " * 100)
    with pytest.raises(UnavailableError, match=r"x\.db.*--output"):
        mlflow_runs.write(content, tmp_path / "x.db")
