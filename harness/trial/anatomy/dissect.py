"""Takes a scenario's ``fit`` step apart on one backend, in one process."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from harness import probe, scenario
from harness.errors import HarnessError
from harness.probe import noise
from harness.records.anatomy import VARIANTS, AnatomyRecord, AnatomyTask
from harness.records.header import record_of
from harness.trial import checks
from harness.trial.prepared import set_up


class TooFewStepsError(HarnessError):
    """The training set has fewer batches than were asked for."""


def dissect(task: AnatomyTask, variables: Mapping[str, str]) -> AnatomyRecord:
    """Measure every variant of the cell's ``fit``.

    Args:
        task: what to measure.
        variables: the environment variables that this process was given.

    Raises:
        HarnessError: where the cell cannot be measured in this environment: wrong or missing
            backend, no such device, unknown scenario or setting, unreadable table.
    """
    setup = set_up(task, variables)
    chosen, settings, adapter = setup.chosen, setup.settings, setup.adapter
    from harness.trial import weights
    from harness.trial.anatomy import rounds
    from harness.trial.anatomy.variants import Subjects

    environment = probe.environment(variables)
    table = setup.table()
    data = first_steps(chosen.data(settings, table), task.steps, settings.batch_size)
    examples = data.train.examples
    steps = math.ceil(examples / settings.batch_size)

    subjects = Subjects(
        chosen, settings, data, init=task.cell.init, seed=task.seed, adapter=adapter, steps=steps
    )
    weights_sha256 = weights.digest(weights.current(subjects.whole))
    placement = checks.placed(adapter, subjects.whole, task.cell)
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
    return record_of(
        task,
        AnatomyRecord,
        status="ok",
        scenario_version=chosen.version,
        started_at=setup.started_at,
        duration_s=setup.seconds(),
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
        scenario_sha256=setup.scenario_sha256,
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
