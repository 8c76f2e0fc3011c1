"""What a parity child is asked and what it leaves: the types of the files of ``harness parity``.

A child trains the scenario on one backend from the common initial weights, and again *moved*: from
weights that differ by one unit in the last place, with the examples of each batch in another order.
Arrays are kept beside the record, in an ``.npz`` whose names are made by :func:`array_name`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec

from harness.records.bounds import Count, Figure, Seconds, Seed
from harness.records.cell import Cell, Scalar, Struct
from harness.records.machine import Environment
from harness.records.trial import Failure, Provenance, Status, Task

PARITY_SCHEMA_VERSION = 1
"""Raised whenever a reader of the older form would misread the newer one."""

Stage = Literal[
    "start",
    "draws",
    "layers",
    "first-batch",
    "optimizer",
    "step-1",
    "losses",
    "epoch-1",
    "metrics",
]

STAGES: dict[Stage, str] = {
    "start": "variables and slots before the first step",
    "draws": "random numbers that layers draw",
    "first-batch": "loss and gradients of the first batch",
    "optimizer": "the optimizer alone, on given gradients",
    "step-1": "variables and slots after 1 step",
    "losses": "loss of every step of the first epoch",
    "epoch-1": "variables and slots after one epoch",
    "metrics": "test metric of every epoch",
}
"""What is compared, in this order: a deviation in one stage makes all later ones deviate.

``layers``, the outputs of each layer for the first batch, is not among them: it only says where in
the model a deviation begins. A layer before all weights does not drift, so it has no envelope.
"""

LOSS = "loss"
"""The quantity of the first batch that is no gradient."""

UPDATE = "update"
"""What the optimizer alone subtracts from a variable; its other quantities are its slots."""

UPDATE_FROM_EMPTY = "update from empty slots"
"""The same where all slots are zero before the first step, so that epsilon carries weight."""

AS_IT_IS = "as it is"
"""The training that is compared: the backend as Keras ships it, from the common weights."""


class KnownBehaviour(Struct, frozen=True, kw_only=True):
    """A deviation that Keras itself makes on one backend, and that parity checks instead of hides.

    ``says`` completes "the same model, except that …". The backend is trained twice more: once
    ``without`` the behaviour, which must agree with the other backends, and once without it but
    with its rule put in by hand, as ``predicted``, which must agree with the backend as it is.
    """

    name: str
    backend: str
    says: str
    source: str
    without: str
    predicted: str


SPARSE_DUPLICATES = KnownBehaviour(
    name="sparse-duplicates",
    backend="tensorflow",
    says=(
        "Keras on TensorFlow squares the gradients of an embedding's row before it sums those of "
        "the examples that share the row"
    ),
    source=(
        "the gradient of a tf.gather is a tf.IndexedSlices with one slice per example, which "
        "keras/src/backend/tensorflow/sparse.py squares slice by slice and optimizer.py adds with "
        "scatter_add"
    ),
    without="rows summed first",
    predicted="rule put in by hand",
)

KNOWN_BEHAVIOURS = (SPARSE_DUPLICATES,)


class ParityTask(Task, frozen=True, kw_only=True):
    """The task that trains for a comparison; ``perturbations`` is how many moved trainings."""

    kind: ClassVar[str] = "parity"

    perturbations: Count


class Variable(Struct, frozen=True, kw_only=True):
    """A variable of the model. ``path`` is Keras' own, without the model's name."""

    path: str
    shape: list[Count]
    trained: bool


class Draw(Struct, frozen=True, kw_only=True):
    """Random numbers that a layer asked for while it was trained.

    ``layer`` is its path without the model's name, ``function`` that of ``keras.random``, and
    ``arguments`` those of the function and the layer's own settings, where they are single values.
    """

    layer: str
    function: str
    arguments: dict[str, Scalar] = msgspec.field(default_factory=dict)


class Training(Struct, frozen=True, kw_only=True):
    """One training. Figures that are no finite numbers are ``None``, since JSON has none.

    ``losses`` are those of every step of the first epoch, ``metrics`` the test metric after every
    epoch. ``drift`` is the largest absolute difference of each array from the training as it is;
    only the moved trainings have it, whose arrays are not kept.
    """

    name: str
    first_loss: Figure | None
    losses: list[Figure | None]
    metrics: list[Figure | None]
    drift: dict[str, Figure | None] = msgspec.field(default_factory=dict)


class ParityRecord(Struct, frozen=True, kw_only=True):
    """The JSON of one child. ``arrays`` names the file of arrays beside it, with its SHA-256.

    ``draws`` are the random numbers that were served alike on every backend; ``not_served`` says
    in words which were not, so that nothing is known of what lies behind them. ``reordered`` is
    false where the moved trainings kept the order of examples, because the model depends on it.
    ``custom_initial`` is as in :class:`harness.records.trial.Record`.
    """

    schema: int = PARITY_SCHEMA_VERSION
    status: Status
    cell: Cell
    scenario_version: Count
    seed: Seed
    perturbations: Count
    campaign: str
    started_at: str
    duration_s: Seconds
    harness: Provenance
    failure: Failure | None = None
    device: str | None = None
    engine: dict[str, Scalar | None] = msgspec.field(default_factory=dict)
    metric: str | None = None
    variables: list[Variable] = msgspec.field(default_factory=list)
    trainings: list[Training] = msgspec.field(default_factory=list)
    shared_rows: bool = False
    draws: list[Draw] = msgspec.field(default_factory=list)
    not_served: list[str] = msgspec.field(default_factory=list)
    reordered: bool = True
    arrays: str | None = None
    arrays_sha256: str | None = None
    table_sha256: str | None = None
    split_sha256: str | None = None
    weights_sha256: str | None = None
    environment: Environment | None = None
    synthetic: bool = False
    scenario_sha256: str | None = None
    custom_initial: dict[str, str] = msgspec.field(default_factory=dict)


def labels(cells: Sequence[Cell]) -> list[str]:
    """A name for each cell of a comparison: its backend, and its mode where there are several."""
    several = len({cell.mode for cell in cells}) > 1
    return [f"{cell.place} {cell.mode}" if several else cell.place for cell in cells]


def array_name(training: str, stage: Stage, quantity: str) -> str:
    """The name of an array in the ``.npz``: ``as it is/step-1/sequential/dense/kernel``."""
    return f"{training}/{stage}/{quantity}"


def perturbed(number: int) -> str:
    """The name of a moved training; ``number`` counts from 1."""
    return f"moved {number}"
