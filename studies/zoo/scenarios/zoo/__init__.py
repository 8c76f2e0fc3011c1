"""The zoo: a tiny model for every layer, optimizer, loss and metric of Keras.

    HARNESS_SCENARIO_PATH=studies/zoo/scenarios harness parity zoo --set case=LSTM

Its examples are generated, 40 to train on in three batches, and it takes seconds.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np

from harness.scenario import Data, Metric, Scenario, Settings, Split
from harness.words import unknown

from .case import BATCH_SIZE, TESTED, TRAINED, digest, examples, model
from .catalogue import CASES


class ZooSettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which case; its name begins with the name of a class of Keras."""

    case: str = "Dense"
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = BATCH_SIZE
    epochs: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 2

    def __post_init__(self) -> None:
        """Refuse a case that there is not."""
        if self.case not in CASES:
            raise ValueError(unknown("case", self.case, list(CASES)))


class Zoo(Scenario):
    """The scenario ``zoo``."""

    name: ClassVar[str] = "zoo"
    summary: ClassVar[str] = "A tiny model for every layer, optimizer, loss and metric of Keras"
    version: ClassVar[int] = 1
    settings_type = ZooSettings
    metric = Metric(
        name="watched",
        label="test metric",
        direction="lower",
        reference=None,
        source="",
        target=None,
        tolerance=1e-3,
    )

    def needs_table(self, settings: Any) -> bool:
        """Examples are generated."""
        return False

    def data(self, settings: Any, table: Any) -> Data:
        """The same examples for every case with the same kind of inputs and labels."""
        case = CASES[settings.case]
        rng = np.random.default_rng(0)
        train = examples(case, 2 * BATCH_SIZE if case.even else TRAINED, rng)
        test = examples(case, TESTED, rng)
        return Data(
            train=Split(inputs={"x": train[0]}, labels=train[1]),
            test=Split(inputs={"x": test[0]}, labels=test[1]),
            sizes={},
            split_sha256=digest(*train, *test),
            synthetic=True,
        )

    def model(self, settings: Any, data: Data) -> Any:
        """The model of the case."""
        return model(CASES[settings.case])

    def fit(
        self,
        model: Any,
        train: Any,
        *,
        epochs: int,
        initial_epoch: int = 0,
        callbacks: list[Any] | None = None,
    ) -> None:
        """Plain ``fit``."""
        model.fit(
            train,
            epochs=epochs,
            initial_epoch=initial_epoch,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )

    def evaluate(self, model: Any, test: Any) -> dict[str, float]:
        """Plain ``evaluate``; a metric with a value for each class is reduced to its mean."""
        found = model.evaluate(test, return_dict=True, verbose=0)
        return {name: float(np.mean(np.asarray(value))) for name, value in found.items()}


SCENARIO = Zoo()
