"""Trains one scenario on one backend as often as parity needs, and keeps what is compared."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from numpy.typing import NDArray

from harness import data as rating_data
from harness import probe, scenario
from harness.errors import HarnessError
from harness.parity import ParityRecord, Task
from harness.trial import backends

Arrays = dict[str, NDArray[Any]]


class WrongBackendError(HarnessError):
    """Keras runs on another backend than the cell names."""


def train(task: Task, variables: Mapping[str, str]) -> tuple[ParityRecord, Arrays]:
    """Train the cell's scenario as it is, moved, and without known behaviours.

    Args:
        task: what to train.
        variables: the environment variables that this process was given.

    Returns:
        The record, and the arrays that belong beside it.

    Raises:
        HarnessError: where the cell cannot be trained in this environment: wrong or missing
            backend, no such device, unknown scenario or setting, unreadable table.
    """
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    cell = task.cell
    chosen = scenario.find(cell.scenario)
    settings = msgspec.convert(cell.settings, chosen.settings_type)
    adapter = backends.load(cell.backend)
    adapter.use(cell.device, cell.threads)
    import keras

    from harness.trial import weights
    from harness.trial.initial import initialised
    from harness.trial.parity.course import Course
    from harness.trial.prepared import Prepared

    if keras.backend.backend() != cell.backend:
        raise WrongBackendError(
            f"the cell names {cell.backend}, but Keras runs on {keras.backend.backend()}; "
            f"set KERAS_BACKEND={cell.backend}"
        )
    environment = probe.environment(variables)
    table = None
    if chosen.needs_table(settings):
        if task.table is None:
            raise HarnessError(f"{chosen.name} needs the rating table; run `harness data prepare`")
        table = rating_data.load(Path(task.table))
    data = chosen.data(settings, table)

    model = initialised(chosen, settings, data, cell.init, task.seed)
    weights_sha256 = weights.digest(weights.current(model))
    placement = adapter.placement(model.trainable_variables[0])
    if placement.kind != cell.device:
        raise backends.DeviceUnavailableError(
            f"the cell names {cell.device}, but {cell.backend} placed the variables on "
            f"{placement.framework_id}"
        )

    prepared = Prepared(chosen=chosen, settings=settings, data=data, adapter=adapter, model=model)
    course = Course(prepared, cell.mode)
    trainings, arrays, shared_rows = course.run(task.perturbations)
    return (
        ParityRecord(
            status="ok",
            cell=cell,
            scenario_version=chosen.version,
            seed=task.seed,
            perturbations=task.perturbations,
            campaign=task.campaign,
            started_at=started_at,
            duration_s=(time.time_ns() - task.launched_at_ns) * 1e-9,
            harness=task.harness,
            device=placement.framework_id,
            engine={
                "keras": keras.__version__,
                "floatx": keras.config.floatx(),
                "dtype_policy": model.dtype_policy.name,
                "jit_compile": bool(model.jit_compile),
                "run_eagerly": bool(model.run_eagerly),
                **adapter.engine(),
            },
            metric=chosen.metric.label,
            variables=course.state.variables(),
            trainings=trainings,
            shared_rows=shared_rows,
            table_sha256=table.ratings_sha256 if table is not None else None,
            split_sha256=data.split_sha256,
            weights_sha256=weights_sha256,
            environment=environment,
            synthetic=data.synthetic,
        ),
        arrays,
    )
