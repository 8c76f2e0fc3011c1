"""Tries a scenario on one backend, rule by rule, as far as it keeps the contract."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from harness import scenario, scenario_files
from harness.errors import HarnessError
from harness.records.cell import MODES
from harness.records.check import Answer, CheckTask, Line, Status
from harness.scenario import Data, Split, content_sha256
from harness.trial import failure
from harness.trial.prepared import Prepared, Setup, set_up
from harness.words import count, joined

STEPS = 2
"""Training steps of an epoch here."""


class BrokenRuleError(HarnessError):
    """A rule of the contract that is not kept."""


class _Stopped(Exception):  # noqa: N818 - nothing is wrong with the harness
    """A rule is broken on which all the others rest."""


class _Notebook:
    """The lines of one backend, as they come."""

    def __init__(self, task: CheckTask) -> None:
        self._source = task.source
        self._place = task.cell.place
        self.lines: list[Line] = []

    def note(self, rule: str, seen: str, status: Status = "ok", origin: Any = None) -> None:
        """Keep a line."""
        line = Line(rule=rule, status=status, seen=seen, place=self._place, origin=origin)
        self.lines.append(line)

    @contextlib.contextmanager
    def judging(self, rule: str, *, vital: bool = False) -> Iterator[None]:
        """Inside, whatever is raised breaks ``rule``; without a ``vital`` one nothing else goes."""
        try:
            yield
        except Exception as error:  # whatever the scenario or a framework raises
            why = failure.failure(error, self._source)
            self.note(rule, why.reason, "not ok", why.origin)
            if vital:
                raise _Stopped from error


def look(task: CheckTask, variables: Mapping[str, str]) -> Answer:
    """Every rule that this backend can tell of.

    Raises:
        HarnessError: where nothing can be trained in this environment.
    """
    setup = set_up(task, variables)
    notes = _Notebook(task)
    data = digest = None
    with contextlib.suppress(_Stopped):
        data = _data(notes, setup)
        prepared, digest = _model(notes, setup, data)
        _metric(notes, prepared)
        _training(notes, prepared)
        _prediction(notes, setup, data)
        _modes(notes, setup)
    sha256 = None if data is None else content_sha256(data.train, data.test)
    return Answer(lines=notes.lines, data=sha256, initial_weights=digest)


def _data(notes: _Notebook, setup: Setup) -> Data:
    """The data, which are the same when they are made a second time, by the file read anew."""
    with notes.judging("data", vital=True):
        table = setup.table()
        data = setup.chosen.data(setup.settings, table)
        if not isinstance(data, Data):
            raise BrokenRuleError(f"data gives {type(data).__name__}: give harness.scenario.Data")
        scenario_files.load.cache_clear()
        again = scenario.find(setup.task.source).data(setup.settings, table)
        for part in ("train", "test"):
            _same(part, getattr(data, part), getattr(again, part))
        if again.split_sha256 != data.split_sha256:
            raise BrokenRuleError("split_sha256 is another one each time that data is called")
        notes.note("data", f"training {_shapes(data.train)}; {data.test.examples:,} to test")
    return data


def _same(part: str, split: Split, again: Split) -> None:
    others = again.arrays()
    for name, values in split.arrays().items():
        if name not in others or not np.array_equal(values, others[name]):
            raise BrokenRuleError(
                f"{part}: {name} are others each time that data is called, and each process calls "
                "it: give the random generator a fixed seed"
            )


def _shapes(split: Split) -> str:
    """``6,400 examples of inputs float32 [784], labels int32 []``."""
    arrays = [f"{n} {a.dtype} {list(a.shape[1:])}" for n, a in split.arrays().items()]
    return f"{count(split.examples, 'example')} of {', '.join(arrays)}"


def _model(notes: _Notebook, setup: Setup, data: Data) -> tuple[Prepared, str]:
    """The model, which has the same initial weights when it is made a second time."""
    from harness.trial import checks, weights

    with notes.judging("model", vital=True):
        handed = setup.custom_weights()
        prepared = setup.prepared(data, handed)
        model = prepared.model
        if not model.trainable_variables:
            raise BrokenRuleError("the model has no variable to train")
        if getattr(model, "optimizer", None) is None:
            raise BrokenRuleError("the model is not compiled: call model.compile in model()")
        digest = weights.digest(weights.current(model))
        if digest != weights.digest(weights.current(setup.prepared(data, handed).model)):
            raise BrokenRuleError(
                "the model begins with other weights each time that it is made from one seed: "
                "make every variable inside model()"
            )
        checks.placed(setup.adapter, model, setup.task.cell)
        optimizer = type(model.optimizer).__name__
        notes.note("model", f"{count(model.count_params(), 'parameter')}, {optimizer}")
    if handed.sources:
        told = joined(sorted(handed.sources))
        notes.note("model", f"drawn by initialisers of its own: {told}", "note")
    return prepared, digest


def _metric(notes: _Notebook, prepared: Prepared) -> None:
    """Before training, as a trial asks for it; and which way Keras takes for better."""
    from harness.trial import evaluation
    from harness.trial.program.choice import known_direction

    metric = prepared.chosen.metric
    with notes.judging("metric", vital=True):
        test = prepared.adapter.batches(prepared.data.test, prepared.settings.batch_size)
        evaluation.require(prepared, test)
        known = known_direction(prepared.model, metric.name)
        if metric.direction not in {"lower", "higher"}:
            raise BrokenRuleError(f"its direction is {metric.direction!r}: write lower or higher")
        if known not in {None, metric.direction}:
            raise BrokenRuleError(
                f"of {metric.name} {metric.direction} is better, it says; Keras takes {known} for "
                f"better: write direction={known!r}"
            )
        notes.note("metric", f"{metric.name}, {metric.direction} is better")


def _training(notes: _Notebook, prepared: Prepared) -> None:
    """A few steps by the scenario's own ``fit``, and an evaluation of a few batches."""
    from harness.trial import draws, evaluation
    from harness.trial.written_fit import WrittenFit

    chosen, model, adapter = prepared.chosen, prepared.model, prepared.adapter
    size = int(prepared.settings.batch_size)
    with notes.judging("fit", vital=True):
        few = prepared.data.train.map(lambda values: values[: size * STEPS])
        first = dataclasses.replace(prepared, data=_with_train(prepared.data, few))
        written = WrittenFit(
            chosen, model, steps=first.steps, ordered=adapter.backend == "tensorflow"
        )
        if written.astray:
            raise BrokenRuleError(f"fit {joined(written.astray)}")
        epochs = _epochs_seen()
        before = draws.states(model, adapter)
        batches = adapter.batches(few, size)
        chosen.fit(model, batches, epochs=1, callbacks=[epochs])
        chosen.fit(model, batches, epochs=2, initial_epoch=1, callbacks=[epochs])
        drew = draws.random_draws("fit", before, draws.states(model, adapter))
        if epochs.seen != [0, 1]:
            raise BrokenRuleError(
                f"fit was asked for epoch 0 and then for epoch 1, and its callbacks saw "
                f"{epochs.seen or 'none'}: pass callbacks, initial_epoch and epochs on to model.fit"
            )
        if not math.isfinite(epochs.loss):
            raise BrokenRuleError(
                f"the loss after {count(STEPS, 'step')} is {epochs.loss}: lower the learning rate"
            )
        notes.note("fit", f"{count(2 * first.steps, 'step')} of batch size {size:,}")
    for one in written.beyond:
        notes.note("fit", f"it {one}, so that some modes are refused", "note")
    with notes.judging("evaluate"):
        few = prepared.data.test.map(lambda values: values[: size * STEPS])
        value = evaluation.value_of(
            chosen.metric, chosen.evaluate(model, adapter.batches(few, size))
        )
        if not math.isfinite(value):
            raise BrokenRuleError(f"{chosen.metric.name} is {value} after {STEPS} steps")
        notes.note("evaluate", f"{chosen.metric.name} {value:.5g} after those steps")
    chance = "its random layers get the same numbers on every backend" if drew else "without chance"
    notes.note("parity", f"training is compared step by step, {chance}")


