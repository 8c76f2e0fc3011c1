"""What a user's own script did in a trial: every training that Keras was asked for."""

from __future__ import annotations

from typing import Literal

import msgspec

OWN_DATA = "program"
"""Stands where a record identifies table and split: a script has its data from wherever it likes,
and ``scenario_sha256`` identifies the script."""

Source = Literal["evaluate", "test_on_batch", "validation", "training"]

Training = Literal["fit", "train_on_batch", "script"]


class ProgramFit(msgspec.Struct, frozen=True, kw_only=True):
    """One call of ``model.fit``, or all steps of ``train_on_batch``, or the whole script.

    ``number`` counts the calls from 1. ``steps`` are those of an epoch, ``None`` where Keras does
    not know; ``wall_s`` is the training alone, ``validation_s`` what was evaluated within it.
    ``input`` says what was given: ``arrays``, ``tf.data``, ``PyDataset``, ``DataLoader``,
    ``generator``. ``shuffled`` tells that Keras shuffles the examples, with a generator of each
    backend's own. ``batches_sha256`` identifies the first batches before that, ``None`` where
    nobody could look without using them up.
    """

    number: int
    model: str
    epochs: int
    wall_s: float
    validation_s: float = 0.0
    steps: int | None = None
    batch_size: int | None = None
    first_step_s: float | None = None
    engine: dict[str, bool | int | float | str | None] = {}
    input: str | None = None
    shuffled: bool = False
    batches_sha256: str | None = None
    initial_weights: str | None = None
    loss: float | None = None


class ProgramRun(msgspec.Struct, frozen=True, kw_only=True):
    """What a script did.

    ``training`` is what its step time is taken from, ``counts`` the number of the ``fit`` that
    counts. ``fits`` holds the last :data:`MOST_FITS` calls and the one that counts, of ``calls``
    in all. ``quality_source`` says where the metric of the record's quality was read.
    ``repeated_epochs`` were trained after the script's end. ``beside`` are frameworks that were
    imported beside the backend's. ``remarks`` are sentences that a reader of the figures must
    know. ``output_tail`` are the last lines of what the script printed, of ``output_bytes`` in all.
    """

    arguments: list[str]
    training: Training
    script_s: float
    calls: int
    counts: int | None = None
    fits: list[ProgramFit] = []
    quality_source: Source | None = None
    repeated_epochs: int = 0
    beside: list[str] = []
    remarks: list[str] = []
    output_tail: str = ""
    output_bytes: int = 0


MOST_FITS = 20
"""Calls of ``fit`` that a record tells of one by one."""
