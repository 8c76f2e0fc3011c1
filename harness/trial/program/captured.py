"""The training of a script that counts, as parity can begin it anew: model, data, test, metric.

The script is run to its end once. Its model then gets back the variables that it had before its
first step, and its batches are cut again from what ``fit`` was given, in the order in which they
were given: the same on every backend, whatever ``shuffle`` said.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NoReturn

import keras
import numpy as np

from harness.errors import HarnessError
from harness.program import arguments_of, label_of
from harness.scenario import Data, Metric, Scenario, Settings, Split, SplitError, content_sha256
from harness.scenario_files import program_file
from harness.tree import leaves, map_leaves
from harness.trial.prepared import Prepared, Setup
from harness.trial.program import choice, start
from harness.trial.program.script import Script
from harness.trial.program.watch import Evaluation, Fit, Watch

MOST_STEPS = 100
"""Steps of an epoch that are compared: a script's epoch may be long, and is trained many times."""

MOST_EPOCHS = 2


class UncapturedError(HarnessError):
    """Parity cannot begin the training of a script anew."""


class Captured(Scenario):
    """A script's training as a scenario: the model and the data are there already."""

    summary = "a script of your own"
    version = 1

    def __init__(self, name: str, metric: Metric) -> None:
        self.name = name  # type: ignore[misc]  # of a scenario these are the class's
        self.metric = metric  # type: ignore[misc]

    def data(self, settings: Any, table: Any) -> NoReturn:
        """They are there."""
        raise NotImplementedError

    def model(self, settings: Any, data: Any) -> NoReturn:
        """It is there."""
        raise NotImplementedError

    def fit(
        self,
        model: Any,
        train: Any,
        *,
        epochs: int,
        initial_epoch: int = 0,
        callbacks: list[Any] | None = None,
    ) -> None:
        """Keras' own, without what the script adds to it."""
        keras.Model.fit(
            model,
            train,
            epochs=epochs,
            initial_epoch=initial_epoch,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )

    def evaluate(self, model: Any, test: Any) -> dict[str, float]:
        """Keras' own."""
        results: dict[str, float] = keras.Model.evaluate(model, test, return_dict=True, verbose=0)
        return results


def captured(setup: Setup) -> Prepared:
    """The training that counts, with the common initial weights.

    Raises:
        UncapturedError: if the script calls no ``fit``, or gives it what cannot be kept.
        Exception: whatever the script raises.
    """
    file = program_file(setup.task.source)
    script = Script(file.path, arguments_of(setup.settings))
    watch = Watch(setup.adapter, choice.asked_fit(setup.settings.fit), snapshots=True)
    with (
        start.common_weights(setup.task.seed, drawn=setup.task.cell.init == "common"),
        start.shifted_seeds(setup.task.seed),
        watch.watching(),
    ):
        script.run()
    fit = choice.fit(watch, setup.settings.fit)
    if fit is None or not fit.asked:
        raise UncapturedError(
            f"{file.name} calls no fit that trains, and parity has to start a fit itself: it "
            "cannot start a loop of the script's own"
        )
    found = choice.metric(watch, fit, setup.settings.metric)
    if found is None:
        raise UncapturedError(f"the fit of {file.name} left no metric to compare")
    metric = Metric(
        name=found.name,
        label=label_of(found.name, found.source),
        direction=found.direction,
        reference=None,
        source="",
        target=None,
        tolerance=0.0,
    )
    try:
        train = _train(fit)
        test = _test(watch, fit, train)
    except (SplitError, TypeError, ValueError) as error:
        raise UncapturedError(
            f"the data that {file.name} gives to fit cannot be cut into batches again: {error}"
        ) from None
    size = _first_size(train, fit)
    train = train.map(lambda values: values[: size * MOST_STEPS])
    _put_back(fit)
    return Prepared(
        chosen=Captured(file.name, metric),
        settings=Settings(
            batch_size=size, epochs=min(len(fit.clock.epochs), MOST_EPOCHS), precision="float32"
        ),
        data=Data(train=train, test=test, sizes={}, split_sha256=content_sha256(train)),
        adapter=setup.adapter,
        model=fit.model,
    )


