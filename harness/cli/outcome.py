"""What ``harness run`` ends with: the table, one JSON document, the exit code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from harness import store
from harness.analysis.rows import examples_per_s, step_time_s
from harness.analysis.summary import summarise
from harness.cli.report import about, local_titles
from harness.errors import ExitCode
from harness.launch.campaign import Outcome
from harness.launch.devices import Placement
from harness.plan import Durations, Plan
from harness.report import document, terminal
from harness.store import Saved

if TYPE_CHECKING:
    from rich.console import Console


LEFT_TO_THE_REPORT = {"How to read the table", "Machine", "Data"}
"""Sections that `harness report` shows and the end of a run leaves out."""


def exit_code(outcome: Outcome) -> ExitCode:
    """The exit code of a campaign; what a script must not overlook comes first."""
    if outcome.interrupted:
        return ExitCode.INTERRUPTED
    if any(saved.trouble for saved in outcome.saved):
        return ExitCode.NOT_STORED
    if any(saved.record.status != "ok" for saved in outcome.saved):
        return ExitCode.TRIAL_FAILED
    return ExitCode.OK


def show(outcome: Outcome, planned: int, root: Path, on: Console) -> None:
    """Print the table of all that ``root`` holds by now, and what a person should do about it."""
    results = store.load(root)
    records = results.records + [saved.record for saved in outcome.saved if saved.trouble]
    if records:
        broken = [(file.path, file.reason) for file in results.broken]
        composed = document.compose(
            summarise(records, broken, about=about(records)), titles=local_titles()
        )
        sections = [s for s in composed.sections if s.heading not in LEFT_TO_THE_REPORT]
        title = f"All records in {root}"
        on.print()
        terminal.show(msgspec.structs.replace(composed, title=title, sections=sections), on)
    for line in _last_words(outcome, planned, root):
        on.print(line, markup=False, soft_wrap=True)


def print_outcome(outcome: Outcome, root: Path, code: ExitCode) -> None:
    """Print the outcome as JSON: each trial with its record's path and its key figures."""
    _print_json(
        {
            "results": str(root),
            "exit_code": int(code),
            "interrupted": outcome.interrupted,
            "trials": [_key_figures(saved) for saved in outcome.saved],
        }
    )


def print_plan(plan: Plan, placements: Mapping[str, Placement], durations: Durations) -> None:
    """Print a plan as JSON: rounds of trials in their order, and the time they will take."""
    _print_json(
        {
            "expected_s": round(durations.total_s(plan.trials, plan.time_budget_s), 1),
            "interpreters": {
                backend: str(placement.interpreter.python)
                for backend, placement in placements.items()
            },
            "cells": {cell.digest: cell for cell in plan.cells},
            "rounds": [
                [{"cell": trial.cell.digest, "seed": trial.seed} for trial in trials]
                for trials in plan.rounds
            ],
        }
    )


def _last_words(outcome: Outcome, planned: int, root: Path) -> Iterator[str]:
    yield ""
    good = sum(saved.record.status == "ok" for saved in outcome.saved)
    if outcome.interrupted:
        kept = ", and their records stay" if good else ""
        yield f"interrupted: {good} of {planned} trials were measured{kept}"
    elif good < planned:
        yield (
            f"{planned - good} of {planned} trials left no measurement; "
            "the records tell why, with the last lines that were printed"
        )
    elsewhere = [saved for saved in outcome.saved if saved.trouble]
    for folder in sorted({str(saved.path.parent) for saved in elsewhere}):
        yield f"NOT in the results folder, but kept in {folder}"
    for trouble in outcome.lost:
        yield f"a record could be kept nowhere, its figures stand only above: {trouble}"
    if len(elsewhere) < len(outcome.saved):
        yield f"records: {root}; the whole report: harness report {root}"


def _key_figures(saved: Saved) -> dict[str, Any]:
    record = saved.record
    return {
        "record": str(saved.path) if saved.path.name else None,
        "stored": saved.trouble is None,
        "status": record.status,
        "reason": None if record.failure is None else record.failure.reason,
        "scenario": record.cell.scenario,
        "backend": record.cell.backend,
        "device": record.cell.device,
        "mode": record.cell.mode,
        "init": record.cell.init,
        "seed": record.seed,
        "repetition": record.repetition,
        "round": record.round,
        "duration_s": record.duration_s,
        "step_time_s": step_time_s(record),
        "examples_per_s": examples_per_s(record),
        "quality": record.quality,
        "peak_rss_bytes": None if record.memory is None else record.memory.peak_rss_bytes,
    }


def _print_json(content: dict[str, Any]) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())
