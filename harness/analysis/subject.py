"""What parity compares, and what one comparison says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.records.parity import AS_IT_IS, ParityRecord, Stage, Training, array_name
from harness.records.trial import Struct

Array = NDArray[Any]


class Comparison(Struct, frozen=True, kw_only=True):
    """One quantity of two trainings.

    ``difference`` is the largest absolute difference (for the optimizer alone, relative), ``None``
    where there is no number to give; ``note`` then says why. ``at`` is the step or epoch where it
    stands. ``changed`` is how far the largest element moved from the start on either side.
    """

    stage: Stage
    quantity: str
    difference: float | None
    envelope: float
    at: str | None = None
    changed: tuple[float, float] | None = None
    note: str | None = None

    @property
    def size(self) -> float:
        """The difference in envelopes; above 1 it is no round-off.

        Where a moved training leaves the finite numbers, nothing can be told apart.
        """
        if self.envelope == np.inf:
            return 0.0
        return np.inf if self.difference is None else self.difference / self.envelope

    @property
    def deviates(self) -> bool:
        """Whether this is outside its envelope."""
        return self.size > 1.0


@dataclass(frozen=True)
class Subject:
    """One training of one backend: the record it stands in, and the arrays beside that."""

    label: str
    record: ParityRecord
    arrays: Mapping[str, Array]
    name: str = AS_IT_IS

    @property
    def training(self) -> Training:
        """The training itself.

        Raises:
            LookupError: if the record has none of this name.
        """
        return self.named(self.name)

    @property
    def moved(self) -> list[Training]:
        """The same backend's moved trainings, which measure its drift."""
        return [each for each in self.record.trainings if each.drift]

    def named(self, name: str) -> Training:
        """Another training of the same record.

        Raises:
            LookupError: if the record has none of this name.
        """
        for each in self.record.trainings:
            if each.name == name:
                return each
        raise LookupError(f"the record of {self.label} has no training '{name}'")

    def of(self, stage: Stage, name: str | None = None) -> dict[str, Array]:
        """The arrays of a stage by their quantity, in the model's order."""
        prefix = array_name(name or self.name, stage, "")
        return {
            key.removeprefix(prefix): values
            for key, values in self.arrays.items()
            if key.startswith(prefix)
        }
