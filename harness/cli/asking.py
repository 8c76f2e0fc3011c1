"""Reads a request of ``harness run``: which interpreters, which cells, which plan."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.backends import BACKENDS
from harness.cli import parse
from harness.errors import HarnessError, UnavailableError
from harness.launch import environments
from harness.launch.devices import Placement
from harness.launch.environments import Interpreter
from harness.records.plan import Axes, Plan, cells
from harness.records.trial import INITS, MODES, Scalar, Struct
from harness.report import format as fmt

if TYPE_CHECKING:
    from rich.console import Console

SHUFFLE_SEED = 20260101
"""The order in the rounds is arbitrary, and the same for everybody who asks the same."""

FIXED_SEEDS = "42-44"
ADAPTIVE_SEEDS = "42-61"
"""Twenty take turns where rounds are many: each new one also tells more about quality."""

FIXED_TIME_BUDGET_S = 5.0
ADAPTIVE_TIME_BUDGET_S = 0.25
"""Processes spread by 3 to 5% however long each one trains, epochs inside of one by 3 to 6%. Where
a process costs 2 s beside its training and an epoch 0.1 to 0.2 s, the ratio of two cells is known
soonest with 5 to 7 steady epochs in each (the square root of cost ratio times variance ratio), and
those for quality are four of them. Beyond that another process tells more than a longer one."""

DEFAULT_BUDGET = "10m"
"""Where a precision is asked for without a budget: some are out of reach on some machines."""


class Request(Struct, frozen=True, kw_only=True):
    """What was asked on the command line, as it was typed. Times are in seconds.

    ``swept`` holds the values of each axis of ``harness sweep`` that becomes a setting, by its name
    (:meth:`harness.scenario.Scenario.axis_settings`).
    """

    scenario: str
    backends: Sequence[str] = ()
    device: str = "auto"
    modes: str = "fit"
    inits: str = "common"
    seeds: str | None = None
    repetitions: int | None = None
    precision: str | None = None
    budget: str | None = None
    margin: str = "2%"
    settings: Sequence[str] = ()
    swept: Mapping[str, str] = {}
    time_budget_s: float | None = None
    timeout_s: float = 600.0
    memory_limit: str | None = None
    threads: str | None = None
    environments: Sequence[str] = ()
    pass_env: Sequence[str] = ()
    results: Path = Path("results/local")
    source: str = "auto"
    resume: bool = False
    wait: bool = True
    dry_run: bool = False
    as_json: bool = False


def plan_of(
    request: Request,
    setting_sets: list[dict[str, Scalar]],
    placed: Mapping[str, Placement],
) -> Plan:
    """The plan that the request asks for.

    Raises:
        HarnessError: for a mistake in the request.
    """
    rule = stopping(request)
    adaptive = rule.precision is not None or rule.budget_s is not None
    seeds = parse.parse_seeds([request.seeds or (ADAPTIVE_SEEDS if adaptive else FIXED_SEEDS)])
    modes = parse.parse_names("mode", [request.modes], MODES)
    inits = parse.parse_names("init", [request.inits], INITS)
    time_budget_s = request.time_budget_s
    if time_budget_s is None:
        time_budget_s = ADAPTIVE_TIME_BUDGET_S if adaptive else FIXED_TIME_BUDGET_S
    return Plan(
        run_id=secrets.token_hex(4),
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        cells=cells(
            Axes(
                scenario=request.scenario,
                devices={backend: placement.device for backend, placement in placed.items()},
                modes=modes,  # type: ignore[arg-type]  # names that were checked above
                inits=inits,  # type: ignore[arg-type]
                settings=setting_sets,
                threads=parse.parse_threads(request.threads),
            )
        ),
        seeds=seeds,
        shuffle_seed=SHUFFLE_SEED,
        time_budget_s=time_budget_s,
        margin=rule.margin,
        rounds=None if adaptive else len(seeds) * (request.repetitions or 1),
        precision=rule.precision,
        budget_s=rule.budget_s,
    )


class Stopping(Struct, frozen=True, kw_only=True):
    """When to stop and what matters: shares, and seconds."""

    precision: float | None
    budget_s: float | None
    margin: float


def stopping(request: Request) -> Stopping:
    """What the request says about the end of the campaign.

    Raises:
        HarnessError: for what is no share or duration, and for a fixed number of rounds beside.
    """
    budget = request.budget or (DEFAULT_BUDGET if request.precision else None)
    if budget and request.repetitions is not None:
        raise HarnessError(
            "--repetitions fixes the number of rounds, while --precision and --budget leave it to "
            "the intervals and the clock: give one or the other"
        )
    return Stopping(
        precision=parse.parse_share("--precision", request.precision)
        if request.precision
        else None,
        budget_s=parse.parse_duration_s("--budget", budget) if budget else None,
        margin=parse.parse_share("--margin", request.margin),
    )


def candidates(request: Request, say: Console) -> dict[str, list[Interpreter]]:
    """Interpreters for each backend that was asked for; if none was, for those that have one."""
    named = parse.parse_environments(request.environments)
    asked = request.backends or ([os.environ["KERAS_BACKEND"]] if _tox_says() else [])
    if asked:
        try:
            backends = parse.parse_backends(asked)
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
        say.print(fmt.plain(f"left out: {problem}"), markup=False, soft_wrap=True)
    return found


def _tox_says() -> bool:
    return bool(os.environ.get("KERAS_BACKEND"))
