"""``harness anatomy``: where does the time of a ``fit`` step go?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness import defaults
from harness.cli import fields, options, values
from harness.cli.cluster_options import OnCluster
from harness.cli.command import HOW_LONG
from harness.errors import ExitCode

if TYPE_CHECKING:
    from rich.console import Console

    from harness.analysis.anatomy import Anatomy
    from harness.launch.devices import Placement
    from harness.records.anatomy import AnatomyRecord, AnatomyTask
    from harness.records.cell import Scalar
    from harness.scenario import Scenario, Settings

EPOCHS = 2
"""Timed epochs of a visit, after one of warm-up: more rounds show more than longer visits."""

EPILOG = """
\b
Examples:
  harness anatomy ranking
  harness anatomy ranking --backend jax,tf,torch --processes 6
  harness anatomy ranking --set batch_size=4096 --backend torch
  harness anatomy ranking --set data=synthetic --steps 20 --json

\b
Exit codes:
  0 every backend was taken apart, and its parts add up to its step time
  within 10%; 1 they miss it by more, or a process left no measurement;
  2 a mistake in the command; 3 data, an environment, a device or the folder
  is missing; 130 Ctrl-C.
"""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class AnatomyRequest(OnCluster, options.Request):
    """What ``harness anatomy`` was asked."""

    seed: options.Seed = defaults.SEED
    processes: Annotated[
        int,
        values.number(
            "--processes",
            "Fresh processes of each backend; from 4 on there are intervals.",
            HOW_LONG,
            most=1_000,
        ),
    ] = 4
    rounds: Annotated[
        int, values.number("--rounds", "Rounds in each process.", HOW_LONG, most=10_000)
    ] = 6
    steps: Annotated[
        int | None,
        values.number(
            "--steps",
            "Steps of an epoch, if not all that the training set has: for large models.",
            HOW_LONG,
            most=1_000_000_000,
        ),
    ] = None


@fields.command(AnatomyRequest)
def anatomy(request: AnatomyRequest) -> None:
    """Show where the time of a training step goes.

    How much of it do the input pipeline, Python, computation, optimizer and metrics take? Keras'
    own fit is timed as it is, and without one thing after another, in interleaved rounds of one
    process; the difference of two neighbours is what the thing takes. Several processes show how
    sure that is, and a second fit, whether the parts add up. docs/anatomy.md explains it.
    """
    # Imported here, like all that a training needs, so that `harness --help` does without.
    from harness.launch.interrupts import ends_as_interrupt
    from harness.report.outputs import terminal

    console = terminal.console(stderr=request.as_json)
    try:
        with ends_as_interrupt():
            code = _carry_out(request, console)
    except KeyboardInterrupt:
        console.print("interrupted: records of finished processes stay")
        code = ExitCode.INTERRUPTED
    raise typer.Exit(code)


def _carry_out(request: AnatomyRequest, console: Console) -> ExitCode:
    """Check everything, measure in turns, analyse, show.

    Raises:
        HarnessError: for a mistake in the request or something missing; nothing was measured then.
    """
    from harness.cli import asking, sites
    from harness.cli.failure import FailureLines
    from harness.program import Program
    from harness.scenario import find
    from harness.store import folder as store
    from harness.store import runs

    say = asking.speaker(console)
    scenario = find(request.scenario)
    if isinstance(scenario, Program):
        scenario.data(None, None)  # raises, saying what a program can be asked
    settings = asking.point(scenario, request, "a step is taken apart at one")
    asking.one_number_of_threads(request)
    asking.check_source(request)
    records, failures = [], FailureLines()
    with sites.site(request, scenario, settings, say) as there:
        folder = runs.anatomy_folder(request.results, request.scenario)
        store.sweep(request.results)
        for task in _tasks(request, asking.as_scalars(settings), there.placed, there.table):
            backend = task.cell.place
            say(f"{backend} {task.cell.device}, process {task.process} …")
            record = there.launcher.dissect(task)
            runs.save_anatomy(folder, record)
            name = f"{backend}, process {task.process}"
            for line in failures.ending(record, f"{record.duration_s:.0f} s", name):
                say(line)
            records.append(record)
    return _conclude(request, (scenario, settings), folder, records, console)


def _tasks(
    request: AnatomyRequest,
    settings: dict[str, Scalar],
    placements: Mapping[str, Placement],
    table: Path | None,
) -> Iterator[AnatomyTask]:
    """One process of every backend after the other, in another order each time."""
    import random
    import secrets

    from harness import probe
    from harness.cli import asking
    from harness.records.anatomy import AnatomyTask
    from harness.records.cell import Cell

    run_id, order = secrets.token_hex(4), random.Random(request.seed)  # noqa: S311 - an order
    for process in range(1, request.processes + 1):
        for place in order.sample(list(placements), len(placements)):
            interpreter = placements[place].interpreter
            yield AnatomyTask(
                cell=Cell(
                    scenario=request.scenario,
                    backend=interpreter.backend,  # type: ignore[arg-type]  # a checked name
                    name=interpreter.name,
                    device=placements[place].device,
                    threads=asking.one_number_of_threads(request),
                    settings=settings,
                ),
                seed=request.seed,
                process=process,
                rounds=request.rounds,
                epochs=EPOCHS,
                steps=request.steps,
                campaign=request.results.resolve().name,
                run_id=run_id,
                table=None if table is None else str(table),
                harness=probe.provenance(),
            )


def _conclude(
    request: AnatomyRequest,
    trained: tuple[Scenario, Settings],
    folder: Path,
    records: Sequence[AnatomyRecord],
    console: Console,
) -> ExitCode:
    from harness.analysis.anatomy import anatomies
    from harness.analysis.notes.sources import is_changed
    from harness.analysis.study import About
    from harness.cli import asking
    from harness.cli.failure import SOURCE_CHANGED
    from harness.report.outputs import terminal
    from harness.report.sections import anatomy as report

    scenario, settings = trained
    found = anatomies(records)
    failed = [record for record in records if record.status != "ok"]
    good = bool(found) and not failed and all(anatomy.adds_up for anatomy in found)
    code = ExitCode.OK if good else ExitCode.TRIAL_FAILED
    if request.as_json:
        chosen = asking.as_scalars(settings)
        told = _encode(request, records, found, settings=chosen, folder=folder, code=code)
        typer.echo(told.decode())
    else:
        console.print()
        usual = asking.as_scalars(scenario.settings_type())
        about = {request.scenario: About(metric=scenario.metric, defaults=usual)}
        terminal.show(report.compose(request.scenario, found, failed, about), console)
        console.print()
    say = asking.speaker(console)
    if is_changed(records):
        say(SOURCE_CHANGED)
    say(f"records: {folder}")
    return code


def _encode(
    request: AnatomyRequest,
    records: Sequence[AnatomyRecord],
    found: Sequence[Anatomy],
    *,
    settings: Mapping[str, Scalar],
    folder: Path,
    code: ExitCode,
) -> bytes:
    import msgspec

    from harness.records.anatomy import ANATOMY_SCHEMA_VERSION

    answer = {
        "schema": ANATOMY_SCHEMA_VERSION,
        "scenario": request.scenario,
        "settings": settings,
        "exit_code": int(code),
        "folder": str(folder),
        "anatomies": [_told(anatomy) for anatomy in found],
        "failures": [
            {
                "backend": record.cell.backend,
                "process": record.process,
                "status": record.status,
                "reason": record.failure.reason if record.failure else None,
            }
            for record in records
            if record.status != "ok"
        ],
    }
    return msgspec.json.format(msgspec.json.encode(answer), indent=1)


def _told(anatomy: Anatomy) -> dict[str, Any]:
    import msgspec

    return msgspec.structs.asdict(anatomy) | {
        "sum_s": anatomy.sum_s,
        "misses": anatomy.misses,
        "adds_up": anatomy.adds_up,
    }
