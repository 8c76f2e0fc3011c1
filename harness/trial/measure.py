"""The phases of a trial, in the tutorial's order, each under its clock.

Import, data, model, ``fit`` with an evaluation after every epoch, prediction; then more epochs of
the same until the time budget is used, because five are too few for a stable step time.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from harness import probe, scenario
from harness.errors import HarnessError
from harness.probe import noise
from harness.probe.memory import peak_rss_bytes
from harness.records.header import record_of
from harness.records.machine import DeviceInfo, Environment, Noise
from harness.records.trial import Epoch, Hashes, Memory, Phases, Prediction, Quality, Record, Trial
from harness.trial import backends, checks
from harness.trial.prepared import set_up

MINIMUM_TIMED_EPOCHS = 3
"""Counted epochs of the timing phase, whatever the time budget. With those for quality, whose steps
count as well, a trial then has the eight epochs that tell a level from a trend."""


class DivergedError(HarnessError):
    """Training ended in values that are no numbers."""


def measure(trial: Trial, variables: Mapping[str, str]) -> Record:
    """Train the cell's scenario once and return everything that was seen.

    Args:
        trial: what to measure.
        variables: the environment variables that this process was given; frameworks add their own
            to ``os.environ`` as they are imported.

    Raises:
        HarnessError: where the cell cannot be measured in this environment: wrong or missing
            backend, no such device, unknown scenario or setting, unreadable table.
    """
    setup = set_up(trial, variables)
    cell, chosen, settings, adapter = trial.cell, setup.chosen, setup.settings, setup.adapter
    from harness.trial import draws, evaluation, loops, weights
    from harness.trial.clock import AfterFirstEpoch, EpochClock, Stopwatch
    from harness.trial.turns import BetweenEpochs, Turntaker

    environment = probe.environment(variables)
    watch = Stopwatch()

    table = setup.table()
    data = chosen.data(settings, table)
    test = adapter.batches(data.test, settings.batch_size)
    data_s = watch.lap_s()

    handed = setup.custom_weights()
    prepared = setup.prepared(data, handed)
    model = prepared.model
    initial_weights = weights.digest(weights.current(model))
    loop = loops.make(cell.mode, prepared)
    build_s = watch.lap_s()
    device = device_info(checks.placed(adapter, model, cell), environment)
    evaluation.require(prepared, test)  # between two laps: no clock has it

    examples = data.train.examples

    results: Any = {}

    def evaluate() -> float:
        nonlocal results
        loop.put_back()
        results = chosen.evaluate(model, test)
        return evaluation.value_of(chosen.metric, results)

    turns = None if trial.seat is None else Turntaker(trial.seat)

    def turn() -> int | None:
        return None if turns is None else turns.turn

    learning = EpochClock(
        phase="quality",
        steps=prepared.steps,
        examples=examples,
        synchronize=loop.synchronize,
        evaluate=evaluate,
        turn=turn,
    )
    compiled = AfterFirstEpoch(noise.snapshot)
    waiting = [] if turns is None else [BetweenEpochs(turns, learning, budgeted=False)]
    seeds = draws.states(model, adapter)
    loop.train(epochs=settings.epochs, callbacks=[learning, compiled, *waiting])
    learned = quality(
        chosen.metric,
        learning.epochs,
        published=chosen.published(settings),
        others=evaluation.others(chosen.metric, results),
    )
    final_weights = weights.digest(weights.current(model))
    drawn = draws.random_draws(cell.mode, seeds, draws.states(model, adapter))

    watch.lap_s()
    shown = predictions(chosen, settings, data, model)
    predict_s = watch.lap_s() if shown else None

    timing = EpochClock(
        phase="timing",
        steps=prepared.steps,
        examples=examples,
        synchronize=loop.synchronize,
        budget_s=trial.time_budget_s if turns is None else None,
        minimum=MINIMUM_TIMED_EPOCHS,
        turn=turn,
    )
    waiting = [] if turns is None else [BetweenEpochs(turns, timing, budgeted=True)]
    loop.train(initial_epoch=settings.epochs, epochs=sys.maxsize, callbacks=[timing, *waiting])
    alone = noise.difference(compiled.seen, noise.snapshot())
    total_s = setup.seconds() - (0.0 if turns is None else turns.waited_s)
    return record_of(
        trial,
        Record,
        status="ok",
        scenario_version=chosen.version,
        started_at=setup.started_at,
        duration_s=total_s,
        device=device,
        engine={**checks.engine(model, adapter), **loop.engine()},
        phases=Phases(
            import_s=setup.import_s,
            data_s=data_s,
            build_s=build_s,
            first_step_s=loop.first_step_s,
            first_steps=loop.first_steps,
            predict_s=predict_s,
            total_s=total_s,
        ),
        epochs=learning.epochs + timing.epochs,
        quality=learned,
        predictions=shown,
        memory=Memory(
            peak_rss_bytes=peak_rss_bytes(), peak_device_bytes=adapter.peak_device_bytes()
        ),
        hashes=Hashes(
            table=table.ratings_sha256 if table is not None else "generated",
            split=data.split_sha256,
            initial_weights=initial_weights,
            final_weights=final_weights,
        ),
        environment=environment,
        synthetic=data.synthetic,
        noise=Noise(training=alone if turns is None else turns.disturbance()),
        work=chosen.work(settings, data),
        random_draws=drawn,
        scenario_sha256=setup.scenario_sha256,
        custom_initial=handed.sources,
        turns=None if turns is None else turns.account(),
    )


def quality(
    metric: scenario.Metric,
    epochs: list[Epoch],
    *,
    published: float | None,
    others: dict[str, float],
) -> Quality:
    """The metric after the last of ``epochs``, and the training time until the target.

    Args:
        metric: what the scenario is judged by.
        epochs: those with an evaluation.
        published: what others got with these settings.
        others: what the last evaluation gave beside the metric, by name.

    Raises:
        DivergedError: if the last metric is not a finite number.
    """
    trained_s = 0.0
    time_to_target_s = None
    for epoch in epochs:
        trained_s += epoch.wall_s
        if time_to_target_s is None and metric.reached(epoch.metric):
            time_to_target_s = trained_s
    value = epochs[-1].metric
    if value is None:
        raise DivergedError(
            f"training diverged: {metric.label} after epoch {len(epochs)} is not a finite number; "
            "try a smaller learning rate"
        )
    return Quality(
        metric=metric.name,
        direction=metric.direction,
        value=value,
        reference=published,
        others=others,
        target=metric.target,
        time_to_target_s=time_to_target_s,
    )


def predictions(
    chosen: scenario.Scenario, settings: Any, data: scenario.Data, model: Any
) -> list[Prediction]:
    """What a record shows of :meth:`harness.scenario.Scenario.predictions`, if anything."""
    return [
        Prediction(inputs=inputs, output=output, shown=chosen.shown(output))
        for inputs, output in chosen.predictions(settings, data, model)
    ]


def device_info(placement: backends.Placement, environment: Environment) -> DeviceInfo:
    """The device of the variables, with what the driver tells of it."""
    name, framework_id = environment.cpu.model, placement.framework_id
    if placement.kind == "cpu":
        return DeviceInfo(kind="cpu", name=name, framework_id=framework_id)
    driver = next(iter(environment.gpus), None)
    return DeviceInfo(
        kind="gpu",
        name=placement.name or (driver.name if driver else "unknown GPU"),
        framework_id=framework_id,
        driver=driver.driver if driver else None,
        memory_bytes=placement.memory_bytes or (driver.memory_bytes if driver else None),
    )
