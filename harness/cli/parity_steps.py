"""The steps of ``harness parity``: check everything, train on each backend, judge, show."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer

from harness import probe
from harness.analysis.notes.sources import is_changed
from harness.analysis.parity.judge import judge_all
from harness.analysis.parity.stages import Subject
from harness.backends import BACKENDS
from harness.cli import parity_answer, parse, ratings
from harness.cli.failure import SOURCE_CHANGED, FailureLines
from harness.errors import ExitCode, HarnessError, UnavailableError
from harness.launch import devices, environments
from harness.launch.child import ChildResult, LocalLauncher
from harness.launch.devices import Placement
from harness.launch.interrupts import ends_as_interrupt
from harness.launch.lock import only_campaign
from harness.records.parity import KNOWN_BEHAVIOURS, ParityRecord, ParityTask, labels
from harness.records.trial import MODES, Cell, Scalar, Struct
from harness.report import format as fmt
from harness.report.outputs import terminal
from harness.report.sections import parity as report
from harness.scenario import find, parse_settings
from harness.store import folder as store
from harness.store import runs
from harness.store.layout import VERDICT
from harness.words import unknown

if TYPE_CHECKING:
    from rich.console import Console


class Request(Struct, frozen=True, kw_only=True):
    """What was asked on the command line, as it was typed. Times are in seconds."""

    scenario: str
    backends: Sequence[str] = ()
    device: str = "auto"
    modes: str = "fit"
    seed: int = 42
    settings: Sequence[str] = ()
    perturbations: int = 4
    threads: int | None = None
    timeout_s: float = 600.0
    memory_limit: str | None = None
    environments: Sequence[str] = ()
    pass_env: Sequence[str] = ()
    results: Path = Path("results/local")
    source: str = "auto"
    wait: bool = True
    allow: Sequence[str] = ()
    everything: bool = False
    as_json: bool = False


def carry_out(request: Request) -> ExitCode:
    """Do what was asked; whatever can be known to fail fails before the first training.

    Raises:
        HarnessError: for a mistake in the request or something missing; nothing was trained then.
    """
    say = terminal.console(stderr=request.as_json)
    try:
        with ends_as_interrupt():
            return _carry_out(request, say)
    except KeyboardInterrupt:
        say.print("interrupted: nothing was compared; records of finished backends stay")
        return ExitCode.INTERRUPTED


def _carry_out(request: Request, say: Console) -> ExitCode:
    known = [behaviour.name for behaviour in KNOWN_BEHAVIOURS]
    for name in request.allow:
        if name not in known:
            raise HarnessError(unknown("known behaviour", name, known))
    scenario = find(request.scenario)
    sets = parse.parse_setting_sets(scenario, request.settings)
    if len(sets) > 1:
        raise HarnessError(
            f"--set names {len(sets)} sets of settings; parity compares backends at one: "
            "give each setting one value"
        )
    settings = sets[0]
    modes = parse.parse_names("mode", [request.modes], MODES)
    wish = parse.parse_one("device", request.device, devices.WISHES)
    memory_limit_bytes = parse.parse_memory_limit(request.memory_limit)
    placements = _placements(request, wish, modes, say)
    table = ratings.prepared(scenario, settings, request.source, lambda line: _say(line, say))
    folder = runs.parity_folder(request.results, request.scenario, request.seed)
    launcher = LocalLauncher(
        {backend: placement.interpreter for backend, placement in placements.items()},
        timeout_s=request.timeout_s,
        memory_limit_bytes=memory_limit_bytes,
        pass_env=request.pass_env,
    )
    results, failures = [], FailureLines()
    with only_campaign(wait=request.wait, say=lambda line: _say(line, say)):
        for (backend, placement), mode in itertools.product(placements.items(), modes):
            task = ParityTask(
                cell=Cell(
                    scenario=request.scenario,
                    backend=backend,  # type: ignore[arg-type]  # names that were checked
                    device=placement.device,
                    mode=mode,  # type: ignore[arg-type]
                    threads=request.threads,
                    settings=settings,
                ),
                seed=request.seed,
                perturbations=request.perturbations,
                campaign=request.results.resolve().name,
                table=None if table is None else str(table),
                harness=probe.provenance(),
                shared=str(store.initial_folder(request.results)),
            )
            way = f" {mode}" if len(modes) > 1 else ""
            _say(f"training on {backend} {placement.device}{way} …", say)
            result = launcher.compare(task)
            runs.save_parity(folder, *result)
            _say_end(result.record, f"{backend}{way}", failures, say)
            results.append(result)
    return _conclude(request, settings, folder, results, say)


def _conclude(
    request: Request,
    settings: dict[str, Scalar],
    folder: Path,
    results: Sequence[ChildResult[ParityRecord]],
    say: Console,
) -> ExitCode:
    """Judge, keep the verdict beside the records, and show it."""
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
    defaults = msgspec.to_builtins(parse_settings(find(request.scenario)))
    asked = report.Asked(
        scenario=request.scenario,
        seed=request.seed,
        settings=", ".join(f"{n}={v}" for n, v in settings.items() if defaults.get(n) != v),
        synthetic=any(record.synthetic for record in records),
    )
    content = parity_answer.encode(
        asked, records, pairs, settings=settings, folder=folder, exit_code=code
    )
    runs.write(folder / VERDICT, content + b"\n")
    if request.as_json:
        typer.echo(content.decode())
    else:
        say.print()
        terminal.show(report.compose(asked, records, pairs, everything=request.everything), say)
        say.print()
    if is_changed(records):
        _say(SOURCE_CHANGED, say)
    _say(f"records: {folder}", say)
    return code


def _placements(
    request: Request, wish: str, modes: Sequence[str], say: Console
) -> dict[str, Placement]:
    """Interpreter and device of each backend; of all that are found, if none was named."""
    named = parse.parse_environments(request.environments)
    asked = parse.parse_backends(request.backends) if request.backends else list(BACKENDS)
    if strangers := [backend for backend in named if backend not in asked]:
        raise HarnessError(
            f"--env names an environment for {', '.join(strangers)}, which will not run: "
            "name it with --backend too"
        )
    if len(asked) < 2 and len(modes) < 2:
        raise HarnessError(
            "parity compares backends with each other, or modes of one: name a second backend "
            f"beside {asked[0]}, or a second --mode beside {modes[0]}"
        )
    found: dict[str, Placement] = {}
    problems = []
    for backend in asked:
        try:
            candidates = environments.find(backend, named)
        except UnavailableError as error:
            if request.backends or backend in named:
                raise
            problems.append(f"{backend}: {error}")
            continue
        found[backend] = devices.place(wish, candidates, gpus=probe.gpus)
    if len(found) < 2 and (len(modes) < 2 or not found):
        raise UnavailableError(
            f"parity needs two backends, found {', '.join(found) or 'none'}.\n"
            + "\n".join(problems)
        )
    for problem in problems:
        _say(f"left out: {problem}", say)
    return found


def _say(line: str, say: Console) -> None:
    say.print(fmt.plain(line, limit=4_000), markup=False, soft_wrap=True)


def _say_end(record: ParityRecord, name: str, failures: FailureLines, say: Console) -> None:
    if record.failure is None:
        _say(f"  {len(record.trainings)} trainings in {record.duration_s:.0f} s", say)
        return
    said, below = failures.of(record.status, record.failure, name)
    for line in (f"  {said}", *below):
        _say(line, say)
