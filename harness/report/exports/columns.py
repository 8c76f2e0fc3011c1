"""The columns of the long table: what is said of a trial, and of each of its epochs.

Times end in ``_s`` (seconds), sizes in ``_bytes``, hashes in ``_sha256``, shares (0 to 1) in
``_share``. Columns of an epoch begin with ``epoch_``; all others are the same for every epoch of
a trial, so that a table filtered by ``status`` or ``setting_batch_size`` needs no join.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from harness.analysis.figures import FIGURES
from harness.analysis.rows import versions
from harness.records.cell import Scalar
from harness.records.trial import Epoch, Record
from harness.report.exports.content import epoch_step_time_s

SETTING = "setting_"
ENGINE = "engine_"


class TrialColumn(NamedTuple):
    """A column of a trial: its name, its type, and its value, ``None`` if the trial has none."""

    name: str
    type: type
    of: Callable[[Record], Any]


class EpochColumn(NamedTuple):
    """A column of an epoch, likewise."""

    name: str
    type: type
    of: Callable[[Epoch], Any]


OF_TRIAL = [
    TrialColumn("scenario", str, lambda r: r.cell.scenario),
    TrialColumn("scenario_version", int, lambda r: r.scenario_version),
    TrialColumn("backend", str, lambda r: r.cell.backend),
    TrialColumn("environment", str, lambda r: r.cell.name or None),
    TrialColumn("device", str, lambda r: r.cell.device),
    TrialColumn("mode", str, lambda r: r.cell.mode),
    TrialColumn("init", str, lambda r: r.cell.init),
    TrialColumn("threads", int, lambda r: r.cell.threads),
    TrialColumn("cell", str, lambda r: r.cell.digest),
    TrialColumn("campaign", str, lambda r: r.campaign),
    TrialColumn("run_id", str, lambda r: r.run_id),
    TrialColumn("round", int, lambda r: r.round),
    TrialColumn("seed", int, lambda r: r.seed),
    TrialColumn("repetition", int, lambda r: r.repetition),
    TrialColumn("started_at", str, lambda r: r.started_at),
    # What came of it.
    TrialColumn("status", str, lambda r: r.status),
    TrialColumn("synthetic", bool, lambda r: r.synthetic),
    TrialColumn("random_draws", bool, lambda r: r.random_draws),
    TrialColumn("failure_reason", str, lambda r: r.failure and r.failure.reason),
    TrialColumn("failure_exit_code", int, lambda r: r.failure and r.failure.exit_code),
    TrialColumn("failure_signal", str, lambda r: r.failure and r.failure.signal),
    # The trial's own figures.
    *(TrialColumn(f.key, int if f.unit == "bytes" else float, f.read) for f in FIGURES),
    TrialColumn("quality_metric", str, lambda r: r.quality and r.quality.metric),
    TrialColumn("quality_direction", str, lambda r: r.quality and r.quality.direction),
    TrialColumn("quality", float, lambda r: r.quality and r.quality.value),
    TrialColumn("quality_reference", float, lambda r: r.quality and r.quality.reference),
    TrialColumn("quality_target", float, lambda r: r.quality and r.quality.target),
    TrialColumn("time_to_target_s", float, lambda r: r.quality and r.quality.time_to_target_s),
    # Its phases.
    TrialColumn("import_s", float, lambda r: r.phases and r.phases.import_s),
    TrialColumn("data_s", float, lambda r: r.phases and r.phases.data_s),
    TrialColumn("build_s", float, lambda r: r.phases and r.phases.build_s),
    TrialColumn("predict_s", float, lambda r: r.phases and r.phases.predict_s),
    TrialColumn("total_s", float, lambda r: r.phases and r.phases.total_s),
    TrialColumn("duration_s", float, lambda r: r.duration_s),
    # What went in and came out.
    TrialColumn("table_sha256", str, lambda r: r.hashes and r.hashes.table),
    TrialColumn("split_sha256", str, lambda r: r.hashes and r.hashes.split),
    TrialColumn("initial_weights_sha256", str, lambda r: r.hashes and r.hashes.initial_weights),
    TrialColumn("final_weights_sha256", str, lambda r: r.hashes and r.hashes.final_weights),
    # Machine and software.
    TrialColumn("machine_id", str, lambda r: r.environment and r.environment.machine_id),
    TrialColumn("hostname", str, lambda r: r.environment and r.environment.hostname),
    TrialColumn("os", str, lambda r: r.environment and r.environment.os),
    TrialColumn("cpu_model", str, lambda r: r.environment and r.environment.cpu.model),
    TrialColumn("logical_cores", int, lambda r: r.environment and r.environment.cpu.logical_cores),
    TrialColumn(
        "memory_total_bytes", int, lambda r: r.environment and r.environment.memory_total_bytes
    ),
    TrialColumn("virtualised", str, lambda r: r.environment and r.environment.virtualised),
    TrialColumn("device_name", str, lambda r: r.device and r.device.name),
    TrialColumn("device_framework_id", str, lambda r: r.device and r.device.framework_id),
    TrialColumn("device_driver", str, lambda r: r.device and r.device.driver),
    TrialColumn("python_version", str, lambda r: versions(r).get("python")),
    TrialColumn("numpy_version", str, lambda r: versions(r).get("numpy")),
    TrialColumn("keras_version", str, lambda r: versions(r).get("keras")),
    TrialColumn("backend_version", str, lambda r: versions(r).get(r.cell.backend)),
    TrialColumn("harness_version", str, lambda r: r.harness.version),
    TrialColumn("harness_commit", str, lambda r: r.harness.commit),
    TrialColumn("harness_dirty", bool, lambda r: r.harness.dirty),
    # What disturbed it.
    TrialColumn("load_average", float, lambda r: r.environment and r.environment.load_average),
    TrialColumn("probe_before_s", float, lambda r: r.noise and r.noise.probe_before_s),
    TrialColumn("probe_after_s", float, lambda r: r.noise and r.noise.probe_after_s),
    TrialColumn("training_elapsed_s", float, lambda r: _training(r, "elapsed_s")),
    TrialColumn("training_own_cpu_s", float, lambda r: _training(r, "own_cpu_s")),
    TrialColumn("training_steal_share", float, lambda r: _training(r, "steal_share")),
    TrialColumn("training_busy_share", float, lambda r: _training(r, "busy_share")),
    TrialColumn("training_switches", int, lambda r: _training(r, "involuntary_switches")),
    TrialColumn("training_frequency_mhz", float, lambda r: _training(r, "frequency_mhz")),
]
"""What a record says of its trial, in the order of the table."""

OF_EPOCH = [
    EpochColumn("epoch_index", int, lambda e: e.index),
    EpochColumn("epoch_phase", str, lambda e: e.phase),
    EpochColumn("epoch_steps", int, lambda e: e.steps),
    EpochColumn("epoch_examples", int, lambda e: e.examples),
    EpochColumn("epoch_wall_s", float, lambda e: e.wall_s),
    EpochColumn("epoch_step_time_s", float, epoch_step_time_s),
    EpochColumn("epoch_cpu_s", float, lambda e: e.cpu_s),
    EpochColumn("epoch_marked_warm_up", bool, lambda e: e.warm_up),
    EpochColumn("epoch_train_loss", float, lambda e: e.train_loss),
    EpochColumn("epoch_metric", float, lambda e: e.metric),
    EpochColumn("epoch_evaluate_s", float, lambda e: e.evaluate_s),
]
"""The raw sample of an epoch. ``epoch_marked_warm_up`` is the mark that the trial left."""

COUNTED = "epoch_counted"
"""Whether the trial's ``step_time_s`` rests on the epoch, decided from the samples."""


