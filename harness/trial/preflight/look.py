"""Makes each cell's model and loop, and says what stands in the way of training it."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping

import msgspec

from harness.errors import HarnessError
from harness.records.cell import Cell
from harness.records.preflight import Answer, PreflightTask, Refusal
from harness.trial.prepared import Prepared, Setup, set_up

ENOUGH_S = 30.0
"""Seconds after which no further cell is looked at: of a long sweep the trials look themselves."""


def look(task: PreflightTask, variables: Mapping[str, str]) -> Answer:
    """The refusals among the cells of ``task``.

    Raises:
        HarnessError: where nothing can be trained in this environment.
    """
    setup = set_up(task, variables)
    started_s = time.monotonic()
    refusals = []
    for cell in task.cells:
        if time.monotonic() - started_s > ENOUGH_S:
            break
        reason = objection(cell, setup)
        if reason is not None:
            refusals.append(Refusal(cell=cell, reason=reason))
    return Answer(refusals=refusals)


def objection(cell: Cell, setup: Setup) -> str | None:
    """Why ``cell`` is refused; ``None`` if it may run.

    Raises:
        Exception: what the scenario's own code raises, which is left to the trial.
    """
    settings = msgspec.convert(cell.settings, setup.chosen.settings_type)
    task = msgspec.structs.replace(setup.task, cell=cell)
    setup = dataclasses.replace(setup, task=task, settings=settings)
    prepared = setup.prepared(setup.chosen.data(settings, setup.table()))
    try:
        _rehearse(cell, prepared)
    except HarnessError as error:
        return str(error)
    return None


def _rehearse(cell: Cell, prepared: Prepared) -> None:
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
