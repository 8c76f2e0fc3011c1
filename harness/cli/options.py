"""Options that several subcommands share, and the one request that those which train are given.

A new option for every command that trains is a line in :class:`Request`.
"""

# Without `from __future__ import annotations`: texts would have to be evaluated at every start.

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

import typer

from harness import defaults
from harness.cli import completion, values
from harness.cli.cluster_options import OnCluster
from harness.cli.command import HOW_LONG, MACHINE, OUTPUT, WHAT, WHERE
from harness.cli.folder import DEFAULT_FOLDER

Margin = Annotated[
    float,
    values.share(
        "--margin",
        f"Smallest difference in speed that matters to you. Default: {defaults.MARGIN:.0%}.",
    ),
]
Environments = Annotated[
    list[str],
    typer.Option(
        "--env",
        metavar="NAME=WHAT",
        help="An environment: jax=PATH (a Python, or an environment's folder), or under a name of "
        "its own old=PATH or old=keras==3.14.0, which is made; repeatable, and two of one backend "
        "are measured in turns. Default: this one if it can, else one of `harness env`, else "
        ".tox/jax, .tox/tf, .tox/torch.",
        rich_help_panel=MACHINE,
    ),
]
Seed = Annotated[
    int, values.number("--seed", "Of the initial weights.", WHAT, least=0, most=2**32 - 1)
]


