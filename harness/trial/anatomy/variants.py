"""The ways in which a step is run: as it is, and without one thing after another.

Four models stand behind them, so that none is ever changed once it was trained: one as the scenario
makes it, one without metrics, one with an optimizer that does nothing, and a small one that sees a
single example. Compiled functions are then those that ``fit`` makes by itself. (Changing one model
to and fro is a trap: JAX finds a compiled step again by the model and the shapes, and would go on
with the optimizer of before.)
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

import msgspec

from harness.records.anatomy import AGAIN, AS_IT_IS, VariantName
from harness.scenario import Data, Scenario
from harness.trial import weights
from harness.trial.anatomy import ablate
from harness.trial.backends import Adapter
from harness.trial.clock import EpochClock
from harness.trial.custom import CustomWeights
from harness.trial.initial import initialised


class InertMovedError(RuntimeError):
    """The optimizer that changes nothing has changed a weight."""


class Subject:
    """A variant that can be timed.

    Args:
        model: its own.
        fit: trains ``model`` for so many epochs with some callbacks.
        steps: of an epoch.
        adapter: of the backend that runs.
    """

    def __init__(
        self, model: Any, fit: Callable[[int, list[Any]], None], steps: int, adapter: Adapter
    ) -> None:
        self.model = model
        self._fit = fit
        self._steps = steps
        self._adapter = adapter

    def time_s(self, epochs: int) -> list[float]:
        """Wall seconds of so many epochs of one ``fit``, the device idle at both ends of each."""
        clock = EpochClock(
            phase="timing",
            steps=self._steps,
            examples=0,
            synchronize=self._synchronize,
        )
        self._fit(epochs, [clock])
        return [epoch.wall_s for epoch in clock.epochs]

    def _synchronize(self) -> None:
        # Of variables that no step changes too: they come out of the same call as all the rest.
        self._adapter.synchronize([v.value for v in self.model.trainable_variables])


class Subjects:
    """Makes the variants of a scenario.

    Args:
        chosen: the scenario.
        settings: its settings.
        data: what it trains on, cut to the epoch that is timed.
        init: where the initial weights come from; see :class:`harness.records.cell.Cell`.
        seed: of them.
        adapter: of the backend that runs.
        steps: of an epoch.
    """

    def __init__(
        self,
        chosen: Scenario,
        settings: Any,
        data: Data,
        *,
        init: str,
        seed: int,
        adapter: Adapter,
        steps: int,
    ) -> None:
        self._chosen = chosen
        self._settings = settings
        self._data = data
        self._init = init
        self._seed = seed
        self._adapter = adapter
        self._steps = steps
        self._custom = CustomWeights()  # one draw for all variants
        self._batches_at_hand = ablate.BatchesAtHand()
        self._train = adapter.batches(data.train, settings.batch_size)

    @functools.cached_property
    def whole(self) -> Any:
        """The model as the scenario makes it."""
        return self._model(self._data)

    @functools.cached_property
    def unmeasured(self) -> Any:
        """The model without metrics."""
        model = self._model(self._data)
        ablate.strip_metrics(model)
        return model

    @functools.cached_property
    def inert(self) -> Any:
        """The model without metrics, whose optimizer does nothing."""
        return self._made_inert(self._model(self._data))

    def make(self, name: VariantName) -> Subject:
        """The variant called ``name``."""
        if name in {AS_IT_IS, AGAIN}:
            return self._subject(self.whole, contextlib.nullcontext)
        if name == "no callbacks":
            return self._subject(self.whole, ablate.without_callbacks)
        if name == "no metrics":
            return self._subject(self.unmeasured, ablate.without_callbacks)
        if name == "batches at hand":
            return self._subject(self.unmeasured, self._bare(self._batches_at_hand))
        if name == "inert optimizer":
            return self._subject(self.inert, self._bare(self._batches_at_hand))
        return self._one_example()

    def check(self) -> None:
        """Make sure that the inert optimizer was.

        Raises:
            InertMovedError: if it was not.
        """
        fresh = weights.digest(weights.current(self._model(self._data)))
        if weights.digest(weights.current(self.inert)) != fresh:
            raise InertMovedError("the weights of the model with the inert optimizer have changed")

    def _one_example(self) -> Subject:
        split = ablate.one_example(self._data.train, self._steps)
        data = msgspec.structs.replace(self._data, train=split)
        with ablate.one_row_tables():
            model = self._made_inert(self._model(data))
        train = self._adapter.batches(split, 1)
        return self._subject(model, self._bare(ablate.BatchesAtHand()), train)

    def _model(self, data: Data) -> Any:
        return initialised(
            self._chosen, self._settings, data, self._init, self._seed, custom=self._custom
        )

    def _made_inert(self, model: Any) -> Any:
        ablate.strip_metrics(model)
        ablate.replace_optimizer(model, self._adapter.inert_optimizer())
        return model

    def _subject(
        self,
        model: Any,
        surroundings: Callable[[], contextlib.AbstractContextManager[Any]],
        train: Any = None,
    ) -> Subject:
        batches = self._train if train is None else train

        def fit(epochs: int, callbacks: list[Any]) -> None:
            with surroundings():
                self._chosen.fit(model, batches, epochs=epochs, callbacks=callbacks)

        return Subject(model, fit, self._steps, self._adapter)

    @staticmethod
    def _bare(
        batches: ablate.BatchesAtHand,
    ) -> Callable[[], contextlib.AbstractContextManager[Any]]:
        @contextlib.contextmanager
        def surroundings() -> Any:
            with ablate.without_callbacks(), batches.replayed():
                yield

        return surroundings
