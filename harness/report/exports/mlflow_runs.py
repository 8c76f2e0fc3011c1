"""MLflow runs in a local SQLite store: one for each trial, failed ones included.

Parameters are the cell and its settings, metrics the trial's figures and, with the epoch as step,
its raw samples; tags are versions, machine and status. ``mlflow ui --backend-store-uri
sqlite:///mlflow.db`` shows them. A trial that the store already has is not added again.

MLflow takes only some characters in a name and so many in a value. A setting whose name it does not
take stands only in the tag ``harness.cell``, which holds the whole cell as JSON; what is longer
than it takes is cut, and the number of cut texts is told.

Source: https://mlflow.org/docs/latest/api_reference/python_api/mlflow.client.html, and
``mlflow/utils/validation.py`` (3.17) for the limits.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from harness.analysis.figures import read_all
from harness.analysis.rows import versions
from harness.analysis.study import Study
from harness.analysis.work import started
from harness.errors import UnavailableError
from harness.records.trial import Record
from harness.report.exports.content import SYNTHETIC, epoch_step_time_s

EXPERIMENT = "keras-backend-harness"
TRIAL_TAG = "harness.record_sha256"
LONGEST_PARAMETER = 6_000
LONGEST_TAG = 5_000  # 8,000 in MLflow 3, fewer in the stores of older ones
METRICS_AT_ONCE = 1_000
OTHERS_AT_ONCE = 100
NAME = re.compile(r"[\w\-. ]{1,250}", re.ASCII)
"""Names that MLflow takes. It takes ``/`` and ``:`` too, but not everywhere."""

STATUS = {"ok": "FINISHED", "killed": "KILLED", "interrupted": "KILLED"}
"""MLflow's status of a run; every other status of a trial is ``FAILED``."""

Entry = tuple[str, float, int, int]
"""A metric: name, value, time in milliseconds since 1970, step."""


def write(study: Study, path: Path) -> list[str]:
    """Add the trials that the store at ``path`` does not have yet; make the store if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    client = _client(path)
    experiment = _experiment(client, path)
    known = set(_known(client, experiment))
    new = [record for record in study.records if fingerprint(record) not in known]
    cut = 0
    for record in new:
        cut += _add(client, experiment, record)
    said = [f"{len(new):,} runs added to the experiment {EXPERIMENT}."]
    if len(new) < len(study.records):
        said.append(f"{len(study.records) - len(new):,} trials were there already.")
    if cut:
        said.append(f"{cut:,} texts were cut to the length that MLflow takes.")
    return said


def fingerprint(record: Record) -> str:
    """SHA-256 of a record, by which it is found again."""
    return hashlib.sha256(msgspec.json.encode(record, order="deterministic")).hexdigest()


def parameters(record: Record) -> dict[str, str]:
    """The cell and the seed as parameters; settings whose names MLflow does not take are not."""
    cell = record.cell
    given: dict[str, object] = {
        "scenario": cell.scenario,
        "backend": cell.backend,
        "device": cell.device,
        "mode": cell.mode,
        "init": cell.init,
        "threads": cell.threads,
        "seed": record.seed,
        "repetition": record.repetition,
    }
    given |= {"environment": cell.name} if cell.name else {}
    given |= {f"setting.{name}": value for name, value in cell.settings.items()}
    return {name: str(value) for name, value in given.items() if NAME.fullmatch(name)}


def tags(record: Record) -> dict[str, str]:
    """Versions, machine and status. MLflow's name of a run says whether the data are synthetic."""
    mark = f" {SYNTHETIC}" if record.synthetic else ""
    found: dict[str, object] = {
        TRIAL_TAG: fingerprint(record),
        "mlflow.runName": f"{record.cell.label} seed {record.seed}{mark}",
        "harness.status": record.status,
        "harness.synthetic": record.synthetic,
        "harness.cell": msgspec.json.encode(record.cell).decode(),
        "harness.campaign": record.campaign,
        "harness.round": record.round,
        "harness.version": record.harness.version,
        "harness.commit": record.harness.commit,
        "harness.scenario_version": record.scenario_version,
        "harness.failure": record.failure and record.failure.reason,
        "harness.machine": record.environment and record.environment.machine_id,
    }
    found |= {f"version.{name}": version for name, version in versions(record).items()}
    return {name: str(value) for name, value in found.items() if value is not None}


