"""A scenario made ready to train on one backend: what every part of a trial works with."""

from __future__ import annotations

import dataclasses
from typing import Any

from harness.scenario import Data, Scenario
from harness.trial.backends import Adapter


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
