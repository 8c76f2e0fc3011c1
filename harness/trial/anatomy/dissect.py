"""Takes a scenario's ``fit`` step apart on one backend, in one process."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from harness import probe, scenario
from harness.errors import HarnessError
from harness.probe import noise
from harness.records.anatomy import VARIANTS, AnatomyRecord, Task
from harness.trial import backends, checks


class TooFewStepsError(HarnessError):
    """The training set has fewer batches than were asked for."""


def dissect(task: Task, variables: Mapping[str, str]) -> AnatomyRecord:
    """Measure every variant of the cell's ``fit``.

    Args:
        task: what to measure.
        variables: the environment variables that this process was given.

    Raises:
        HarnessError: where the cell cannot be measured in this environment: wrong or missing
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

    from harness.trial import weights
    from harness.trial.anatomy import rounds
    from harness.trial.anatomy.variants import Subjects

    checks.require_backend(cell.backend, keras.backend.backend())
    environment = probe.environment(variables)
    table = checks.table_of(chosen, settings, task.table)
    data = first_steps(chosen.data(settings, table), task.steps, settings.batch_size)
    examples = data.train.examples
    steps = math.ceil(examples / settings.batch_size)

    subjects = Subjects(
        chosen, settings, data, init=cell.init, seed=task.seed, adapter=adapter, steps=steps
    )
    weights_sha256 = weights.digest(weights.current(subjects.whole))
    placement = checks.placed(adapter, subjects.whole, cell)
    ready, absent = rounds.prepared(VARIANTS, subjects.make)
    before = noise.snapshot()
    variants = rounds.measured(
        ready,
        rounds=task.rounds,
        epochs=task.epochs,
        rng=np.random.default_rng([task.seed, task.process]),
    )
    disturbance = noise.difference(before, noise.snapshot())
    if "inert optimizer" in ready:
        subjects.check()
    return AnatomyRecord(
        status="ok",
        cell=cell,
        scenario_version=chosen.version,
        seed=task.seed,
        process=task.process,
        campaign=task.campaign,
        run_id=task.run_id,
        started_at=started_at,
        duration_s=(time.time_ns() - task.launched_at_ns) * 1e-9,
        harness=task.harness,
        device=placement.framework_id,
        engine=checks.engine(subjects.whole, adapter),
        optimizer=type(subjects.whole.optimizer).__name__,
        metrics=_metrics(subjects.whole),
        steps=steps,
        examples=examples,
        variants=variants + absent,
        disturbance=disturbance,
        table_sha256=table.ratings_sha256 if table is not None else None,
        split_sha256=data.split_sha256,
        weights_sha256=weights_sha256,
        environment=environment,
        synthetic=data.synthetic,
        scenario_sha256=scenario_sha256,
    )


def first_steps(data: scenario.Data, steps: int | None, batch_size: int) -> scenario.Data:
    """``data`` with only the first ``steps`` batches to train on; all of them for ``None``.

    Raises:
        TooFewStepsError: if there are fewer.
    """
    if steps is None:
        return data
    examples = data.train.examples
    if steps * batch_size > examples:
        raise TooFewStepsError(
            f"{steps} steps of {batch_size} examples were asked for, but there are {examples} to "
            "train on: ask for fewer with --steps"
        )
    rows = slice(steps * batch_size)
    return msgspec.structs.replace(data, train=data.train.map(lambda values: values[rows]))


def _metrics(model: Any) -> list[str]:
    """The names of the compiled metrics, beside the loss that Keras always keeps."""
    names: dict[str, Any] = model.get_metrics_result()
    return [name for name in names if name != "loss"]
