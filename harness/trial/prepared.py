"""What every kind of task does first, and a scenario made ready to train on one backend."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from harness import scenario
from harness.records.trial import Task
from harness.scenario import Data, Scenario
from harness.trial import backends, checks
from harness.trial.backends import Adapter

if TYPE_CHECKING:
    from harness.data import Table
    from harness.trial.custom import CustomWeights

NEEDS_KERAS = ("clock", "draws", "evaluation", "initial", "loops", "turns")
"""Modules that import Keras, which only a backend's adapter may do first. They are imported with
it, so that no later phase of a trial has their import in it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setup:
    """A task's scenario with its settings, and the backend, imported and on its device.

    ``import_s`` runs from the start of the process until Keras and its backend are imported.
    """

    task: Task
    started_at: str
    chosen: Scenario
    scenario_sha256: str | None
    settings: Any
    adapter: Adapter
    import_s: float

    def table(self) -> Table | None:
        """The prepared rating table, or ``None`` where the scenario reads none."""
        return checks.table_of(self.chosen, self.settings, self.task.table)

    def custom_weights(self) -> CustomWeights:
        """The values of custom initialisers, as the processes of a campaign hand them on."""
        from harness.trial import custom

        key = custom.key(self.chosen, self.settings, self.task.seed)
        return custom.CustomWeights(self.task.shared, key)

    def prepared(self, data: Data, handed: CustomWeights | None = None) -> Prepared:
        """The model for ``data``, with the initial weights that the cell asks for."""
        from harness.trial.initial import initialised

        init, seed = self.task.cell.init, self.task.seed
        return Prepared(
            chosen=self.chosen,
            settings=self.settings,
            data=data,
            adapter=self.adapter,
            model=initialised(self.chosen, self.settings, data, init, seed, custom=handed),
        )

    def seconds(self) -> float:
        """Since the process was started."""
        return self.task.since_launch_s


def set_up(task: Task, variables: Mapping[str, str]) -> Setup:
    """Find the scenario of ``task``, and import its backend.

    Args:
        task: what to do.
        variables: the environment variables that this process was given; frameworks add their own
            to ``os.environ`` as they are imported.

    Raises:
        HarnessError: where the cell cannot be trained in this environment: wrong or missing
            backend, no such device, unknown scenario or setting.
    """
    started_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    cell = task.cell
    chosen = scenario.find(task.source)
    scenario_sha256 = scenario.sources_sha256(task.source)
    settings = msgspec.convert(cell.settings, chosen.settings_type)
    # First by the variable: Keras itself fails obscurely where the other backend is not installed.
    checks.require_backend(cell.backend, variables.get("KERAS_BACKEND", cell.backend))
    adapter = backends.load(cell.backend)
    adapter.use(cell.device, cell.threads)
    import keras

    checks.require_backend(cell.backend, keras.backend.backend())
    for module in NEEDS_KERAS:
        importlib.import_module(f"harness.trial.{module}")
    import_s = task.since_launch_s
    return Setup(
        task=task,
        started_at=started_at,
        chosen=chosen,
        scenario_sha256=scenario_sha256,
        settings=settings,
        adapter=adapter,
        import_s=import_s,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prepared:
    """The scenario with its settings and data, the backend's adapter, and the model.

    ``model`` is built and compiled, and holds the weights from which training starts.
    """

    chosen: Scenario
    settings: Any
    data: Data
    adapter: Adapter
    model: Any

    @property
    def steps(self) -> int:
        """Training steps of an epoch; the last batch may be smaller."""
        return -(-self.data.train.examples // int(self.settings.batch_size))
