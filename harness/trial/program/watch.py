"""Sees what a script asks of Keras: every ``fit``, its epochs under the clock, every evaluation.

Through the public API alone, and with no hook at single batches: a callback that has one makes
Keras synchronise or dispatch at every step.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Literal

import keras

from harness.records.cell import Scalar
from harness.trial import checks, draws
from harness.trial.backends import Adapter
from harness.trial.clock import FirstStepClock, Stopwatch
from harness.trial.program.fit_clock import FitClock, Stop, number
from harness.trial.program.inputs import Inputs

KEPT_BATCHES = 8
"""Batches of ``train_on_batch`` that are kept, to go on with after the script's end."""

Asked = int | str
"""Which ``fit`` counts: a number from 1 on, a model's name, or ``last``."""


@dataclasses.dataclass(eq=False, kw_only=True)
class Fit:
    """One call of ``model.fit``.

    ``asked`` are its arguments by name, kept as long as it may be the one that counts.
    ``initial`` are the model's and its optimizer's variables before its first step, where they
    were asked for.
    """

    number: int
    model: Any
    asked: dict[str, Any]
    inputs: Inputs
    clock: FitClock
    started_ns: int
    first_step_s: float | None = None
    engine: dict[str, Scalar | None] = dataclasses.field(default_factory=dict)
    random_draws: bool | None = None
    loss: float | None = None
    batches_sha256: str | None = None

    @property
    def name(self) -> str:
        """The model's."""
        return str(self.model.name)

    def release(self) -> None:
        """Let the data go, since it will not be trained on again."""
        self.asked = {}
        self.inputs.release()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The metrics of a call of ``evaluate`` outside of ``fit``, by name.

    ``asked`` are its arguments, where snapshots were asked for.
    """

    model: Any
    metrics: dict[str, float]
    source: Literal["evaluate", "test_on_batch"] = "evaluate"
    asked: dict[str, Any] | None = None


class OnBatch:
    """What was trained by ``train_on_batch``: the seconds of every call, and the last batches."""

    def __init__(self) -> None:
        self.model: Any = None
        self.wall_s: list[float] = []
        self.examples = 0
        self.loss: float | None = None
        self.calls: deque[tuple[Any, tuple[Any, ...], dict[str, Any]]] = deque(maxlen=KEPT_BATCHES)


class Watch:
    """Wraps the trainer of ``keras.Model`` while a script runs.

    Args:
        adapter: the backend's.
        counts: which ``fit`` will count: ``last``, a number from 1 on, or a model's name.
        snapshots: whether the variables are kept as they were before the first step.
    """

    def __init__(
        self, adapter: Adapter, counts: Asked = "last", *, snapshots: bool = False
    ) -> None:
        self.adapter = adapter
        self._counts = counts
        self._snapshots = snapshots
        self._running: Fit | None = None
        self._seen_models: set[int] = set()
        self.fits: list[Fit] = []
        self.kept: Fit | None = None
        self.evaluations: list[Evaluation] = []
        self.on_batch = OnBatch()
        self.first_training_ns: int | None = None
        self.own: dict[str, Any] = {
            name: getattr(keras.Model, name)
            for name in ("fit", "evaluate", "train_on_batch", "test_on_batch")
        }

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Inside, trainings and evaluations are seen."""
        wrapped = {
            "fit": self._fit,
            "evaluate": self._evaluate,
            "train_on_batch": self._train_on_batch,
            "test_on_batch": self._test_on_batch,
        }
        there = {name: vars(keras.Model).get(name) for name in wrapped}
        made = {name: _method(call, self.own[name]) for name, call in wrapped.items()}
        for name, method in made.items():
            setattr(keras.Model, name, method)
        try:
            yield
        finally:
            for name, earlier in there.items():
                if vars(keras.Model).get(name) is not made[name]:
                    continue  # the script put its own in the place
                if earlier is None:
                    delattr(keras.Model, name)
                else:
                    setattr(keras.Model, name, earlier)

    def counting(self, fit: Fit) -> bool:
        """Whether ``fit`` may be the one that counts, as far as is known when it begins."""
        return self._counts in ("last", fit.number, fit.name)

    def _fit(self, model: Any, *args: Any, **kwargs: Any) -> Any:
        if self._running is not None:  # a fit within a fit, by a callback
            return self.own["fit"](model, *args, **kwargs)
        asked = _arguments(self.own["fit"], model, args, kwargs)
        self._begun()
        first = FirstStepClock(self.adapter.synchronize)
        clock = FitClock(
            self.adapter,
            digest=id(model) not in self._seen_models,
            snapshots=self._snapshots,
        )
        self._seen_models.add(id(model))
        fit = Fit(
            number=len(self.fits) + 1,
            model=model,
            asked=asked,
            inputs=Inputs(asked),
            clock=clock,
            started_ns=time.perf_counter_ns(),
        )
        clock.inputs = fit.inputs
        self._keep(fit)
        before = draws.states(model, self.adapter)
        self._running = fit
        try:
            with _added(asked, model, before=[first, Stop(clock)], behind=[clock]) as called:
                return self.own["fit"](model, **called)
        finally:
            self._running = None
            fit.first_step_s = first.first_step_s or None
            fit.batches_sha256 = fit.inputs.sha256
            if self.kept is not fit:
                fit.release()
            if clock.epochs:
                fit.loss = clock.epochs[-1].train_loss
                fit.engine = {**checks.engine(model, self.adapter), "input": fit.inputs.kind}
                after = draws.states(model, self.adapter)
                fit.random_draws = draws.random_draws("fit", before, after)

    def _keep(self, fit: Fit) -> None:
        self.fits.append(fit)
        if self.counting(fit):
            if self.kept is not None:
                self.kept.release()
            self.kept = fit

    def _evaluate(self, model: Any, *args: Any, **kwargs: Any) -> Any:
        if self._running is not None:
            # Validation: the clock of the epoch ends here.
            self._running.clock.stop()
            return self.own["evaluate"](model, *args, **kwargs)
        asked = _arguments(self.own["evaluate"], model, args, kwargs)
        logs = _TestLogs()
        with _added(asked, model, before=[], behind=[logs]) as called:
            returned = self.own["evaluate"](model, **called)
        if logs.metrics:
            kept = asked if self._snapshots else None
            self.evaluations.append(Evaluation(model=model, metrics=logs.metrics, asked=kept))
        return returned

    def _train_on_batch(self, model: Any, *args: Any, **kwargs: Any) -> Any:
        if self._running is not None:
            return self.own["train_on_batch"](model, *args, **kwargs)
        self._begun()
        watch = Stopwatch()
        returned = self.own["train_on_batch"](model, *args, **kwargs)
        on = self.on_batch
        on.wall_s.append(watch.lap_s())  # what it gives are numbers, so the device has finished
        on.model = model
        on.calls.append((model, args, kwargs))
        x = args[0] if args else kwargs.get("x")
        shapes = [tuple(getattr(each, "shape", ())) for each in _leaves(x)]
        on.examples += next((int(shape[0]) for shape in shapes if shape), 0)
        on.loss = _first_number(returned)
        return returned

    def _test_on_batch(self, model: Any, *args: Any, **kwargs: Any) -> Any:
        returned = self.own["test_on_batch"](model, *args, **kwargs)
        if self._running is None:
            values = returned if isinstance(returned, dict) else _by_name(model, returned)
            if values:
                found = Evaluation(model=model, metrics=values, source="test_on_batch")
                # One at a time: only the last is ever asked for.
                self.evaluations = [
                    one for one in self.evaluations if one.source != "test_on_batch"
                ] + [found]
        return returned

    def _begun(self) -> None:
        if self.first_training_ns is None:
            self.first_training_ns = time.perf_counter_ns()


