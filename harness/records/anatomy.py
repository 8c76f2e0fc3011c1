"""What an anatomy child is asked and what it leaves: the types of the files of ``harness anatomy``.

A child takes a ``fit`` step apart by paired ablation: it times whole epochs of the scenario as it
is, then without one thing after another, in interleaved rounds inside one process. The difference
of two neighbours is what the removed thing takes of a step; what nothing was left to remove from is
Python and dispatch. ``docs/anatomy.md`` defines each part.
"""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

import msgspec

from harness.records.bounds import Count, Number, Seconds, Seed
from harness.records.cell import Cell, Scalar, Struct
from harness.records.machine import Disturbance, Environment
from harness.records.trial import Failure, Provenance, Status, Task

ANATOMY_SCHEMA_VERSION = 1
"""Raised whenever a reader of the older form would misread the newer one."""

Part = Literal[
    "input pipeline",
    "Python and dispatch",
    "device compute",
    "optimizer",
    "metrics",
    "callbacks",
]
VariantName = Literal[
    "fit",
    "fit again",
    "no callbacks",
    "no metrics",
    "batches at hand",
    "inert optimizer",
    "one example",
]

PARTS: tuple[Part, ...] = get_args(Part)
"""The parts of a step, in the order in which a reader asks."""

AS_IT_IS: VariantName = "fit"
"""``fit`` as a trial runs it; the ablations start here."""

AGAIN: VariantName = "fit again"
"""The same once more in every round, of which no part is made: the sum is checked against it."""

REMOVED: dict[VariantName, Part] = {
    "no callbacks": "callbacks",
    "no metrics": "metrics",
    "batches at hand": "input pipeline",
    "inert optimizer": "optimizer",
    "one example": "device compute",
}
"""The ablations in their order; each lacks its part and those of all before it."""

REST: Part = "Python and dispatch"
"""What the last ablation leaves."""

VARIANTS: tuple[VariantName, ...] = (AS_IT_IS, AGAIN, *REMOVED)

SAYS: dict[Part, str] = {
    "input pipeline": "getting the next batch and handing it to the step",
    "Python and dispatch": "the same calls with hardly any arithmetic: one example, one-row tables",
    "device compute": "forward and backward of a full batch, beyond those of one example",
    "optimizer": "updating variables and slots once the gradients are there",
    "metrics": "the loss tracker and the compiled metrics",
    "callbacks": "Keras' hooks around every step, which fetch the logs",
}
"""Each part in a few words."""


class AnatomyTask(Task, frozen=True, kw_only=True):
    """The task that takes a step apart.

    ``process`` counts the children of one backend from 1 on. Each of ``rounds`` visits every
    variant once, in shuffled order, for one epoch of warm-up and ``epochs`` timed ones. ``steps``
    cuts the epoch short; ``None`` takes all of the scenario's training set.
    """

    kind: ClassVar[str] = "anatomy"

    process: Count
    rounds: Number
    epochs: Number
    steps: Number | None


class Visit(Struct, frozen=True, kw_only=True):
    """One ``fit`` of a variant, raw: wall seconds of its epochs, the device idle at both ends.

    ``place`` is its turn in the round, from 0 on. ``warm_up_s`` is the first epoch, which is kept
    and not counted.
    """

    round: Count
    place: Count
    warm_up_s: Seconds
    epochs_s: list[Seconds]


class Variant(Struct, frozen=True, kw_only=True):
    """A way to run the step, with all its samples, or ``why`` there are none."""

    name: VariantName
    visits: list[Visit] = msgspec.field(default_factory=list)
    why: str | None = None


class AnatomyRecord(Struct, frozen=True, kw_only=True):
    """The JSON of one child.

    ``steps`` are those of an epoch. ``optimizer`` is the class that was compiled, ``metrics`` the
    names of what was compiled beside the loss. ``disturbance`` spans all rounds.
    """

    schema: int = ANATOMY_SCHEMA_VERSION
    status: Status
    cell: Cell
    scenario_version: Count
    seed: Seed
    process: Count
    campaign: str
    run_id: str
    started_at: str
    duration_s: Seconds
    harness: Provenance
    failure: Failure | None = None
    device: str | None = None
    engine: dict[str, Scalar | None] = msgspec.field(default_factory=dict)
    optimizer: str | None = None
    metrics: list[str] = msgspec.field(default_factory=list)
    steps: Number | None = None
    examples: Number | None = None
    variants: list[Variant] = msgspec.field(default_factory=list)
    disturbance: Disturbance | None = None
    table_sha256: str | None = None
    split_sha256: str | None = None
    weights_sha256: str | None = None
    environment: Environment | None = None
    synthetic: bool = False
    scenario_sha256: str | None = None
