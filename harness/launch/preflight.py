"""Asks, before the first trial, which cells their mode cannot train: one child for each backend."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from harness.errors import RefusedError
from harness.launch import child
from harness.launch.answers import NoAnswerError
from harness.launch.environments import Interpreter
from harness.probe import provenance
from harness.program import Program
from harness.records.cell import Cell
from harness.records.plan import Plan
from harness.records.preflight import Answer, PreflightTask, Refusal
from harness.scenario import Scenario

NOTHING_LEFT = "nothing was started: name a mode that can train this model (--mode fit)"

TIMEOUT_S = 90.0
"""Of one child: it imports a framework, makes some models, and traces a step of each."""


def without_native_code(cells: Iterable[Cell], scenario: Scenario) -> list[Refusal]:
    """The cells in the mode ``native`` of a scenario that has no such code; starts nothing.

    Of a program all that are not in the mode ``fit``: it trains as it is written.
    """
    if isinstance(scenario, Program):
        return [
            Refusal(
                cell=cell,
                reason=f"{scenario.name} is a program, which trains as it is written; run it in "
                "the mode fit",
            )
            for cell in cells
            if cell.mode != "fit"
        ]
    return [
        Refusal(
            cell=cell,
            reason=f"{scenario.name} has no native code for {cell.backend}; run it in the modes "
            "fit, tuned or custom_loop",
        )
        for cell in cells
        if cell.mode == "native" and not scenario.has_native(cell.backend)
    ]


def refusals(
    plan: Plan,
    interpreters: Mapping[str, Interpreter],
    table: Path | None,
    *,
    memory_limit_bytes: float | None = None,
    pass_env: Iterable[str] = (),
) -> list[Refusal]:
    """The cells of ``plan`` that cannot be trained in their mode, found without training.

    The trials look for the same, so that a child which leaves no answer is no reason to stop.

    Args:
        plan: what would run.
        interpreters: the Python of each place (:attr:`Cell.place`).
        table: the prepared rating table, if the scenario reads it.
        memory_limit_bytes: the resident set of a child at which it is ended, if any.
        pass_env: variables of the user's own that the children shall see.

    Raises:
        KeyboardInterrupt: on Ctrl-C, after the child was ended.
    """
    found: list[Refusal] = []
    for cells in _by_process(plan.cells):
        task = PreflightTask(
            cell=cells[0],
            cells=cells,
            seed=plan.seeds[0],
            campaign="",
            table=None if table is None else str(table),
            harness=provenance(),
        )
        finished = child.start(
            task,
            interpreters[task.cell.place],
            timeout_s=TIMEOUT_S,
            memory_limit_bytes=memory_limit_bytes,
            pass_env=pass_env,
        )
        with contextlib.suppress(NoAnswerError):
            found += finished.answer(Answer).refusals
    return found


def without(plan: Plan, refused: Sequence[Refusal], before: Sequence[Refusal] = ()) -> Plan:
    """``plan`` with the refused cells left out.

    Args:
        plan: what would run.
        refused: the cells to leave out.
        before: those that were left out already, for the message.

    Raises:
        RefusedError: if nothing is left; names all of them.
    """
    left_out = {refusal.cell.digest for refusal in refused}
    cells = [cell for cell in plan.cells if cell.digest not in left_out]
    if not cells:
        raise RefusedError("\n".join([*lines([*before, *refused]), NOTHING_LEFT]))
    return msgspec.structs.replace(plan, cells=cells)


def lines(refused: Iterable[Refusal]) -> Iterator[str]:
    """One line for each reason: ``jax cpu custom_loop: refused: …``.

    Cells that differ in their settings alone are told together.
    """
    together: dict[tuple[str, str], int] = defaultdict(int)
    for refusal in refused:
        together[refusal.cell.label, refusal.reason] += 1
    for (label, reason), number in together.items():
        several = f" ({number} cells)" if number > 1 else ""
        yield f"{label}{several}: refused: {reason}"


def _by_process(cells: Iterable[Cell]) -> list[list[Cell]]:
    """The cells that have something to ask, by what one process can answer."""
    found: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.mode != "fit":
            found[cell.place, cell.device].append(cell)
    return list(found.values())
