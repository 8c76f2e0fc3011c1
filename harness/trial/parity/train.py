"""Trains one scenario on one backend as often as parity needs, and keeps what is compared."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from numpy.typing import NDArray

from harness import probe, scenario
from harness.records.parity import ParityRecord, Task
from harness.trial import backends, checks

Arrays = dict[str, NDArray[Any]]


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
    scenario_sha256 = scenario.sources_sha256(cell.scenario)
    settings = msgspec.convert(cell.settings, chosen.settings_type)
    adapter = backends.load(cell.backend)
    adapter.use(cell.device, cell.threads)
    import keras

    from harness.trial import custom, evaluation, weights
    from harness.trial.initial import initialised
    from harness.trial.parity.course import Course
    from harness.trial.prepared import Prepared

    checks.require_backend(cell.backend, keras.backend.backend())
    environment = probe.environment(variables)
    table = checks.table_of(chosen, settings, task.table)
    data = chosen.data(settings, table)

    handed = custom.CustomWeights(task.shared, custom.key(chosen, settings, task.seed))
    model = initialised(chosen, settings, data, cell.init, task.seed, custom=handed)
    weights_sha256 = weights.digest(weights.current(model))
    placement = checks.placed(adapter, model, cell)

    prepared = Prepared(chosen=chosen, settings=settings, data=data, adapter=adapter, model=model)
    course = Course(prepared, cell.mode, task.seed)
    evaluation.require(prepared, adapter.batches(data.test, settings.batch_size))
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
            engine={**checks.engine(model, adapter), **course.watch.engine()},
            metric=chosen.metric.label,
            variables=course.state.variables(),
            trainings=trainings,
            shared_rows=shared_rows,
            draws=course.randomness.draws,
            not_served=list(course.randomness.not_served),
            reordered=course.reordered,
            table_sha256=table.ratings_sha256 if table is not None else None,
            split_sha256=data.split_sha256,
            weights_sha256=weights_sha256,
            environment=environment,
            synthetic=data.synthetic,
            scenario_sha256=scenario_sha256,
            custom_initial=handed.sources,
        ),
        arrays,
    )
