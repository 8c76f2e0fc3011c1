"""What ``harness run`` ends with: the table, the verdicts, one JSON document, the exit code."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from harness.analysis.figures import read_all
from harness.analysis.speed import disturbed
from harness.analysis.speed.pairs import PairVerdict
from harness.analysis.study import Study, study_of
from harness.analysis.work import differ_in
from harness.cli import closing
from harness.cli.folder import about
from harness.errors import ExitCode
from harness.launch import preflight
from harness.launch.campaign.contracts import Outcome
from harness.launch.campaign.forecast import spell_duration
from harness.launch.campaign.work import Work
from harness.launch.devices import Placement
from harness.records.cell import Cell
from harness.records.plan import Plan
from harness.records.preflight import Refusal
from harness.records.trial import Record, ended_as
from harness.report import format as fmt
from harness.report.document import Document
from harness.report.outputs import terminal
from harness.report.sections import sweeps
from harness.report.sections.answer import answer
from harness.store import folder as store
from harness.store.folder import Saved
from harness.words import count

if TYPE_CHECKING:
    from rich.console import Console

    from harness.cli.options import TypedAgain


MOST_VARIANTS = 6
"""Verdicts between settings of one backend that are shown; `harness report` has all."""


def exit_code(outcome: Outcome, unmeasured: int = 0) -> ExitCode:
    """The exit code of a campaign; what a script must not overlook comes first.

    Args:
        outcome: what this run left.
        unmeasured: trials of earlier runs that left no measurement; they count where there was
            nothing more to measure.
    """
    if outcome.interrupted:
        return ExitCode.INTERRUPTED
    if any(saved.trouble for saved in outcome.saved):
        return ExitCode.NOT_STORED
    if outcome.refused or any(_without_measurement(outcome)):
        return ExitCode.TRIAL_FAILED
    if unmeasured and not outcome.saved:
        return ExitCode.TRIAL_FAILED
    return ExitCode.OK


def still_there(outcome: Outcome, root: Path, plan: Plan) -> Outcome:
    """``outcome``, with what somebody has removed from ``root`` meanwhile written once more."""
    saved, lost = [], list(outcome.lost)
    for one in outcome.saved:
        try:
            saved.append(store.still_there(root, one))
        except OSError as error:
            lost.append(str(error))
            saved.append(msgspec.structs.replace(one, path=Path(), trouble=str(error)))
    if any(one.trouble for one in saved):
        with contextlib.suppress(OSError):  # the records are told of already
            store.add_plan(root, plan)
    return msgspec.structs.replace(outcome, saved=saved, lost=lost)


def _without_measurement(outcome: Outcome) -> Iterator[Record]:
    """The records of trials that failed, and of cells that nothing was measured of.

    A trial that was ended early for other work is like one that was disturbed, as long as another
    one of its cell was measured.
    """
    measured = {saved.record.cell.digest for saved in outcome.saved if saved.record.status == "ok"}
    for saved in outcome.saved:
        record = saved.record
        made_good = ended_as(record) == "slowed" and record.cell.digest in measured
        if record.status != "ok" and not made_good:
            yield record


def show(
    outcome: Outcome,
    there: Work,
    root: Path,
    on: Console,
    *,
    variants: bool = True,
    typed: TypedAgain | None = None,
) -> Study:
    """Print what ``root`` holds by now in short, how the run ended, and last the answer.

    Without ``variants`` the verdicts between settings of one backend are left out: of a sweep they
    are many, and its growth, which is shown instead, says it shorter. The next command is given
    what was ``typed``.
    """
    results = store.load(root)
    records = results.records + [saved.record for saved in outcome.saved if saved.trouble]
    study = study_of(
        records,
        about=about(records),
        plans=results.plans or [there.plan],
        broken=results.broken,
    )
    if records and not variants:
        on.print()
        grown = [section for section in (sweeps.section(study),) if section]
        terminal.show(Document(title="Growth", lead=[], sections=grown), on)
    named = list(_variants(study.verdicts)) if variants else []
    if len(named) > MOST_VARIANTS:
        rest = f"and {count(len(named) - MOST_VARIANTS, 'more verdict')} in the report"
        named = [*named[:MOST_VARIANTS], rest]
    closing.show(study, [*named, *_last_words(outcome, there, root)], root, on, typed)
    return study


def print_outcome(outcome: Outcome, study: Study, root: Path, code: ExitCode) -> None:
    """Print the outcome as JSON: each trial with its key figures, and every pair."""
    why = disturbed.reasons([saved.record for saved in outcome.saved])
    _print_json(
        {
            "results": str(root),
            "exit_code": int(code),
            "interrupted": outcome.interrupted,
            "ended": outcome.ended,
            "wall_s": outcome.wall_s,
            "timed_training_s": timed_training_s(outcome),
            "timed_training_share": timed_training_s(outcome) / (outcome.wall_s * outcome.slots),
            "repeated": outcome.repeated,
            "refused": outcome.refused,
            "answer": answer(study),
            "verdicts": study.verdicts,
            "answers": study.answers,
            "sweeps": study.sweeps,
            "trials": [
                _key_figures(saved, reason)
                for saved, reason in zip(outcome.saved, why, strict=True)
            ],
        }
    )


def print_plan(
    there: Work, placements: Mapping[str, Placement], refused: Sequence[Refusal] = ()
) -> None:
    """Print a plan as JSON: rounds of trials in their order, and the time they will take.

    Of an adaptive campaign these are the rounds that are expected.
    """
    plan, durations = there.plan, there.durations
    rounds = [*there.gaps, *map(plan.round, range(plan.first_round, there.last_round + 1))]
    trials = [trial for each in rounds for trial in each]
    _print_json(
        {
            "expected_s": round(durations.total_s(trials, plan.time_budget_s), 1),
            "adaptive": plan.adaptive,
            "precision": plan.precision,
            "budget_s": plan.budget_s,
            "margin": plan.margin,
            "interpreters": {
                place: str(placement.interpreter.python) for place, placement in placements.items()
            },
            "refused": list(refused),
            "cells": {cell.digest: cell for cell in plan.cells},
            "rounds": [
                [{"cell": trial.cell.digest, "seed": trial.seed} for trial in each]
                for each in rounds
            ],
        }
    )


def timed_training_s(outcome: Outcome) -> float:
    """Seconds in which training ran under a clock, of all trials together."""
    return sum(epoch.wall_s for saved in outcome.saved for epoch in saved.record.epochs)


def _variants(verdicts: Sequence[PairVerdict]) -> Iterator[str]:
    """The verdicts on variants of one backend, for which the table of verdicts has no place."""
    for one in verdicts:
        first, second, given = one.pair.first, one.pair.second, one.verdict
        if not {*differ_in(first, second)} <= {"backend", "name", "mode"}:
            much = fmt.ratio(given.ratio, given.low, given.high, margin=given.margin)
            yield (
                f"{first.label}, {_difference(first, second)} over {_difference(second, first)}: "
                f"{fmt.inline(*much)}, {given.kind} "
                f"after {count(given.rounds, 'round')}: {given.reason}"
            )


def _difference(cell: Cell, other: Cell) -> str:
    """In what ``cell`` is not as ``other``: ``optimizer=adam``."""
    mine, theirs = msgspec.to_builtins(cell), msgspec.to_builtins(other)
    facts = (mine | mine.pop("settings"), theirs | theirs.pop("settings"))
    return ", ".join(
        f"{name}={value}" for name, value in facts[0].items() if facts[1].get(name) != value
    )


def _last_words(outcome: Outcome, there: Work, root: Path) -> Iterator[str]:
    plan = there.plan
    good = sum(saved.record.status == "ok" for saved in outcome.saved)
    yield from _without_figures(outcome, good, there.unmeasured)
    yield from _not_as_planned(outcome)
    if plan.adaptive and not outcome.interrupted:
        yield f"ended since {outcome.ended}{_precision(outcome, plan)}"
    if good:
        share = timed_training_s(outcome) / (outcome.wall_s * outcome.slots)
        each = f" of each of {outcome.slots} slots" if outcome.slots > 1 else ""
        yield f"{share:.0%} of {spell_duration(outcome.wall_s)}{each} were timed training"
    elsewhere = [saved for saved in outcome.saved if saved.trouble]
    for folder in sorted({str(saved.path.parent) for saved in elsewhere}):
        again = Path(folder).is_relative_to(root)
        where = (
            "removed meanwhile, and written once more in"
            if again
            else ("NOT in the results folder, but kept in")
        )
        yield f"{where} {folder}"
    for trouble in outcome.lost:
        yield f"a record could be kept nowhere, its figures are only above: {trouble}"
    if len(elsewhere) < len(outcome.saved):
        yield f"records: {root}; the whole report: harness report {root}"


def _without_figures(outcome: Outcome, good: int, unmeasured: int) -> Iterator[str]:
    """What left no measurement, of this run's trials and of those of earlier runs."""
    if outcome.interrupted:
        kept = ", and their records stay" if good else ""
        yield (
            f"interrupted: {good} of {count(outcome.planned, 'trial')} were measured{kept}; "
            "the same command with --resume goes on"
        )
    elif good < outcome.planned:
        yield (
            f"{outcome.planned - good} of {count(outcome.planned, 'trial')} left no measurement; "
            "the records say why, with the last lines that were printed"
        )
    elif unmeasured and not outcome.saved:
        yield (
            f"nothing was left to measure, and {count(unmeasured, 'trial')} of earlier runs left "
            "no measurement"
        )