class _TestLogs(keras.callbacks.Callback):
    """Keeps the metrics of an evaluation by their names."""

    def __init__(self) -> None:
        super().__init__()
        self.metrics: dict[str, float] = {}

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        """Keep what is a number."""
        found = {name: number(value) for name, value in (logs or {}).items()}
        self.metrics = {name: value for name, value in found.items() if value is not None}


def _method(call: Callable[..., Any], original: Any) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return call(self, *args, **kwargs)

    method.__name__ = original.__name__
    method.__doc__ = original.__doc__
    # For whoever asks which arguments there are, as callers that pass on `**kwargs` do.
    method.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    return method


def _arguments(
    original: Any, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """The arguments of a call by name, however they were given.

    Raises:
        TypeError: as the call itself would.
    """
    bound = inspect.signature(original).bind(model, *args, **kwargs)
    asked = dict(bound.arguments)
    asked |= asked.pop("kwargs", {})
    asked.pop("self", None)
    return asked


@contextlib.contextmanager
def _added(
    asked: dict[str, Any], model: Any, *, before: list[Any], behind: list[Any]
) -> Iterator[dict[str, Any]]:
    """``asked`` with further callbacks; a ``CallbackList`` of the script's is as before after."""
    given = asked.get("callbacks")
    if not isinstance(given, keras.callbacks.CallbackList):
        own = list(keras.tree.flatten(given)) if given is not None else []
        yield {**asked, "callbacks": [*before, *own, *behind]}
        return
    earlier = list(given.callbacks)
    for callback in itertools.chain(before, behind):
        callback.set_model(model)
        callback.set_params(getattr(given, "params", None) or {})
    given.callbacks[:] = [*before, *earlier, *behind]
    try:
        yield asked
    finally:
        given.callbacks[:] = earlier


def _first_number(returned: Any) -> float | None:
    if isinstance(returned, dict):
        returned = returned.get("loss")
    values = returned if isinstance(returned, list | tuple) else [returned]
    return number(values[0]) if values else None


def _by_name(model: Any, returned: Any) -> dict[str, float]:
    values = returned if isinstance(returned, list | tuple) else [returned]
    named = zip(model.metrics_names, map(number, values), strict=False)
    return {name: value for name, value in named if value is not None}


def _leaves(tree: Any) -> list[Any]:
    return list(keras.tree.flatten(tree))