def open_ended(records: Iterable[Record]) -> dict[str, list[Scalar | None]]:
    """A column for each setting and each fact about the engine that any of the records has.

    Columns and not one of JSON, so that ``WHERE setting_batch_size = 1000`` and a group-by need no
    parser; columnar files keep what is the same in all rows in next to no space.
    """
    everything = list(records)
    given: list[dict[str, Scalar | None]] = [
        {
            **{f"{SETTING}{name}": value for name, value in record.cell.settings.items()},
            **{f"{ENGINE}{name}": value for name, value in record.engine.items()},
        }
        for record in everything
    ]
    names = sorted({name for one in given for name in one})
    good = [record.status == "ok" for record in everything]
    return {name: _of_one_type([one.get(name) for one in given], good) for name in names}


def _of_one_type(values: list[Scalar | None], good: list[bool]) -> list[Scalar | None]:
    """The values; as JSON texts where scenarios mean different types by one name.

    What a failed trial was asked does not turn the values of good ones into texts; where it is of
    another type, it is left out.
    """
    told = [(value, ok) for value, ok in zip(values, good, strict=True) if value is not None]
    kinds = {type(value) for value, ok in told if ok} or {type(value) for value, _ in told}
    if len(kinds) < 2:
        return [value if type(value) in kinds else None for value in values]
    return [None if value is None else json.dumps(value) for value in values]


def _training(record: Record, name: str) -> Any:
    training = record.noise and record.noise.training
    return getattr(training, name) if training else None
