"""Options that several subcommands share, each with its help, so that they read alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Scenario = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="What to train; `harness list` shows them.")
]
Backends = Annotated[
    list[str] | None,
    typer.Option(
        "--backend",
        metavar="NAMES",
        help="jax, tf (tensorflow), torch, separated by commas. Default: KERAS_BACKEND if it "
        "is set, else all whose environment is found.",
    ),
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu or gpu.", metavar="NAME")]
Modes = Annotated[
    str,
    typer.Option(
        "--mode",
        metavar="NAMES",
        help="How training runs, separated by commas: fit (as the tutorial does), tuned (Keras' "
        "best settings), custom_loop (the Keras model in the framework's own loop), native (no "
        "Keras).",
    ),
]
Inits = Annotated[
    str,
    typer.Option(
        "--init",
        metavar="NAMES",
        help="Initial weights: common (drawn once from the seed, alike on every backend) or "
        "keras (each backend's own).",
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        "--precision",
        metavar="SHARE",
        help="Go on until the ratio of every pair of backends is known to this, such as 2%; "
        "with it the number of rounds is left to the intervals.",
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(
        "--budget",
        metavar="DURATION",
        help="Begin no round that would not end within this time of the whole command, such "
        "as 5m. Default with --precision: 10m.",
    ),
]
Margin = Annotated[
    str,
    typer.Option(
        "--margin", metavar="SHARE", help="Smallest difference in speed that matters to you."
    ),
]
Repetitions = Annotated[
    int | None,
    typer.Option(
        "--repetitions",
        min=1,
        max=10_000,
        help="Rounds of each seed, 1 if not given; not with --precision.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Change a setting of the scenario; repeatable. NAME=A,B measures both.",
    ),
]
TimeBudget = Annotated[
    float | None,
    typer.Option(
        "--time-budget",
        min=0.0,
        max=86_400.0,
        metavar="SECONDS",
        help="Timed training in each trial, after the epochs that quality needs. Default: 5, "
        "or 0.25 with --precision or --budget, where further processes tell more.",
    ),
]
Timeout = Annotated[
    float,
    typer.Option("--timeout", min=0.1, metavar="SECONDS", help="After which a trial is ended."),
]
MemoryLimit = Annotated[
    str | None,
    typer.Option(
        "--memory-limit",
        metavar="SIZE",
        help="End a trial whose resident set passes this, such as 16GB; its record says so, and "
        "the others go on.",
    ),
]
Threads = Annotated[
    str | None,
    typer.Option(
        "--threads",
        metavar="NUMBERS",
        help="CPU threads, such as 2, or 1,2 for both; auto leaves them to the framework, which "
        "is the default.",
    ),
]
Environments = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        metavar="BACKEND=PATH",
        help="The Python, or the environment's folder, that serves a backend; repeatable. "
        "Default: this one if it can, else .tox/jax, .tox/tf, .tox/torch.",
    ),
]
PassEnv = Annotated[
    list[str] | None,
    typer.Option(
        "--pass-env",
        metavar="NAME",
        help="Let trials see this environment variable; repeatable.",
    ),
]
Results = Annotated[
    Path,
    typer.Option("--results", metavar="FOLDER", help="The campaign's folder, for its records."),
]
Source = Annotated[
    str,
    typer.Option(
        "--source", metavar="NAME", help="Where the ratings come from; see `harness data`."
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with the campaign in the folder: give the options that it was begun with. "
        "Records of another scenario source or version, data or package versions do not count, and "
        "trials that left no measurement are measured again.",
    ),
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait/--no-wait", help="If another campaign measures on this machine, wait for its end."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show the plan and how long it takes, and stop.")
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json", help="One JSON document on standard output, the rest on standard error."
    ),
]
