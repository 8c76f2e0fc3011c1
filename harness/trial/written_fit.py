"""What a scenario's own ``fit`` asks of Keras, found by calling it while nothing trains.

A loop without Keras' trainer goes over the batches of an epoch in their order, and does nothing
else. A ``fit`` that asks for more (class weights, callbacks of its own, several trainings) would be
left out in silence.
"""

from __future__ import annotations

import contextlib
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import keras

from harness.errors import HarnessError
from harness.scenario import Scenario

EPOCHS = ((0, 2), (2, 4))
"""First epoch and the one to stop before, of the calls that are looked at: a trial trains the
epochs for quality, and then goes on from there."""

TRAINERS = ("compile", "train_on_batch", "test_on_batch", "evaluate", "predict", "predict_on_batch")
"""Methods of a Keras model that ``fit`` has no need of."""

FREE = {"x", "epochs", "initial_epoch", "callbacks", "verbose", "shuffle", "steps_per_epoch"}
"""Arguments of ``model.fit`` that have rules of their own here; others must be Keras' defaults."""


class _Batches:
    """Stands for the batches: it can be handed on and nothing else."""


class WrittenFit:
    """What a scenario's ``fit`` did: the calls of ``model.fit``, and whatever else was seen.

    Args:
        chosen: the scenario.
        model: built and compiled; nothing of it is changed, but if the scenario's own code does so.
        steps: training steps of an epoch.
        ordered: whether Keras leaves the batches in their order although it is told to shuffle, as
            it does with a ``tf.data.Dataset``.
    """

    def __init__(self, chosen: Scenario, model: Any, *, steps: int, ordered: bool) -> None:
        self._model = model
        self._steps = steps
        self._ordered = ordered
        self._seen: list[str] = []
        self._astray: list[str] = []
        self.own_callbacks: list[Any] = []
        for initial_epoch, epochs in EPOCHS:
            self._look(chosen, initial_epoch, epochs)

    @property
    def beyond(self) -> list[str]:
        """What it does beside one plain ``model.fit``, in words, each once."""
        return list(dict.fromkeys([*self._astray, *self._seen]))

    @property
    def astray(self) -> list[str]:
        """What of that no mode can bear: backends would see other batches."""
        return list(dict.fromkeys(self._astray))

    def _look(self, chosen: Scenario, initial_epoch: int, epochs: int) -> None:
        train, given = _Batches(), keras.callbacks.Callback()
        calls: list[inspect.BoundArguments] = []
        signature = inspect.signature(keras.Model.fit)

        def fit(*args: Any, **kwargs: Any) -> Any:
            calls.append(signature.bind(self._model, *args, **kwargs))
            history = keras.callbacks.History()
            history.history = defaultdict(lambda: [0.0] * (epochs - initial_epoch))
            return history

        before = self._trained()
        with self._noting(fit), _assignments(self._seen):
            try:
                chosen.fit(
                    self._model,
                    train,
                    epochs=epochs,
                    initial_epoch=initial_epoch,
                    callbacks=[given],
                )
            except Exception as error:  # noqa: BLE001 - whatever the scenario's code raises
                self._seen.append(_followed(error, bool(calls)))
        if self._trained() != before:
            self._seen.append("changes which variables are trained")
        if len(calls) != 1:
            self._seen.append(f"calls model.fit {len(calls)} times")
        for call in calls:
            self._judge(call.arguments, train, given, (initial_epoch, epochs))

    def _judge(
        self, asked: dict[str, Any], train: Any, given: Any, epochs: tuple[int, int]
    ) -> None:
        defaults = inspect.signature(keras.Model.fit).parameters
        if asked.get("x") is not train:
            self._astray.append("trains on something else than the batches that it is given")
        if (asked.get("initial_epoch", 0), asked.get("epochs", 1)) != epochs:
            self._seen.append("trains other epochs than it is asked for")
        if asked.get("steps_per_epoch") not in {None, self._steps}:
            self._seen.append("sets steps_per_epoch")
        # By default Keras shuffles the batches of a PyDataset.
        if asked.get("shuffle", True) is not False and not self._ordered:
            self._astray.append("shuffles the batches (say shuffle=False)")
        callbacks = asked.get("callbacks") or []
        own = [one for one in _listed(callbacks) if one is not given]
        if own:
            self.own_callbacks += own
            names = sorted({type(one).__name__ for one in own})
            self._seen.append(f"has callbacks of its own ({', '.join(names)})")
        for name, value in asked.items():
            if name in FREE | {"self"} or value is defaults[name].default:
                continue
            if not (isinstance(value, int | float) and value == defaults[name].default):
                self._seen.append(f"sets {name}")

    def _trained(self) -> list[tuple[int, bool]]:
        return [(id(variable), variable.trainable) for variable in self._model.variables]

    @contextlib.contextmanager
    def _noting(self, fit: Callable[..., Any]) -> Iterator[None]:
        """Inside, the model's trainer only notes that it was asked."""

        def noting(name: str) -> Callable[..., Any]:
            def noted(*_: Any, **__: Any) -> Any:
                self._seen.append(f"calls model.{name}")
                return defaultdict(float) if name == "evaluate" else None

            return noted

        replaced = {"fit": fit} | {name: noting(name) for name in TRAINERS}
        # Not as attributes that Keras tracks: to the model, nothing happens.
        there = vars(self._model)
        earlier = {name: there[name] for name in replaced if name in there}
        there.update(replaced)
        try:
            yield
        finally:
            for name in replaced:
                there.pop(name, None)
            there.update(earlier)


@contextlib.contextmanager
def _assignments(seen: list[str]) -> Iterator[None]:
    """Inside, notes in ``seen`` when a Keras variable is assigned to, a learning rate for one."""
    own = vars(keras.Variable).get("assign")
    plain = keras.Variable.assign

    def assign(self: Any, value: Any) -> Any:
        seen.append(f"assigns to {self.path}")
        return plain(self, value)

    keras.Variable.assign = assign
    try:
        yield
    finally:
        if own is None:
            del keras.Variable.assign
        else:
            keras.Variable.assign = own


def _followed(error: Exception, called: bool) -> str:
    if isinstance(error, HarnessError):
        return str(error)
    where = "after model.fit" if called else "before it calls model.fit"
    return (
        f"cannot be followed {where} ({type(error).__name__}: {error}), so it does more than hand "
        "the batches to model.fit"
    )


def _listed(callbacks: Any) -> list[Any]:
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