def metrics(record: Record) -> Iterator[Entry]:
    """The raw samples with their epoch as step, then the trial's own figures at step 0."""
    began_ms = now_ms = started(record) * 1000
    for epoch in record.epochs:
        now_ms += (epoch.wall_s + (epoch.evaluate_s or 0.0)) * 1000
        sample = {
            "epoch_wall_s": epoch.wall_s,
            "epoch_step_time_s": epoch_step_time_s(epoch),
            "epoch_cpu_s": epoch.cpu_s,
            "epoch_train_loss": epoch.train_loss,
            "epoch_metric": epoch.metric,
        }
        for name, value in sample.items():
            if value is not None:
                yield name, value, round(now_ms), epoch.index
    quality = record.quality
    figures = read_all(record) | {
        "quality": quality.value if quality else None,
        "time_to_target_s": quality.time_to_target_s if quality else None,
    }
    for name, figure in figures.items():
        if figure is not None:
            yield name, figure, round(began_ms + record.duration_s * 1000), 0


def _client(path: Path) -> Any:
    # An export must not tell MLflow's makers that it ran; read when MLflow is imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    for name in ("mlflow", "alembic"):  # making the tables is announced at length
        logging.getLogger(name).setLevel(logging.WARNING)
    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return MlflowClient(tracking_uri=f"sqlite:///{path.resolve()}")
    except (CommandError, MlflowException, SQLAlchemyError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UnavailableError(
            f"{path} cannot be opened as a store of MLflow runs: {reason}. Name a new file with "
            "--output, or bring an older store up to date with `mlflow db upgrade`"
        ) from None


def _experiment(client: Any, path: Path) -> str:
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    # Runs have no artifacts; without a place of their own MLflow would name the current folder.
    place = (path.resolve().parent / "mlflow-artifacts").as_uri()
    return str(client.create_experiment(EXPERIMENT, artifact_location=place))


def _known(client: Any, experiment: str) -> Iterator[str]:
    token = None
    while True:
        page = client.search_runs([experiment], max_results=METRICS_AT_ONCE, page_token=token)
        yield from (run.data.tags.get(TRIAL_TAG, "") for run in page)
        token = page.token
        if not token:
            return


def _batches(items: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _add(client: Any, experiment: str, record: Record) -> int:
    """Add a run, and tell how many of its texts were cut."""
    from mlflow.entities import Metric, Param, RunTag

    began_ms = round(started(record) * 1000)
    given, told = parameters(record), tags(record)
    run = client.create_run(experiment, start_time=began_ms).info.run_id
    params = [Param(name, value[:LONGEST_PARAMETER]) for name, value in given.items()]
    labels = [RunTag(name, value[:LONGEST_TAG]) for name, value in told.items()]
    samples = [Metric(*entry) for entry in metrics(record)]
    for some in _batches(params, OTHERS_AT_ONCE):
        client.log_batch(run, params=some)
    for some in _batches(labels, OTHERS_AT_ONCE):
        client.log_batch(run, tags=some)
    for some in _batches(samples, METRICS_AT_ONCE):
        client.log_batch(run, metrics=some)
    ended_ms = began_ms + round(record.duration_s * 1000)
    client.set_terminated(run, STATUS.get(record.status, "FAILED"), end_time=ended_ms)
    return sum(len(value) > LONGEST_PARAMETER for value in given.values()) + sum(
        len(value) > LONGEST_TAG for value in told.values()
    )
