"""What every child process makes sure of before it trains: backend, table, device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import data as rating_data
from harness.errors import HarnessError
from harness.records.cell import Cell, Scalar
from harness.scenario import Scenario
from harness.table_use import needs_table
from harness.trial.backends import Adapter, DeviceUnavailableError, Placement

if TYPE_CHECKING:
    from harness.data import Table


class WrongBackendError(HarnessError):
    """Keras runs on another backend than the cell names."""


def require_backend(named: str, running: str) -> None:
    """Raise :class:`WrongBackendError` unless Keras runs on the backend that a cell names."""
    if running != named:
        raise WrongBackendError(
            f"the cell names {named}, but Keras runs on {running}; set KERAS_BACKEND={named}"
        )


def table_of(chosen: Scenario, settings: Any, path: str | None) -> Table | None:
    """The prepared table at ``path``, or ``None`` where the scenario reads none.

    Raises:
        HarnessError: if it is needed and was not given, cannot be read, or is of another data set.
    """
    if not needs_table(chosen, settings):
        return None
    if path is None:
        raise HarnessError(f"{chosen.name} needs the rating table; run `harness data prepare`")
    table, asked = rating_data.load(Path(path)), chosen.dataset(settings)
    if table.dataset != asked:
        raise HarnessError(f"{chosen.name} reads data set {asked}, but {path} is {table.dataset}")
    return table


def placed(adapter: Adapter, model: Any, cell: Cell) -> Placement:
    """Where the framework put the variables.

    Raises:
        DeviceUnavailableError: if that is not where the cell says.
    """
    placement = adapter.placement(model.trainable_variables[0])
    if placement.kind != cell.device:
        raise DeviceUnavailableError(
            f"the cell names {cell.device}, but {adapter.backend} placed the variables on "
            f"{placement.framework_id}"
        )
    return placement


def engine(model: Any, adapter: Adapter) -> dict[str, Scalar | None]:
    """What really runs: of Keras' choices those of ``model``, and the framework's own."""
    import keras

    return {
        "keras": keras.__version__,
        "floatx": keras.config.floatx(),
        "dtype_policy": model.dtype_policy.name,
        "jit_compile": bool(model.jit_compile),
        "run_eagerly": bool(model.run_eagerly),
        "steps_per_execution": int(model.steps_per_execution),
        **adapter.engine(),
    }
