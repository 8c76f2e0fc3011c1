"""The steps of ``harness run``: check everything, say the plan, measure, show what there is."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import probe, store
from harness.cli import axes, outcome, progress
from harness.errors import ExitCode, HarnessError, UnavailableError
from harness.launch import devices, environments, variables
from harness.launch.campaign import run_campaign
from harness.launch.devices import Placement
from harness.launch.environments import Interpreter
from harness.launch.interrupts import ends_as_interrupt
from harness.launch.local import LocalLauncher
from harness.plan import Axes, Durations, Plan, describe, make_plan
from harness.record import BACKENDS, INITS, MODES, Scalar, Struct
from harness.report import terminal
from harness.scenario import Scenario, find, parse_settings

if TYPE_CHECKING:
    from rich.console import Console

SHUFFLE_SEED = 20260101
"""The order in the rounds is arbitrary, and the same for everybody who asks the same.

The number of records that the folder holds is added, so that short campaigns, one after the other
into the same folder, do not all have the same order.
"""


class Request(Struct, frozen=True, kw_only=True):
    """What was asked on the command line, as it was typed. Times are in seconds."""

    scenario: str
    backends: Sequence[str] = ()
    device: str = "auto"
    modes: str = "fit"
    inits: str = "common"
    seeds: str = "1"
    repetitions: int = 1
    settings: Sequence[str] = ()
    time_budget_s: float = 5.0
    timeout_s: float = 600.0
    threads: int | None = None
    environments: Sequence[str] = ()
    pass_env: Sequence[str] = ()
    results: Path = Path("results/local")
    source: str = "auto"
    dry_run: bool = False
    as_json: bool = False


def carry_out(request: Request) -> ExitCode:
    """Do what was asked; whatever can be known to fail fails before the first trial.

    Raises:
        HarnessError: for a mistake in the request or something missing; nothing was measured then.
    """
    say = terminal.console(stderr=request.as_json)
    with ends_as_interrupt():
        scenario = find(request.scenario)
        setting_sets = axes.parse_setting_sets(scenario, request.settings)
        modes = axes.parse_names("mode", [request.modes], MODES)
        inits = axes.parse_names("init", [request.inits], INITS)
        seeds = axes.parse_seeds([request.seeds])
        wish = axes.parse_one("device", request.device, devices.WISHES)
        _check_source(request.source)
        placements = {
            backend: devices.place(wish, candidates, gpus=probe.gpus)
            for backend, candidates in _candidates(request, say).items()
        }
        earlier = store.load(request.results).records
        plan = make_plan(
            Axes(
                scenario=request.scenario,
                devices={backend: placement.device for backend, placement in placements.items()},
                modes=modes,  # type: ignore[arg-type]  # names that were checked above
                inits=inits,  # type: ignore[arg-type]
                settings=setting_sets,
                seeds=seeds,
                repetitions=request.repetitions,
                threads=request.threads,
            ),
            time_budget_s=request.time_budget_s,
            shuffler=random.Random(SHUFFLE_SEED + len(earlier)),  # noqa: S311 - no secret
        )
        durations = Durations(earlier)
        _say_plan(request, plan, placements, durations, say)
        if request.dry_run:
            if request.as_json:
                outcome.print_plan(plan, placements, durations)
            return ExitCode.OK
        store.ensure_writable(request.results, store.RECORD_BYTES * len(plan.trials))
        table = _table(request, scenario, setting_sets, say)
        launcher = LocalLauncher(
            {backend: placement.interpreter for backend, placement in placements.items()},
            timeout_s=request.timeout_s,
            pass_env=request.pass_env,
        )
        with progress.progress(say, scenario.metric) as observer:
            left = run_campaign(
                plan,
                launcher,
                request.results,
                observer,
                durations=durations,
                table=table,
                harness=probe.provenance(),
            )
    code = outcome.exit_code(left)
    outcome.show(left, len(plan.trials), request.results, say)
    if request.as_json:
        outcome.print_outcome(left, request.results, code)
    return code


def _candidates(request: Request, say: Console) -> dict[str, list[Interpreter]]:
    """Interpreters for each backend that was asked for; if none was, for those that have one."""
    named = axes.parse_environments(request.environments)
    asked = request.backends or ([os.environ["KERAS_BACKEND"]] if _tox_says() else [])
    if asked:
        try:
            backends = axes.parse_backends(asked)
        except HarnessError as error:
            hint = "" if request.backends else " (from the variable KERAS_BACKEND)"
            raise HarnessError(f"{error}{hint}") from None
        if strangers := [backend for backend in named if backend not in backends]:
            raise HarnessError(
                f"--env names an environment for {', '.join(strangers)}, which will not run: "
                "name it with --backend too"
            )
        return {backend: environments.find(backend, named) for backend in backends}
    found: dict[str, list[Interpreter]] = {}
    problems: list[str] = []
    for backend in BACKENDS:
        try:
            found[backend] = environments.find(backend, named)
        except UnavailableError as error:
            if backend in named:
                raise
            problems.append(f"{backend}: {error}")
    if not found:
        raise UnavailableError("no backend can run here.\n" + "\n".join(problems))
    for problem in problems:
        say.print(f"left out: {problem}", markup=False, soft_wrap=True)
    return found


def _tox_says() -> bool:
    return bool(os.environ.get("KERAS_BACKEND"))


def _check_source(source: str) -> None:
    from harness.data.prepare import source_names

    source_names(source)


def _say_plan(
    request: Request,
    plan: Plan,
    placements: dict[str, Placement],
    durations: Durations,
    say: Console,
) -> None:
    lines = list(describe(plan, durations))
    lines[-1:-1] = [
        f"  {backend}: {placement.interpreter.python} ({placement.interpreter.origin})"
        for backend, placement in placements.items()
    ]
    if kept_back := variables.kept_back(os.environ, request.pass_env):
        lines.append(
            f"set here and not passed on to the trials: {', '.join(kept_back)}; "
            "--pass-env NAME passes one on"
        )
    if absent := [name for name in request.pass_env if name not in os.environ]:
        lines.append(f"not passed on, since not set here: {', '.join(absent)}")
    for line in lines:
        say.print(line, markup=False, soft_wrap=True)


def _table(
    request: Request, scenario: Scenario, setting_sets: list[dict[str, Scalar]], say: Console
) -> Path | None:
    """The prepared rating table, if any of the cells reads it."""
    texts = [{name: str(value) for name, value in each.items()} for each in setting_sets]
    if not any(scenario.needs_table(parse_settings(scenario, each)) for each in texts):
        return None
    from harness.data.prepare import prepare

    prepared = prepare(
        request.source, report=lambda line: say.print(line, markup=False, soft_wrap=True)
    )
    say.print(f"ratings: {prepared.path} (from {prepared.source})", markup=False, soft_wrap=True)
    return prepared.path
