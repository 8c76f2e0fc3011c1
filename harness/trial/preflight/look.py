"""Makes each cell's model and loop, and says what stands in the way of training it."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from harness import scenario
from harness.errors import HarnessError
from harness.records.preflight import Answer, Refusal, Task
from harness.records.trial import Cell
from harness.trial import backends, checks

ENOUGH_S = 30.0
"""Seconds after which no further cell is looked at: of a long sweep the trials look themselves."""


def look(task: Task) -> Answer:
    """The refusals among the cells of ``task``.

    Raises:
        HarnessError: where nothing can be trained in this environment.
    """
    adapter = backends.load(task.cell.backend)
    adapter.use(task.cell.device, task.cell.threads)
    import keras

    checks.require_backend(task.cell.backend, keras.backend.backend())
    chosen = scenario.find(task.cell.scenario)
    started_s = time.monotonic()
    refusals = []
    for cell in task.cells:
        if time.monotonic() - started_s > ENOUGH_S:
            break
        reason = _objection(cell, task, chosen, adapter)
        if reason is not None:
            refusals.append(Refusal(cell=cell, reason=reason))
    return Answer(refusals=refusals)


def _objection(
    cell: Cell, task: Task, chosen: scenario.Scenario, adapter: backends.Adapter
) -> str | None:
    """Why ``cell`` is refused; errors of the scenario's own code are left to the trial."""
    from harness.trial.initial import initialised
    from harness.trial.prepared import Prepared

    settings = msgspec.convert(cell.settings, chosen.settings_type)
    data = chosen.data(settings, checks.table_of(chosen, settings, task.table))
    model = initialised(chosen, settings, data, cell.init, task.seed)
    prepared = Prepared(chosen=chosen, settings=settings, data=data, adapter=adapter, model=model)
    try:
        _rehearse(cell, prepared)
    except HarnessError as error:
        return str(error)
    return None


def _rehearse(cell: Cell, prepared: Any) -> None:
    """Make what the trial will train with, and let its step be traced on the first batch."""
    from harness.errors import RefusedError
    from harness.trial import loops, refusal

    if cell.mode in {"fit", "tuned"}:
        refusal.require(cell.mode, prepared)
        if cell.mode == "tuned":
            prepared.adapter.tune(prepared.model, prepared.steps)
        return
    loop = loops.own_loop(cell.mode, prepared)
    train = prepared.data.train
    size = min(int(prepared.settings.batch_size), train.examples)
    try:
        loop.rehearse(*train.map(lambda values: values[None, :size]).batch)
    except HarnessError:
        raise
    except Exception as error:
        said = str(error).strip().splitlines() or [""]
        reason = prepared.adapter.uncompiled(error) or (
            f"a step of this model cannot be traced ({type(error).__name__}: {said[0][:300]})"
        )
        raise RefusedError(f"{reason}; run it in the mode fit") from error