class TypedAgain(NamedTuple):
    """A scenario's name or a script's path, and options with their values, as they were typed."""

    scenario: str
    options: list[tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Request:
    """What a command that trains was asked: the options that all of them have.

    Shares are fractions and durations seconds; names are as they were typed. A command adds its own
    options in a subclass.
    """

    scenario: Annotated[
        str,
        typer.Argument(
            metavar="SCENARIO",
            help="What to train: a scenario (`harness list`), or the path of a script of your own.",
            autocompletion=completion.scenarios,
        ),
    ]
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="[-- ARGUMENTS]", help="The script's own arguments.", show_default=False
        ),
    ] = field(default_factory=list)
    backends: Annotated[
        list[str],
        typer.Option(
            "--backend",
            autocompletion=completion.backends,
            metavar="NAMES",
            help="jax, tf (tensorflow), torch, separated by commas. Default: KERAS_BACKEND if it "
            "is set, else all whose environment is found.",
            rich_help_panel=WHAT,
        ),
    ] = field(default_factory=list)
    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change a setting of the scenario; repeatable.",
            rich_help_panel=WHAT,
        ),
    ] = field(default_factory=list)
    counted_fit: Annotated[
        str | None,
        typer.Option(
            "--fit",
            metavar="FIT",
            help="Of a script: the call of fit that counts, by its number or its model's name. "
            "Default: the last one.",
            rich_help_panel=WHAT,
        ),
    ] = None
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="Of a script: the metric that is its quality. Default: that of the last evaluate, "
            "else of the last validation, else the training loss.",
            rich_help_panel=WHAT,
        ),
    ] = None
    timeout_s: Annotated[float, values.timeout_option(defaults.TIMEOUT_S)] = defaults.TIMEOUT_S
    device: Annotated[
        str,
        typer.Option(
            "--device",
            metavar="NAME",
            help="auto, cpu or gpu.",
            rich_help_panel=MACHINE,
            autocompletion=completion.devices,
        ),
    ] = "auto"
    threads: Annotated[
        str | None,
        typer.Option(
            "--threads",
            metavar="NUMBER",
            help="CPU threads; auto leaves them to the framework, which is the default.",
            rich_help_panel=MACHINE,
        ),
    ] = None
    memory_limit_bytes: Annotated[
        float | None,
        typer.Option(
            "--memory-limit",
            metavar="SIZE",
            help="End a process whose resident set passes this, such as 16GB; its record says so, "
            "and the others go on.",
            rich_help_panel=MACHINE,
            **values.reading("size_bytes", "--memory-limit"),
        ),
    ] = None
    environments: Environments = field(default_factory=list)
    beside: Annotated[
        list[str],
        typer.Option(
            "--with",
            metavar="REQUIREMENTS",
            help="Run in environments that have these packages too, such as "
            "tensorflow-cpu,tensorflow-datasets; repeatable. They are made where there are none.",
            rich_help_panel=MACHINE,
        ),
    ] = field(default_factory=list)
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            "-y",
            help="Make the environments that are missing without asking.",
            rich_help_panel=MACHINE,
        ),
    ] = False
    pass_env: Annotated[
        list[str],
        typer.Option(
            "--pass-env",
            metavar="NAME",
            help="Let trials see this environment variable; repeatable.",
            rich_help_panel=MACHINE,
        ),
    ] = field(default_factory=list)
    with_host: Annotated[
        bool,
        typer.Option(
            "--with-host",
            help="Keep the machine's name in the records; without it, a hash of it.",
            rich_help_panel=MACHINE,
        ),
    ] = False
    wait: Annotated[
        bool,
        typer.Option(
            "--wait/--no-wait",
            help="If another campaign measures on this machine, wait for its end.",
            rich_help_panel=MACHINE,
        ),
    ] = True
    results: Annotated[
        Path,
        typer.Option(
            "--results",
            metavar="FOLDER",
            help="The campaign's folder, for its records.",
            rich_help_panel=WHERE,
        ),
    ] = DEFAULT_FOLDER
    source: Annotated[
        str,
        typer.Option(
            "--source",
            autocompletion=completion.sources,
            metavar="NAME",
            help="Where the ratings come from; see `harness data`.",
            rich_help_panel=WHERE,
        ),
    ] = "auto"
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="One JSON document on standard output, the rest on standard error.",
            rich_help_panel=OUTPUT,
        ),
    ] = False


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CampaignRequest(OnCluster, Request):
    """What ``harness run`` and ``harness sweep`` were asked."""

    usual_seeds: ClassVar[str] = defaults.SEEDS
    """Where none are named and the number of rounds is fixed."""

    shares_points: ClassVar[bool] = False
    """Whether the machines of a cluster share the points, where each could measure all."""

    until_known: ClassVar[bool] = True
    """Whether the intervals and a limit of time decide where nobody says how long to go on."""

    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change a setting of the scenario; repeatable. NAME=A,B measures both.",
            rich_help_panel=WHAT,
        ),
    ] = field(default_factory=list)
    threads: Annotated[
        str | None,
        typer.Option(
            "--threads",
            metavar="NUMBERS",
            help="CPU threads, such as 2, or 1,2 for both; auto leaves them to the framework, "
            "which is the default.",
            rich_help_panel=MACHINE,
        ),
    ] = None
    modes: Annotated[
        str,
        typer.Option(
            "--mode",
            autocompletion=completion.modes,
            metavar="NAMES",
            help="How training runs, separated by commas: fit (as the tutorial does), tuned "
            "(Keras' best settings), custom_loop (the Keras model in the framework's own loop), "
            "native (no Keras).",
            rich_help_panel=WHAT,
        ),
    ] = "fit"
    inits: Annotated[
        str,
        typer.Option(
            "--init",
            autocompletion=completion.inits,
            metavar="NAMES",
            help="Initial weights: common (drawn once from the seed, alike on every backend) or "
            "keras (each backend's own).",
            rich_help_panel=WHAT,
        ),
    ] = "common"
    seeds: Annotated[
        str | None,
        values.seeds_option(
            f"{defaults.ADAPTIVE_SEEDS}, or {defaults.SEEDS} with --repetitions",
            " Without --rounds, --precision or --budget there is a round for each.",
        ),
    ] = None
    rounds: Annotated[
        int | None,
        values.number(
            "--rounds",
            "Run so many, whatever the intervals; a verdict needs at least 4. Default: until the "
            f"ratio of every pair is known to {defaults.PRECISION:.0%} (of two versions of a "
            f"backend to {defaults.PRECISION_OF_VERSIONS:.0%}), for "
            f"{values.spelled(defaults.LIMIT_S)} at most.",
            HOW_LONG,
            most=10_000,
        ),
    ] = None
    precision: Annotated[
        float | None,
        values.share(
            "--precision",
            "Go on until the ratio of every pair of backends is known to this, such as 2%.",
        ),
    ] = None
    budget_s: Annotated[
        float | None,
        values.duration(
            "--budget",
            "Begin no round that would not end within this time of the whole command, such as "
            f"5m. Default with --precision: {values.spelled(defaults.BUDGET_S)}.",
        ),
    ] = None
    margin: Margin = defaults.MARGIN
    repetitions: Annotated[
        int | None,
        values.number(
            "--repetitions",
            "Rounds of each seed, 1 if not given; not with --rounds or --precision.",
            HOW_LONG,
            most=10_000,
        ),
    ] = None
    time_budget_s: Annotated[
        float | None,
        values.duration(
            "--time-budget",
            "Timed training in each trial, after the epochs that quality needs. Default: "
            f"{defaults.ADAPTIVE_TIME_BUDGET_S:g}s, since more processes show more; "
            f"{defaults.TIME_BUDGET_S:g}s where --seeds or --repetitions fix the rounds.",
            zero=True,
        ),
    ] = None
    turns: Annotated[
        Literal["on", "off"],
        typer.Option(
            "--turns",
            metavar="on|off",
            help="Whether the processes of a round are alive at once and take turns, epoch by "
            "epoch, as far as memory allows; off runs them one after the other.",
            rich_help_panel=HOW_LONG,
        ),
    ] = "on"
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the campaign in the folder: give the options that it was begun with. "
            "Records of another scenario source or version, data or package versions do not "
            "count, and trials that left no measurement are measured again.",
            rich_help_panel=WHERE,
        ),
    ] = False
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show the plan and how long it takes, and stop.",
            rich_help_panel=OUTPUT,
        ),
    ] = False

    @property
    def typed_again(self) -> TypedAgain:
        """What the next command needs as it was typed for this one."""
        found: list[tuple[str, ...]] = [("--env", one) for one in self.environments]
        found += [("--with", one) for one in self.beside]
        found += [("--pass-env", one) for one in self.pass_env]
        if self.results != DEFAULT_FOLDER:
            found.append(("--results", str(self.results)))
        return TypedAgain(self.scenario, [*found, *self.typed_for_cluster])

    @property
    def swept(self) -> Mapping[str, str]:
        """The values of each axis of ``harness sweep`` that becomes a setting, as typed."""
        return {}

    @property
    def adaptive(self) -> bool:
        """Whether intervals or the clock end the campaign, and not a number of rounds."""
        return self.precision is not None or self.budget_s is not None or self.left_open

    @property
    def left_open(self) -> bool:
        """Whether nobody says how long to go on, so that an answer ends the campaign."""
        how_long = (self.seeds, self.rounds, self.precision, self.budget_s, self.repetitions)
        return self.until_known and not any(given is not None for given in how_long)