def _put_back(fit: Fit) -> None:
    """Let the model and its optimizer hold what they held before the first step."""
    for variable, value in fit.clock.initial:
        variable.assign(value)
    # Made with whatever the script had compiled by then; they are made again.
    fit.model.train_function = fit.model.test_function = None


def _train(fit: Fit) -> Split:
    asked = fit.asked
    if fit.inputs.kind == "arrays":
        parts = [asked.get(name) for name in ("x", "y", "sample_weight")]
        examples = fit.inputs.examples or 0
        split = _split([_cut(part, slice(0, examples)) for part in parts])
    else:
        split = _joined(fit)
    weights = asked.get("class_weight")
    return split if weights is None else _weighted(split, weights)


def _joined(fit: Fit) -> Split:
    """The batches of a data set, one behind the other."""
    if fit.inputs.used_up:
        batches = fit.inputs.first
    elif fit.inputs.kind == "PyDataset":
        x = fit.asked["x"]
        batches = [x[i] for i in range(min(MOST_STEPS, fit.clock.epochs[-1].steps))]
    else:
        steps = min(MOST_STEPS, fit.clock.epochs[-1].steps)
        batches = list(itertools.islice(iter(fit.asked["x"]), steps))
    parts = []
    for place in range(max(map(len, batches))):
        told = [leaves(batch[place]) for batch in batches]
        joined = [np.concatenate([_array(one[path]) for one in told]) for path in told[0]]
        parts.append(_filled(batches[0][place], iter(joined)))
    return _split(parts)


def _filled(tree: Any, values: Iterator[Any]) -> Any:
    """``tree`` with ``values`` for its leaves, in the order of :func:`harness.tree.leaves`."""
    return map_leaves(lambda _: next(values), tree)


def _test(watch: Watch, fit: Fit, train: Split) -> Split:
    """What the script evaluates this model on, else its validation, else the first batch."""
    mine: list[Evaluation] = [one for one in watch.evaluations if one.model is fit.model]
    given: list[Any] = [one.asked for one in mine[-1:] if one.asked is not None]
    asked = given[0] if given else {}
    parts = [asked.get(name) for name in ("x", "y", "sample_weight")]
    if parts[1] is None:
        validation = fit.asked.get("validation_data")
        parts = [*validation, None][:3] if isinstance(validation, list | tuple) else [None]
    if parts[0] is not None and len(parts) > 1 and parts[1] is not None:
        return _split(parts)
    size = _first_size(train, fit)
    return train.map(lambda values: values[:size])


def _split(parts: list[Any]) -> Split:
    kept = [map_leaves(_array, part) if part is not None else None for part in parts]
    if len(kept) < 2 or kept[1] is None:
        raise SplitError("it has no labels")
    return Split(inputs=kept[0], labels=kept[1], sample_weights=kept[2] if len(kept) > 2 else None)


def _weighted(split: Split, weights: dict[int, float]) -> Split:
    """Class weights as Keras makes sample weights of them."""
    labels = np.asarray(split.labels)
    classes = labels.argmax(-1) if labels.ndim > 1 and labels.shape[-1] > 1 else labels.ravel()
    of_class = np.array([weights.get(int(one), 1.0) for one in classes], dtype="float32")
    given = split.sample_weights
    return Split(
        inputs=split.inputs,
        labels=split.labels,
        sample_weights=of_class if given is None else of_class * given,
    )


def _cut(tree: Any, rows: slice) -> Any:
    return None if tree is None else map_leaves(lambda values: _array(values)[rows], tree)


def _array(values: Any) -> Any:
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    return np.asarray(values)


def _first_size(train: Split, fit: Fit) -> int:
    return int(fit.inputs.batch_size or min(32, train.examples))
