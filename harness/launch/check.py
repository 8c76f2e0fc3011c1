"""Tries a scenario in every environment, and says what has to be the same in all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from harness.launch import child
from harness.launch.answers import NoAnswerError
from harness.launch.devices import Placement
from harness.probe import provenance
from harness.records.cell import Cell, Scalar
from harness.records.check import Answer, CheckTask, Line
from harness.words import joined

TIMEOUT_S = 120.0
"""Of one child: it imports a framework, makes the model four times and trains a few steps."""


def ask(
    cell: Cell,
    placement: Placement,
    *,
    seed: int,
    table: Path | None,
    pass_env: Iterable[str] = (),
) -> Answer:
    """What one backend has to say of the scenario of ``cell``.

    Raises:
        KeyboardInterrupt: on Ctrl-C, after the child was ended.
    """
    task = CheckTask(
        cell=cell,
        seed=seed,
        campaign="",
        table=None if table is None else str(table),
        harness=provenance(),
    )
    finished = child.start(task, placement.interpreter, timeout_s=TIMEOUT_S, pass_env=pass_env)
    try:
        return finished.answer(Answer)
    except NoAnswerError as error:
        return Answer(
            lines=[Line(rule="process", status="not ok", seen=str(error), place=cell.place)]
        )


def cell_of(scenario: str, placement: Placement, settings: Mapping[str, Scalar]) -> Cell:
    """The cell that is tried in an environment."""
    return Cell(
        scenario=scenario,
        backend=placement.interpreter.backend,  # type: ignore[arg-type]  # a checked name
        name=placement.interpreter.name,
        device=placement.device,
        settings=dict(settings),
    )


def together(answers: Mapping[str, Answer]) -> Iterator[Line]:
    """What only several backends tell: whether they train on the same, from the same weights."""
    for rule, of, remedy in (
        ("same data", "data", "give the random generator of data() a fixed seed"),
        ("same start", "initial_weights", "make every variable inside model()"),
    ):
        found = {place: getattr(answer, of) for place, answer in answers.items()}
        told = {place: digest for place, digest in found.items() if digest is not None}
        if len(told) < 2:
            continue
        if len(set(told.values())) == 1:
            yield Line(rule=rule, status="ok", seen=f"on {joined(told)}")
        else:
            yield Line(
                rule=rule, status="not ok", seen=f"{joined(told)} do not have the same: {remedy}"
            )
