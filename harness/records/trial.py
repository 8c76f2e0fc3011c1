"""What a trial is asked and what it leaves: the types of every JSON file under ``results/``.

A trial is one fresh process that measures one cell with one seed. It gets a :class:`Trial` and
leaves exactly one :class:`Record`, also when it fails. All times are in seconds (suffix ``_s``),
all sizes in bytes (suffix ``_bytes``).
"""

from __future__ import annotations

import time
from typing import ClassVar, Literal

import msgspec

from harness.records.bounds import (
    Count,
    Figure,
    Number,
    Rate,
    Seconds,
    Seed,
    Size,
)
from harness.records.cell import Cell, Scalar, Struct
from harness.records.machine import DeviceInfo, Environment, Noise, Rates
from harness.records.program import ProgramRun

SCHEMA_VERSION = 1
"""Raised whenever a reader of the older form would misread the newer one."""

Status = Literal["ok", "failed", "crashed", "killed", "timeout", "interrupted"]
Cause = Literal["refused", "slowed"]


class Provenance(Struct, frozen=True, kw_only=True):
    """Which harness measured. ``commit`` and ``dirty`` are ``None`` outside a git checkout."""

    version: str
    commit: str | None = None
    dirty: bool | None = None


class Task(Struct, frozen=True, kw_only=True):
    """What one process is asked to do; the header of every kind of task.

    ``table`` is the path of the prepared rating table. ``run_id`` is that of the record.
    ``launched_at_ns`` is ``time.monotonic_ns()`` just before the process was started; the
    launcher sets it. That clock is one for all processes, and nobody sets it back. ``shared``
    is a folder in which the processes of a campaign leave the values of custom initialisers for
    each other. ``slowed_after_s`` are the seconds from which on the launcher ends the process,
    if other work on this machine is what takes so long; ``None`` for no such end.
    ``program`` is the path of the script that takes the scenario's place, if one does.
    """

    kind: ClassVar[str]
    """What follows ``python -m harness.trial``."""

    cell: Cell
    seed: Seed
    campaign: str
    table: str | None
    launched_at_ns: int = 0
    harness: Provenance
    run_id: str | None = None
    shared: str | None = None
    slowed_after_s: Seconds | None = None
    program: str | None = None

    @property
    def since_launch_s(self) -> float:
        """Seconds since the process was started."""
        return (time.monotonic_ns() - self.launched_at_ns) * 1e-9

    @property
    def source(self) -> str:
        """What :func:`harness.scenario.find` finds: the scenario's name, or the program's path."""
        return self.program or self.cell.scenario


class Seat(Struct, frozen=True, kw_only=True):
    """A process' place among those that take turns: see :class:`Turns`.

    ``channel`` is the descriptor of the socket by which it is granted its turns.
    """

    channel: int
    group: str
    place: int


class Trial(Task, frozen=True, kw_only=True):
    """The task that measures.

    ``time_budget_s`` bounds the timed training that follows the epochs which the quality figure
    needs. A process with a ``seat`` leaves that end to the launcher, which grants it its epochs.
    """

    kind: ClassVar[str] = "trial"

    repetition: Count
    round: Count
    time_budget_s: Seconds
    seat: Seat | None = None


class SourceLine(Struct, frozen=True, kw_only=True):
    """A line of the user's own code; ``text`` is what stands there, without its indentation."""

    path: str
    line: Count
    text: str


class Failure(Struct, frozen=True, kw_only=True):
    """Why there is no measurement; ``output_tail`` holds the last lines that were printed.

    ``cause`` tells two ends from failures: ``refused``, where the mode cannot train this model as
    ``fit`` does, and ``slowed``, where the trial was ended early since other work slowed it.
    ``origin`` is the deepest line of the user's own code that an error came through.
    """

    reason: str
    exit_code: int | None = None
    signal: str | None = None
    output_tail: str = ""
    cause: Cause | None = None
    origin: SourceLine | None = None


class Phases(Struct, frozen=True, kw_only=True):
    """Wall time of the parts of a trial that come once, in seconds.

    ``import_s`` runs from the start of the process until Keras and its backend are imported,
    ``data_s`` covers loading the table and cutting the batches, ``build_s`` the model with its
    weights set, ``first_step_s`` the first training step, which compiles where the backend does.
    Where Keras runs several steps in one call (``steps_per_execution``), ``first_steps`` tells how
    many the first call made.
    """

    import_s: Seconds
    data_s: Seconds
    build_s: Seconds
    first_step_s: Seconds
    first_steps: Number = 1
    predict_s: Seconds | None = None
    total_s: Seconds


class Epoch(Struct, frozen=True, kw_only=True):
    """One pass over the training set, a raw sample.

    ``phase`` is ``quality`` for the epochs that the scenario trains and ``timing`` for those that
    follow until the time budget is used. ``wall_s`` ends with the device synchronised and leaves
    evaluation out. ``warm_up`` marks an epoch that is kept but not counted in the step time.
    ``train_loss`` is the mean loss over the epoch, ``None`` once it is no longer a number;
    ``metric`` is the scenario's metric on the test set after the epoch, ``None`` where it was not
    evaluated. ``cpu_s`` is what all threads of the process spent on processors within ``wall_s``;
    ``None`` in records of harnesses that did not measure it. ``turn`` is the grant in which the
    epoch ran, where the processes of a round took turns: counted from 0, and the same number in
    each of those that took part in that sweep; several short epochs share one. ``began_s`` is when
    the epoch began, in seconds on the machine's monotonic clock, which all processes share.
    """

    index: Count
    phase: Literal["quality", "timing"]
    steps: Count
    examples: Count
    wall_s: Seconds
    warm_up: bool
    train_loss: Figure | None
    metric: Figure | None = None
    evaluate_s: Seconds | None = None
    cpu_s: Seconds | None = None
    turn: Count | None = None
    began_s: Seconds | None = None


