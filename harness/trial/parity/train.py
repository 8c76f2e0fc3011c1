"""Trains one scenario on one backend as often as parity needs, and keeps what is compared."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from harness import probe
from harness.records.header import record_of
from harness.records.parity import ParityRecord, ParityTask
from harness.trial import checks
from harness.trial.prepared import set_up

Arrays = dict[str, NDArray[Any]]


def train(task: ParityTask, variables: Mapping[str, str]) -> tuple[ParityRecord, Arrays]:
    """Train the cell's scenario as it is, moved, and without known behaviours.

    Args:
        task: what to train.
        variables: the environment variables that this process was given.

    Returns:
        The record, and the arrays that belong beside it.

    Raises:
        HarnessError: where the cell cannot be trained in this environment: wrong or missing
            backend, no such device, unknown scenario or setting, unreadable table, a step that the
            framework cannot compile.
    """
    setup = set_up(task, variables)
    if task.cell.device == "gpu":
        # TF32 keeps 10 bits of 23. With JAX's default on an H100 loss and gradients of the first
        # batch deviated from PyTorch's by 1.5 and 2.2 envelopes, whatever the model.
        setup.adapter.use_full_float32()
    from harness.trial import evaluation, weights
    from harness.trial.custom import CustomWeights
    from harness.trial.loops.compilation import refused_if_uncompiled
    from harness.trial.parity.course import Course

    environment = probe.environment(variables)
    table = None
    handed = CustomWeights()
    if task.program is not None:
        from harness.trial.program.captured import captured

        prepared = captured(setup)
    else:
        table = setup.table()
        handed = setup.custom_weights()
        prepared = setup.prepared(setup.chosen.data(setup.settings, table), handed)
    data = prepared.data
    model, adapter = prepared.model, setup.adapter
    weights_sha256 = weights.digest(weights.current(model))
    placement = checks.placed(adapter, model, task.cell)

    course = Course(prepared, task.cell.mode, task.seed)
    evaluation.require(prepared, adapter.batches(data.test, prepared.settings.batch_size))
    with refused_if_uncompiled(adapter) if task.cell.mode == "tuned" else nullcontext():
        trainings, arrays, shared_rows = course.run(task.perturbations)
    return (
        record_of(
            task,
            ParityRecord,
            status="ok",
            scenario_version=setup.chosen.version,
            started_at=setup.started_at,
            duration_s=setup.seconds(),
            device=placement.framework_id,
            engine={**checks.engine(model, adapter), **course.watch.engine()},
            metric=prepared.chosen.metric.label,
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
            scenario_sha256=setup.scenario_sha256,
            custom_initial=handed.sources,
        ),
        arrays,
    )


def with_arrays(record: ParityRecord, arrays: Arrays, folder: Path) -> ParityRecord:
    """``record`` with the file of ``arrays``, which is written to ``folder`` first."""
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    (folder / "arrays.npz").write_bytes(content.getvalue())
    sha256 = hashlib.sha256(content.getvalue()).hexdigest()
    return msgspec.structs.replace(record, arrays="arrays.npz", arrays_sha256=sha256)
