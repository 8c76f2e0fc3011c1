"""What the request of a command that trains comes to: settings, placements, table, plan."""

from __future__ import annotations

import itertools
import os
import secrets
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness import defaults, probe
from harness.analysis.speed.interval import MINIMUM_ROUNDS
from harness.cli import parse, places
from harness.cli.closing import paragraph
from harness.cli.cluster_options import OnCluster
from harness.cli.options import CampaignRequest, Request
from harness.errors import HarnessError
from harness.launch import devices
from harness.launch.child import LocalLauncher
from harness.launch.devices import Placement
from harness.probe.machine import WITH_HOST_VARIABLE
from harness.program import Program
from harness.records.cell import INITS, MODES, Scalar
from harness.records.plan import Axes, Plan, cells
from harness.report import format as fmt
from harness.scenario import Scenario, Settings, parse_settings
from harness.scenario_files import name_of, program_path
from harness.table_use import needs_table

if TYPE_CHECKING:
    from rich.console import Console

SHUFFLE_SEED = 20260101
"""The order in the rounds is arbitrary, and the same for everybody who asks the same."""

Say = Callable[[str], None]


def speaker(console: Console) -> Say:
    """A function that prints a line, made harmless and never cut."""
    return lambda line: paragraph(fmt.plain(line, limit=4_000), console)


def points(
    scenario: Scenario,
    texts: Iterable[str],
    swept: Mapping[str, str] | None = None,
    given: Mapping[str, str] | None = None,
) -> list[Settings]:
    """The settings of ``scenario`` at every combination of what ``--set`` and the axes say.

    Args:
        scenario: says which settings an axis stands for, and what it changes beside them.
        texts: what ``--set`` says; a value with commas, ``batch_size=500,1000``, gives one point
            for each.
        swept: the values of each axis of ``harness sweep`` as typed, by its name
            (:meth:`harness.scenario.Scenario.axis_settings`).
        given: settings that options of their own stand for (:func:`of_program`).

    Raises:
        HarnessError: for an axis without a value, a setting or a value that is named twice, and two
            points that come to the same in another spelling, ``0.1`` and ``1e-1``: they would be
            measured once, in silence.
        InvalidSettingError: for an axis, a setting or a value that the scenario does not take.
    """
    assignments = parse.parse_assignments(texts)
    asked_by = {name: "--set" for one in assignments for name in one}
    defaults_: dict[str, str] = {}
    courses: list[list[dict[str, str]]] = []
    for axis, text in (swept or {}).items():
        option = f"--{axis.replace('_', '-')}"
        values = [part.strip() for part in text.split(",") if part.strip()]
        if not values:
            raise HarnessError(f"{option} names no value: write several, such as 1,10,100")
        parse.each_once(option, values)
        course = [dict(scenario.axis_settings(axis, value)) for value in values]
        for name in dict.fromkeys(name for point in course for name in point):
            if name in asked_by:
                raise HarnessError(
                    f"{asked_by[name]} and {option} both set {name}: leave one of them out"
                )
            asked_by[name] = option
        defaults_ |= scenario.axis_defaults(axis)
        courses.append(course)
    found: dict[bytes, Settings] = {}
    for chosen, *parts in itertools.product(assignments, *courses):
        typed = {n: v for part in (defaults_, given or {}, chosen, *parts) for n, v in part.items()}
        settings = _settings(scenario, typed)
        key = msgspec.json.encode(settings, order="deterministic")  # as a cell tells itself apart
        if key in found:
            shown = ", ".join(f"{name}={value}" for name, value in as_scalars(settings).items())
            raise HarnessError(
                "two of the values that were typed come to the same settings: "
                f"{shown}. Name each value once"
            )
        found[key] = settings
    return list(found.values())


def of_program(scenario: Scenario, request: Request) -> dict[str, str]:
    """The settings of a program that have options of their own, as they were typed.

    Raises:
        HarnessError: if one is given for a scenario, whose settings ``--set`` changes.
    """
    typed = {
        "arguments": shlex.join(request.arguments),
        "fit": request.counted_fit or "",
        "metric": request.metric or "",
    }
    typed = {name: value for name, value in typed.items() if value}
    if typed and not isinstance(scenario, Program):
        option = {"arguments": request.arguments and request.arguments[0]}
        first = next(iter(typed))
        raise HarnessError(
            f"{option.get(first, f'--{first}')} is for a script of your own, and {scenario.name} "
            "is a scenario: its settings are changed by --set NAME=VALUE"
        )
    return typed


def point(scenario: Scenario, request: Request, only_one: str) -> Settings:
    """The settings of a command that takes one value of each.

    Args:
        scenario: what is trained.
        request: says which settings.
        only_one: why there can be only one, to complete a sentence.

    Raises:
        HarnessError: for several values of one, and as :func:`points` does.
    """
    found = points(scenario, request.settings, given=of_program(scenario, request))
    if len(found) > 1:
        raise HarnessError(
            f"--set names {len(found)} sets of settings; {only_one}: give each setting one value"
        )
    return found[0]


def _settings(scenario: Scenario, typed: Mapping[str, str]) -> Settings:
    settings = parse_settings(scenario, typed)
    # Once more through convert, so that a default of 1 and a typed 1 are the same float and hence
    # the same cell.
    return msgspec.convert(msgspec.to_builtins(settings), type(settings))


def as_scalars(settings: Settings) -> dict[str, Scalar]:
    """All settings by name, as a cell has them."""
    return dict(msgspec.to_builtins(settings))


def one_number_of_threads(request: Request) -> int | None:
    """The CPU threads of a command that takes one number; ``None`` for the framework's choice.

    Raises:
        HarnessError: for no number, and for several.
    """
    numbers = parse.parse_threads(request.threads)
    if len(numbers) > 1:
        raise HarnessError(f"--threads {request.threads} names several numbers: give one")
    return numbers[0]