class Turns(Struct, frozen=True, kw_only=True):
    """How a process shared its round with others that were alive at the same time.

    ``group`` is eight hexadecimal digits, equal for all that took turns with one another, ``place``
    the process' place in the first sweep, from 0 on. ``waited_s`` is how long it waited for others,
    and ``waiting_cpu_s`` what all its threads spent on processors meanwhile. ``processes`` is how
    many were of the group, those that died included; 1 where no other fitted into memory.
    """

    group: str
    place: Count
    waited_s: Seconds
    waiting_cpu_s: Seconds
    processes: Number | None = None


class Quality(Struct, frozen=True, kw_only=True):
    """The scenario's metric on the test set after the last ``quality`` epoch.

    ``reference`` is the value that was published for these settings. ``others`` is what the same
    evaluation gave beside the metric, by name: the loss, further metrics.
    ``time_to_target_s`` is the training time, first step included and evaluation left out, until
    ``target`` was first reached; ``None`` if it never was.
    """

    metric: str
    direction: Literal["lower", "higher"]
    value: Figure
    reference: Figure | None = None
    others: dict[str, Figure] = msgspec.field(default_factory=dict)
    target: Figure | None = None
    time_to_target_s: Seconds | None = None


class Prediction(Struct, frozen=True, kw_only=True):
    """One line of the scenario's prediction: the model's inputs, its output, and the value shown.

    Titles are left out on purpose: records are shared, and the data set's licence allows no
    redistribution of titles. They are looked up in the local table when a prediction is shown.
    """

    inputs: dict[str, int]
    output: Figure
    shown: Figure


class Memory(Struct, frozen=True, kw_only=True):
    """Peaks over the whole trial; ``peak_device_bytes`` is ``None`` without device memory."""

    peak_rss_bytes: Size
    peak_device_bytes: Size | None = None


class Hashes(Struct, frozen=True, kw_only=True):
    """SHA-256 of what went in and came out, so that "the same" can be checked.

    ``weights`` are the trainable variables as little-endian float32 with their shapes, in the
    model's order.
    """

    table: str
    split: str
    initial_weights: str
    final_weights: str


class StepWork(Struct, frozen=True, kw_only=True):
    """What one training step of a full batch cannot do without, as its scenario counts it.

    ``flops`` are the floating-point operations of its matrix products, forward and backward (a
    multiplication and an addition are two). ``bytes`` are what must at least be read and written
    in memory: parameters, optimizer slots, gradients and activations, each once for each use.
    """

    flops: Rate
    bytes: Rate


class Record(Struct, frozen=True, kw_only=True):
    """The JSON of one trial.

    A record with ``status`` other than ``ok`` has a :class:`Failure`, and whatever else was known
    when the trial ended. ``engine`` tells what really ran (jit, eager, XLA, float type, TF32,
    threads), since Keras' ``auto`` means something else on each backend. ``run_id`` is common to
    the rounds of one ``harness run``: trials with equal ``run_id`` and ``round`` were interleaved.
    ``work`` and ``rates`` make the floor: what a step would take if nothing but the hardware
    counted; the launcher measures ``rates`` while no trial runs. ``scenario_sha256`` identifies the
    scenario's source files as they were when the trial loaded them. ``custom_initial`` names the
    variables whose initial values are of a custom initialiser, with the backend that computed them
    for all. ``random_draws`` tells whether the model drew random numbers in training (masks of
    Dropout, noise), which each backend draws its own; ``None`` where that is not known. ``turns``
    is ``None`` for a process that ran alone; ``duration_s`` and ``phases.total_s`` leave out the
    time in which it waited for others. ``program`` is what a user's own
    script did, where that took the scenario's place.
    """

    schema: int = SCHEMA_VERSION
    status: Status
    cell: Cell
    scenario_version: Count
    seed: Seed
    repetition: Count
    campaign: str
    round: Count
    started_at: str
    duration_s: Seconds
    harness: Provenance
    failure: Failure | None = None
    device: DeviceInfo | None = None
    engine: dict[str, Scalar | None] = msgspec.field(default_factory=dict)
    phases: Phases | None = None
    epochs: list[Epoch] = msgspec.field(default_factory=list)
    quality: Quality | None = None
    predictions: list[Prediction] = msgspec.field(default_factory=list)
    memory: Memory | None = None
    hashes: Hashes | None = None
    environment: Environment | None = None
    synthetic: bool = False
    run_id: str | None = None
    noise: Noise | None = None
    work: StepWork | None = None
    rates: Rates | None = None
    random_draws: bool | None = None
    scenario_sha256: str | None = None
    custom_initial: dict[str, str] = msgspec.field(default_factory=dict)
    turns: Turns | None = None
    program: ProgramRun | None = None

    @property
    def took_turns(self) -> bool:
        """Whether others took turns with it; not where it waited alone, for lack of memory."""
        return self.turns is not None and self.turns.processes != 1


def ended_as(record: Record) -> Cause | None:
    """Whether a trial was ``refused`` or ``slowed``; ``None`` for a measurement or a failure."""
    return None if record.failure is None else record.failure.cause