def _not_as_planned(outcome: Outcome) -> Iterator[str]:
    """What was ended early, refused or repeated."""
    early = sum(ended_as(saved.record) == "slowed" for saved in outcome.saved)
    if early:
        yield f"{count(early, 'trial')} ended early, since other work slowed them many times"
    yield from preflight.lines(outcome.refused)
    if outcome.repeated:
        yield f"{count(outcome.repeated, 'trial')} repeated, since disturbed; both are kept"


def _precision(outcome: Outcome, plan: Plan) -> str:
    """What was reached of the precision, and what the rest would take."""
    now = outcome.standing
    if now is None or now.precise or plan.precision is None:
        return ""
    reached = "" if now.half_width is None else f", known to ±{now.half_width:.1%}"
    if now.further_rounds is None:
        return f"{reached}; ±{plan.precision * 100:g}% is out of reach on this machine"
    rounds = count(now.further_rounds, "more round")
    return (
        f"{reached}; about {rounds} would bring ±{plan.precision * 100:g}%: the same command with "
        "--resume"
    )


def _key_figures(saved: Saved, reason: str | None) -> dict[str, Any]:
    record = saved.record
    return {
        "record": str(saved.path) if saved.path.name else None,
        "stored": saved.trouble is None,
        "status": record.status,
        "reason": None if record.failure is None else record.failure.reason,
        "disturbed": reason,
        "scenario": record.cell.scenario,
        "backend": record.cell.backend,
        "environment": record.cell.name or None,
        "device": record.cell.device,
        "mode": record.cell.mode,
        "init": record.cell.init,
        "threads": record.cell.threads,
        "settings": record.cell.settings,
        "seed": record.seed,
        "repetition": record.repetition,
        "round": record.round,
        "duration_s": record.duration_s,
        **read_all(record),
        "quality": record.quality,
    }


def _print_json(content: dict[str, Any]) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())
