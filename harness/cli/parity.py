"""``harness parity``: is it the same model on every backend?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness import defaults
from harness.cli import completion, fields, options, values
from harness.cli.cluster_options import OnCluster
from harness.cli.command import HOW_LONG, OUTPUT, WHAT
from harness.errors import ExitCode, HarnessError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.launch.child import ChildResult
    from harness.records.parity import ParityRecord
    from harness.scenario import Scenario, Settings

EPILOG = """
\b
Examples:
  harness parity ranking
  harness parity ranking --set optimizer=adam --set learning_rate=0.001
  harness parity ranking --backend jax,torch --seed 7 --all
  harness parity ranking --mode fit,tuned,custom_loop,native
  harness parity ranking --allow sparse-duplicates
  harness parity ranking --env tf=~/envs/tf-nightly --json

\b
Exit codes:
  0 the same model on every pair of backends, known behaviours of Keras named;
  1 a pair deviates or is undecided, or a backend could not be trained;
  2 a mistake in the command; 3 data, an environment, a device or the folder
  is missing; 130 Ctrl-C.
"""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ParityRequest(OnCluster, options.Request):
    """What ``harness parity`` was asked."""

    backends: Annotated[
        list[str],
        typer.Option(
            "--backend",
            autocompletion=completion.backends,
            metavar="NAMES",
            help="jax, tf (tensorflow), torch, separated by commas; two or more. Default: all "
            "whose environment is found.",
            rich_help_panel=WHAT,
        ),
    ] = field(default_factory=list)
    modes: Annotated[
        str,
        typer.Option(
            "--mode",
            autocompletion=completion.modes,
            metavar="NAMES",
            help="How training runs: fit, tuned, custom_loop, native; of several each is compared "
            "on every backend, and with the others of its backend.",
            rich_help_panel=WHAT,
        ),
    ] = "fit"
    seed: options.Seed = defaults.SEED
    allow: Annotated[
        list[str],
        typer.Option(
            "--allow",
            metavar="NAME",
            help="A known behaviour of Keras that may change the test metric: sparse-duplicates; "
            "repeatable.",
            rich_help_panel=WHAT,
        ),
    ] = field(default_factory=list)
    perturbations: Annotated[
        int,
        values.number(
            "--perturbations",
            "Moved trainings of each backend, which measure how far it drifts from itself.",
            HOW_LONG,
            most=100,
        ),
    ] = 4
    everything: Annotated[
        bool,
        typer.Option(
            "--all",
            help="Show every variable and slot, and how much each changed.",
            rich_help_panel=OUTPUT,
        ),
    ] = False


@fields.command(ParityRequest)
def parity(request: ParityRequest) -> None:
    """Show whether every backend trains the same model.

    Each backend starts from the same weights and sees the same batches. Gradients, variables,
    optimizer slots, losses and the test metric are compared on every pair, against round-off as
    it is measured: how far a backend drifts from itself when its weights are moved by one unit in
    the last place. docs/parity.md explains it.
    """
    # Imported here, like all that a training needs, so that `harness --help` does without.
    from harness.launch.interrupts import ends_as_interrupt
    from harness.report.outputs import terminal

    console = terminal.console(stderr=request.as_json)
    try:
        with ends_as_interrupt():
            code = _carry_out(request, console)
    except KeyboardInterrupt:
        console.print("interrupted: nothing was compared; records of finished backends stay")
        code = ExitCode.INTERRUPTED
    raise typer.Exit(code)


def _carry_out(request: ParityRequest, console: Console) -> ExitCode:
    """Check everything, train on each backend, judge, show.

    Raises:
        HarnessError: for a mistake in the request or something missing; nothing was trained then.
    """
    from harness import probe
    from harness.cli import asking, parse, sites
    from harness.cli.failure import FailureLines
    from harness.records.cell import MODES, Cell
    from harness.records.parity import KNOWN_BEHAVIOURS, ParityTask
    from harness.scenario import find
    from harness.store import folder as store
    from harness.store import runs
    from harness.words import unknown

    say = asking.speaker(console)

    known = [behaviour.name for behaviour in KNOWN_BEHAVIOURS]
    for name in request.allow:
        if name not in known:
            raise HarnessError(unknown("behaviour of --allow", name, known))
    scenario = find(request.scenario)
    settings = asking.point(scenario, request, "parity compares backends at one")
    modes = parse.parse_names("mode", [request.modes], MODES)
    threads = asking.one_number_of_threads(request)
    asking.check_source(request)
    backends = parse.parse_backends(request.backends) if request.backends else []
    if backends and max(len(backends), len(modes), len(request.environments)) < 2:
        raise HarnessError(
            "parity compares backends with each other, or modes of one: name a second backend "
            f"beside {backends[0]}, or a second --mode beside {modes[0]}"
        )
    least = 1 if len(modes) > 1 else 2
    results, failures = [], FailureLines()
    with sites.site(request, scenario, settings, say, least=least, variable=None) as there:
        folder = runs.parity_folder(request.results, scenario.name, request.seed)
        store.sweep(request.results)
        for (place, placement), mode in itertools.product(there.placed.items(), modes):
            task = ParityTask(
                cell=Cell(
                    scenario=scenario.name,
                    backend=placement.interpreter.backend,  # type: ignore[arg-type]  # checked
                    name=placement.interpreter.name,
                    device=placement.device,
                    mode=mode,  # type: ignore[arg-type]
                    threads=threads,
                    settings=asking.as_scalars(settings),
                ),
                seed=request.seed,
                perturbations=request.perturbations,
                campaign=request.results.resolve().name,
                table=None if there.table is None else str(there.table),
                harness=probe.provenance(),
                shared=str(store.initial_folder(request.results)),
            )
            way = f" {mode}" if len(modes) > 1 else ""
            say(f"training on {place} {placement.device}{way} …")
            result = there.launcher.compare(task)
            runs.save_parity(folder, *result)
            record = result.record
            trained = f"{len(record.trainings)} trainings in {record.duration_s:.0f} s"
            for line in failures.ending(record, trained, f"{place}{way}"):
                say(line)
            results.append(result)
    return _conclude(request, (scenario, settings), folder, results, console)


def _conclude(
    request: ParityRequest,
    trained: tuple[Scenario, Settings],
    folder: Path,
    results: Sequence[ChildResult[ParityRecord]],
    console: Console,
) -> ExitCode:
    """Judge, keep the verdict beside the records, and show it."""
    from harness.analysis.notes.programs import other_data
    from harness.analysis.notes.sources import is_changed
    from harness.analysis.parity.judge import judge_all
    from harness.analysis.parity.stages import Subject
    from harness.cli import asking
    from harness.cli.failure import SOURCE_CHANGED
    from harness.records.parity import labels
    from harness.report.outputs import terminal
    from harness.report.sections import parity as report
    from harness.store import runs
    from harness.store.layout import VERDICT

    scenario, settings = trained
    records = [result.record for result in results]
    names = labels([record.cell for record in records])
    pairs = judge_all(
        [
            Subject(label=name, record=result.record, arrays=runs.load_arrays(result.arrays))
            for name, result in zip(names, results, strict=True)
            if result.arrays is not None
        ],
        request.allow,
    )
    same = all(pair.verdict in {"same", "same-except"} for pair in pairs)
    good = same and all(record.status == "ok" for record in records)
    code = ExitCode.OK if good else ExitCode.TRIAL_FAILED
    usual, chosen = (asking.as_scalars(each) for each in (scenario.settings_type(), settings))
    asked = report.Asked(
        scenario=scenario.name,
        seed=request.seed,
        settings=", ".join(f"{n}={v}" for n, v in chosen.items() if usual.get(n) != v),
        synthetic=any(record.synthetic for record in records),
    )
    content = report.encode(asked, records, pairs, settings=chosen, folder=folder, exit_code=code)
    runs.write(folder / VERDICT, content + b"\n")
    if request.as_json:
        typer.echo(content.decode())
    else:
        console.print()
        terminal.show(report.compose(asked, records, pairs, everything=request.everything), console)
        console.print()
    say = asking.speaker(console)
    if (data := other_data(records)) is not None:
        say(data)
    if is_changed(records):
        say(SOURCE_CHANGED)
    say(f"records: {folder}")
    return code