def _with_train(data: Data, train: Split) -> Data:
    return msgspec.structs.replace(data, train=train)


def _epochs_seen() -> Any:
    import keras

    class Seen(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[int] = []
            self.loss = math.nan

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            self.seen.append(epoch)
            self.loss = float((logs or {}).get("loss", math.nan))

    return Seen()


def _prediction(notes: _Notebook, setup: Setup, data: Data) -> None:
    from harness.trial.measure import predictions

    with notes.judging("prediction"):
        # A model of its own: that of the training is compiled for its batches.
        shown = predictions(setup.chosen, setup.settings, data, setup.prepared(data).model)
        if shown:
            notes.note("prediction", f"{count(len(shown), 'candidate')}, {shown[0].shown:.4g} …")


def _modes(notes: _Notebook, setup: Setup) -> None:
    """Which modes a trial would refuse, as the pre-flight of a run finds it."""
    from harness.trial.preflight.look import objection

    allowed = []
    for mode in MODES:
        with notes.judging(f"mode {mode}"):
            cell = msgspec.structs.replace(setup.task.cell, mode=mode)
            reason = objection(cell, setup)
            if reason is None:
                allowed.append(mode)
            else:
                notes.note("modes", f"{mode} is refused: {reason}", "note")
    if allowed:
        notes.note("modes", joined(allowed))
