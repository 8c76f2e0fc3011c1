"""Which training of a script counts, and which metric is its quality: ``docs/programs.md``."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import keras

from harness.errors import HarnessError
from harness.program import AUTO, LAST
from harness.records.program import Source
from harness.trial.program.fit_clock import first_metric
from harness.trial.program.watch import Asked, Evaluation, Fit, Watch
from harness.words import joined, unknown

Direction = Literal["lower", "higher"]


class ChoiceError(HarnessError):
    """What was asked for by ``--fit`` or ``--metric`` is not there."""


class Metric(NamedTuple):
    """The quality of a program: which metric, where it was read, and which way is better."""

    name: str
    value: float
    source: Source
    direction: Direction
    remark: str | None = None


def asked_fit(text: str) -> Asked:
    """What ``--fit`` says: ``last``, a number or a model's name."""
    return int(text) if text.isascii() and text.isdigit() else text


def fit(watch: Watch, asked: str) -> Fit | None:
    """The ``fit`` that counts; ``None`` of a script that called none which trained.

    Raises:
        ChoiceError: if there is none of that number or model.
    """
    trained = [one for one in watch.fits if watch.counting(one) and one.clock.epochs]
    if not trained and asked != LAST:
        calls = [f"{one.number} ({one.name})" for one in watch.fits]
        there = joined(calls) if calls else "none"
        raise ChoiceError(f"--fit {asked}: the script called fit for {there}")
    return trained[-1] if trained else None


def metric(watch: Watch, counted: Fit | None, asked: str) -> Metric | None:
    """The metric of the training that counts; ``None`` if there is no number at all.

    Args:
        watch: what was seen.
        counted: the ``fit`` that counts.
        asked: ``auto``, or a metric's name, perhaps with ``:lower`` or ``:higher`` behind it.

    Raises:
        ChoiceError: if there is no metric of that name.
    """
    name, _, way = asked.partition(":")
    if way not in {"", "lower", "higher"}:
        raise ChoiceError(f"--metric {asked}: which way is better is :lower or :higher")
    within = name.removeprefix("val_")
    model = counted.model if counted is not None else watch.on_batch.model
    known: list[str] = []
    for source, metrics, of in _candidates(watch, counted, model):
        if name != within and source != "validation":
            continue
        known += metrics
        chosen = first_metric(list(metrics)) if name == AUTO else within
        if chosen not in metrics:
            continue
        direction, remark = _direction(of, chosen, way)
        return Metric(chosen, metrics[chosen], source, direction, remark)
    if name != AUTO:
        raise ChoiceError(f"--metric: {unknown('metric', name, sorted(set(known)))}")
    return None


def _candidates(
    watch: Watch, counted: Fit | None, model: Any
) -> Iterator[tuple[Source, dict[str, float], Any]]:
    """Where a metric may be read, the best place first."""
    of_model = [one for one in watch.evaluations if one.model is model]
    evaluations: list[Evaluation] = of_model or watch.evaluations
    if evaluations:
        last = evaluations[-1]
        yield last.source, last.metrics, last.model
    if counted is None:
        loss = watch.on_batch.loss
        if loss is not None and math.isfinite(loss):
            yield "training", {"loss": loss}, model
        return
    logs = counted.clock.logs
    validation = {
        name.removeprefix("val_"): value for name, value in logs.items() if name[:4] == "val_"
    }
    if validation:
        yield "validation", validation, model
    if "loss" in logs:  # which counts, whatever metrics stand beside it
        yield "training", {"loss": logs["loss"]}, model
    yield "training", {name: v for name, v in logs.items() if name[:4] != "val_"}, model


def _direction(model: Any, name: str, way: str) -> tuple[Direction, str | None]:
    """Which way a metric of ``model`` is better: as asked, else as Keras knows it, else lower."""
    if way:
        return ("higher" if way == "higher" else "lower"), None
    if (known := known_direction(model, name)) is not None:
        return known, None
    return "lower", (
        f"Keras does not know whether more {name} is better; lower is taken for better: "
        f"--metric {name}:higher says otherwise"
    )


def known_direction(model: Any, name: str) -> Direction | None:
    """Which way Keras' own callbacks take for better; ``None`` where they do not know."""
    if name == "loss" or name.endswith("_loss"):
        return "lower"
    with contextlib.suppress(Exception):  # of a name that Keras knows nothing of
        stopping = keras.callbacks.EarlyStopping(monitor=name)
        stopping.set_model(model)
        stopping.on_train_begin()
        stopping.on_epoch_end(0, {name: 0.0})
        return "higher" if bool(stopping.monitor_op(1.0, 0.0)) else "lower"
    return None
