"""A trial of a user's own script: run it, go on with what counts, say what was seen."""

from __future__ import annotations

import contextlib
import gc
import math
import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from harness import probe
from harness.backends import BACKENDS
from harness.errors import HarnessError
from harness.probe import noise
from harness.probe.memory import peak_rss_bytes
from harness.program import arguments_of
from harness.records.failure import homeless
from harness.records.header import record_of
from harness.records.machine import Noise
from harness.records.program import MOST_FITS, OWN_DATA, ProgramFit, ProgramRun
from harness.records.trial import Epoch, Hashes, Memory, Phases, Quality, Record, Trial
from harness.scenario_files import program_file
from harness.trial import checks
from harness.trial.measure import DivergedError, device_info
from harness.trial.prepared import Setup, set_up
from harness.trial.program.script import Script

if TYPE_CHECKING:
    from harness.trial.turns import Turntaker


class NothingTrainedError(HarnessError):
    """A script made no model at all."""


def measure(trial: Trial, variables: Mapping[str, str]) -> Record:
    """Run the script of ``trial`` under the clocks and return everything that was seen.

    Raises:
        HarnessError: where the script cannot be measured in this environment, trains nothing, or
            does not have what was asked for.
        Exception: whatever the script raises.
    """
    file = program_file(trial.source)
    script = Script(file.path, [])  # what cannot be compiled is told before a framework is imported
    setup = set_up(trial, variables)
    script.arguments = arguments_of(setup.settings)
    from harness.trial.program import start
    from harness.trial.program.choice import asked_fit
    from harness.trial.program.watch import Watch
    from harness.trial.turns import Turntaker

    # Before the script starts processes of its own, which would hold the channel open.
    turns = None if trial.seat is None else Turntaker(trial.seat)
    environment = probe.environment(variables)
    watch = Watch(setup.adapter, asked_fit(setup.settings.fit))
    before = noise.snapshot()
    started_ns, cpu_ns = time.perf_counter_ns(), time.process_time_ns()
    with (
        start.common_weights(trial.seed, drawn=trial.cell.init == "common") as began,
        start.shifted_seeds(trial.seed),
        watch.watching(),
    ):
        script.run()
    ended_ns = time.perf_counter_ns()
    cpu_s = (time.process_time_ns() - cpu_ns) * 1e-9
    seen = _Seen(trial, setup, script, watch, began=began, turns=turns)
    seen.spans_ns = (started_ns, ended_ns)
    with script.output.kept():  # its data may go on to print
        return seen.record(environment, before, cpu_s)