def table(request: Request, scenario: Scenario, asked: Sequence[Settings], say: Say) -> Path | None:
    """The path of the prepared rating table; ``None`` if nothing is read from it.

    Raises:
        HarnessError: if the settings read different ones.
        UnavailableError: if no source has the ratings.
    """
    read = {scenario.dataset(settings) for settings in asked if needs_table(scenario, settings)}
    if not read:
        return None
    if len(read) > 1:
        raise HarnessError(
            f"these settings read several data sets ({', '.join(sorted(read))}); "
            "give each a command of its own"
        )
    from harness.data.prepare import prepare

    prepared = prepare(request.source, dataset=read.pop(), report=say)
    if isinstance(request, CampaignRequest):
        say(f"ratings: {prepared.path} (from {prepared.source})")
    return prepared.path


def check_source(request: Request) -> None:
    """Refuse a source that does not exist before anything is looked for.

    Raises:
        HarnessError: if there is no such source.
    """
    from harness.data.prepare import source_names

    source_names(request.source)


def plan(
    request: CampaignRequest, asked: Sequence[Settings], placed: Mapping[str, Placement]
) -> Plan:
    """The plan that the request asks for.

    Raises:
        HarnessError: for a mistake in the request.
    """
    _check_how_long(request)
    precision, budget_s = request.precision, request.budget_s
    if request.left_open:
        precision, budget_s = _precision(placed), defaults.LIMIT_S
    elif budget_s is None and precision is not None:
        budget_s = defaults.BUDGET_S
    adaptive = request.adaptive
    many = adaptive or request.rounds is not None
    seeds = parse.parse_seeds(
        [request.seeds or (defaults.ADAPTIVE_SEEDS if many else request.usual_seeds)]
    )
    time_budget_s = request.time_budget_s
    if time_budget_s is None:
        time_budget_s = defaults.ADAPTIVE_TIME_BUDGET_S if many else defaults.TIME_BUDGET_S
    return Plan(
        run_id=secrets.token_hex(4),
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        cells=cells(
            Axes(
                scenario=name_of(request.scenario),
                devices={place: placement.device for place, placement in placed.items()},
                # Names that are checked here.
                modes=parse.parse_names("mode", [request.modes], MODES),  # type: ignore[arg-type]
                inits=parse.parse_names("init", [request.inits], INITS),  # type: ignore[arg-type]
                settings=[as_scalars(settings) for settings in asked],
                threads=parse.parse_threads(request.threads),
            )
        ),
        seeds=seeds,
        shuffle_seed=SHUFFLE_SEED,
        time_budget_s=time_budget_s,
        margin=request.margin,
        rounds=None if adaptive else request.rounds or len(seeds) * (request.repetitions or 1),
        precision=precision,
        budget_s=budget_s,
        turns=request.turns == "on",
        least_rounds=MINIMUM_ROUNDS if request.left_open else 1,
    )


def _precision(placed: Mapping[str, Placement]) -> float:
    """That of a campaign of which nobody says how long it is to go on."""
    backends = [placement.interpreter.backend for placement in placed.values()]
    versions = len(backends) > len(set(backends))
    return defaults.PRECISION_OF_VERSIONS if versions else defaults.PRECISION


def _check_how_long(request: CampaignRequest) -> None:
    """Refuse two options that each say how many rounds there are.

    Raises:
        HarnessError: if there are two.
    """
    by_the_clock = request.precision is not None or request.budget_s is not None
    for option, given in (("--repetitions", request.repetitions), ("--rounds", request.rounds)):
        if by_the_clock and given is not None:
            raise HarnessError(
                f"{option} fixes the number of rounds, while --precision and --budget leave it to "
                "the intervals and the clock: give one or the other"
            )
    if request.rounds is not None and request.repetitions is not None:
        raise HarnessError(
            "--rounds is the number of all rounds, --repetitions that of each seed: give one or "
            "the other"
        )


def placements(
    request: Request, say: Say, *, least: int = 1, variable: str | None = "KERAS_BACKEND"
) -> dict[str, Placement]:
    """Interpreter and device of each place asked for: a backend, or one in a named environment.

    Args:
        request: names backends, environments and device.
        say: prints which backends are left out.
        least: how many there must be.
        variable: the environment variable that names the backend where the request does not.

    Raises:
        HarnessError: for a mistake in the request.
        UnavailableError: if an environment or a device is not there.
    """
    wish = parse.parse_one("device", request.device, devices.WISHES)
    return {
        place: devices.place(wish, found, gpus=probe.gpus)
        for place, found in places.candidates(request, say, least, variable).items()
    }


def refuse_cluster_options(request: OnCluster) -> None:
    """Refuse what is for a cluster where there is none.

    Raises:
        HarnessError: naming the first such option.
    """
    given = {
        "--scheduler": request.scheduler,
        "--cluster": request.cluster_file,
        "--exclusive": request.exclusive,
        "--insecure": request.insecure,
    }
    for option, value in given.items():
        if value:
            raise HarnessError(f"{option} is for a cluster: add --launcher dask, or a queue's name")


def launcher(request: Request, placed: Mapping[str, Placement]) -> LocalLauncher:
    """Runs tasks where they were placed, within the limits that the request sets."""
    if request.with_host:
        os.environ[WITH_HOST_VARIABLE] = "1"
    return LocalLauncher(
        {place: placement.interpreter for place, placement in placed.items()},
        timeout_s=request.timeout_s,
        memory_limit_bytes=request.memory_limit_bytes,
        pass_env=request.pass_env,
        program=program_path(request.scenario),
    )