class _Seen:
    """What a script did, as a record tells it."""

    def __init__(
        self,
        trial: Trial,
        setup: Setup,
        script: Script,
        watch: Any,
        *,
        began: Any,
        turns: Turntaker | None,
    ) -> None:
        from harness.trial.program import choice

        self.trial, self.setup, self.script, self.watch = trial, setup, script, watch
        self.began, self.turns = began, turns
        self.spans_ns = (0, 0)
        self.fit = choice.fit(watch, setup.settings.fit)
        self.remarks: list[str] = []
        self.further: list[Epoch] = []
        self.source: Any = None

    def record(self, environment: Any, before: Any, cpu_s: float) -> Record:
        from harness.trial import weights

        setup, trial, watch = self.setup, self.trial, self.watch
        model = self._model()
        device = device_info(checks.placed(setup.adapter, model, trial.cell), environment)
        quality = self._quality()
        final = weights.digest(weights.current(model))
        engine = checks.engine(model, setup.adapter)
        if self.fit is not None:
            before = self.fit.clock.noise or before
            engine |= self.fit.engine
        epochs = self._epochs(cpu_s)
        self._say_what_is_strange()
        started_ns, ended_ns = self.spans_ns
        first_ns = watch.first_training_ns or ended_ns
        made_ns = min(self.began.first_variable_ns or first_ns, first_ns)
        first = self.fit.first_step_s if self.fit is not None else None
        if first is None:
            first = watch.on_batch.wall_s[0] if watch.on_batch.wall_s else epochs[0].wall_s
        initial = self.fit.clock.initial_weights if self.fit is not None else None
        # One that never waited took no turn.
        turns = self.turns if self.turns is not None and self.turns.turn is not None else None
        total_s = setup.seconds() - (0.0 if turns is None else turns.waited_s)
        training = noise.difference(before, noise.snapshot())
        return record_of(
            trial,
            Record,
            status="ok",
            scenario_version=setup.chosen.version,
            started_at=setup.started_at,
            duration_s=total_s,
            device=device,
            engine=engine,
            phases=Phases(
                import_s=setup.import_s,
                data_s=(made_ns - started_ns) * 1e-9,
                build_s=(first_ns - made_ns) * 1e-9,
                first_step_s=first,
                first_steps=int(engine["steps_per_execution"] or 1) if self.fit else 1,
                total_s=total_s,
            ),
            epochs=epochs,
            quality=quality,
            memory=Memory(
                peak_rss_bytes=peak_rss_bytes(),
                peak_device_bytes=setup.adapter.peak_device_bytes(),
            ),
            hashes=Hashes(
                table=OWN_DATA,
                split=OWN_DATA,
                initial_weights=initial or self._first_initial() or "unknown",
                final_weights=final,
            ),
            environment=environment,
            noise=Noise(training=training if turns is None else turns.disturbance()),
            random_draws=self._draws(),
            scenario_sha256=setup.scenario_sha256,
            program=self._run(),
            turns=None if turns is None else turns.account(),
        )

    def _draws(self) -> bool | None:
        """Whether chance had a part in training, the order of examples included."""
        if self.fit is None:
            return None
        return self.fit.inputs.shuffled or self.fit.random_draws

    def _model(self) -> Any:
        model = self.fit.model if self.fit is not None else self.watch.on_batch.model
        if model is None and self.watch.evaluations:
            model = self.watch.evaluations[-1].model
        if model is None and self.began.trained:
            model = _largest_model()
        if model is None or not model.trainable_variables:
            raise NothingTrainedError(
                f"{self.script.path.name} trains nothing as far as Keras knows: it ran to its end "
                "without a call of fit or train_on_batch, no optimizer of Keras was applied, and "
                "no weights were changed"
            )
        return model

    def _quality(self) -> Quality | None:
        from harness.trial.program import choice

        if self.fit is not None and self.fit.clock.diverged:
            raise DivergedError(
                f"training diverged: the loss after epoch {len(self.fit.clock.epochs)} is not a "
                "finite number; try a smaller learning rate"
            )
        found = choice.metric(self.watch, self.fit, self.setup.settings.metric)
        if found is None:
            return None
        if not math.isfinite(found.value):
            raise DivergedError(f"{found.name} of the last {found.source} is not a finite number")
        if found.remark:
            self.remarks.append(found.remark)
        self.source = found.source
        return Quality(metric=found.name, direction=found.direction, value=found.value)

    def _epochs(self, cpu_s: float) -> list[Epoch]:
        from harness.trial.program import repeat

        budget_s, on = self.trial.time_budget_s, self.watch.on_batch
        if self.fit is not None:
            with contextlib.suppress(Exception):  # of the script's own data; then nobody has looked
                self.fit.inputs.look()
            own = self._own_epochs(self.fit)
            self.further, remark = repeat.of_fit(self.watch, self.fit, budget_s, self.turns)
        elif on.wall_s:
            own, self.further, remark = repeat.of_batches(self.watch, on, budget_s, self.turns)
        else:
            started_ns, ended_ns = self.spans_ns
            wall_s = (ended_ns - started_ns) * 1e-9
            self.remarks.append(
                "it calls neither fit nor train_on_batch: its own loop cannot be separated from "
                "what is around it, so a step here is the whole script, compilation included"
            )
            whole = Epoch(
                index=0,
                phase="quality",
                steps=1,
                examples=0,
                wall_s=wall_s,
                warm_up=False,
                train_loss=None,
                cpu_s=cpu_s,
            )
            return [whole]
        if remark:
            self.remarks.append(remark)
        return [*own, *self.further]

    def _own_epochs(self, fit: Any) -> list[Epoch]:
        steps = fit.inputs.steps
        own: list[Epoch] = fit.clock.epochs
        if steps is None:
            return own
        size = fit.inputs.batch_size or 0
        fit.clock.epochs = [
            msgspec.structs.replace(one, steps=steps, examples=steps * size)
            for one in own
            if one.steps >= steps  # those after the end of a generator trained nothing
        ]
        return list(fit.clock.epochs)

    def _say_what_is_strange(self) -> None:
        backend = self.setup.adapter.backend
        wished = os.environ.get("KERAS_BACKEND", backend)
        if wished != backend:
            self.remarks.append(
                f"it sets KERAS_BACKEND to {wished} itself, which came too late: Keras ran on the "
                "backend that was asked for"
            )
        if self.began.custom:
            self.remarks.append(
                f"{self.began.custom} of its variables have an initialiser of its own, so those "
                "begin with other values on each backend"
            )

    def _first_initial(self) -> str | None:
        model = self._model()
        mine = [one.clock.initial_weights for one in self.watch.fits if one.model is model]
        return next((digest for digest in mine if digest), None)

    def _run(self) -> ProgramRun:
        watch, fits = self.watch, self.watch.fits
        told = [one for one in fits[-MOST_FITS:] if one is not self.fit]
        if self.fit is not None:
            told = sorted([*told, self.fit], key=lambda one: one.number)
        training: Any = "script"
        if self.fit is not None:
            training = "fit"
        elif watch.on_batch.wall_s:
            training = "train_on_batch"
        backend = self.setup.adapter.backend
        started_ns, ended_ns = self.spans_ns
        return ProgramRun(
            arguments=self.script.arguments,
            training=training,
            script_s=(ended_ns - started_ns) * 1e-9,
            calls=len(fits),
            counts=self.fit.number if self.fit is not None else None,
            fits=[_told(one) for one in told],
            quality_source=self.source,
            repeated_epochs=len(self.further),
            beside=[one for one in BACKENDS if one != backend and one in sys.modules],
            remarks=self.remarks,
            output_tail=homeless(self.script.output.tail),
            output_bytes=self.script.output.bytes,
        )


def _largest_model() -> Any:
    """The model with most weights of those that are alive, where none was handed to the clocks."""
    import keras

    # By its type, since to ask a proxy for its class may do anything.
    models = (each for each in gc.get_objects() if issubclass(type(each), keras.Model))
    alive = [model for model in models if model.built]
    return max(alive, key=lambda model: len(model.trainable_variables), default=None)


def _told(fit: Any) -> ProgramFit:
    epochs = fit.clock.epochs
    return ProgramFit(
        number=fit.number,
        model=fit.name,
        epochs=len(epochs),
        wall_s=sum(epoch.wall_s for epoch in epochs),
        validation_s=fit.clock.validation_s,
        steps=epochs[-1].steps if epochs else None,
        batch_size=fit.inputs.batch_size,
        first_step_s=fit.first_step_s,
        engine=fit.engine,
        input=fit.inputs.kind,
        shuffled=fit.inputs.shuffled,
        batches_sha256=fit.inputs.sha256 or fit.batches_sha256,
        initial_weights=fit.clock.initial_weights,
        loss=fit.loss,
    )
