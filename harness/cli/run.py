"""``harness run``: measure a scenario on the backends that are there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EPILOG = """
\b
Examples:
  harness run ranking
  harness run ranking --backend jax,tf,torch --precision 2% --budget 5m
  harness run ranking --backend jax,tf,torch --precision 2% --budget 5m --resume
  harness run ranking --backend jax,tf,torch --seeds 42-46 --results results/laptop
  harness run ranking --backend jax --set batch_size=1000,4096 --set epochs=10
  harness run ranking --backend torch --env torch=~/envs/torch --threads 4

\b
Exit codes:
  0 all trials measured; 1 at least one did not; 2 a mistake in the command;
  3 data, an environment, a device or the folder is missing, or another
  campaign measures (--no-wait); 4 a record was kept elsewhere; 130 Ctrl-C.
"""

DEFAULT_RESULTS = Path("results/local")


def run(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="What to train; `harness list` shows them.")
    ],
    *,
    backend: Annotated[
        list[str] | None,
        typer.Option(
            "--backend",
            metavar="NAMES",
            help="jax, tf (tensorflow), torch, separated by commas. Default: KERAS_BACKEND if it "
            "is set, else all whose environment is found.",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or gpu.", metavar="NAME")] = "auto",
    mode: Annotated[
        str, typer.Option(help="How training runs: fit, as the tutorial does.", metavar="NAMES")
    ] = "fit",
    init: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Initial weights: common (drawn once from the seed, alike on every backend) or "
            "keras (each backend's own).",
        ),
    ] = "common",
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="Go on until the ratio of every pair of backends is known to this, such as 2%; "
            "with it the number of rounds is left to the intervals.",
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Begin no round that would not end within this time of the whole command, such "
            "as 5m. Default with --precision: 10m.",
        ),
    ] = None,
    margin: Annotated[
        str,
        typer.Option(metavar="SHARE", help="Smallest difference in speed that matters to you."),
    ] = "2%",
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="SEEDS",
            help="Such as 1,2,3 or 1-5; one for each round, in turn. Default: 42-44, or 42-61 "
            "with --precision or --budget.",
        ),
    ] = None,
    repetitions: Annotated[
        int | None,
        typer.Option(
            min=1, max=10_000, help="Rounds of each seed, 1 if not given; not with --precision."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Change a setting of the scenario; repeatable. NAME=A,B measures both.",
        ),
    ] = None,
    time_budget: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=86_400.0,
            metavar="SECONDS",
            help="Timed training in each trial, after the epochs that quality needs. Default: 5, "
            "or 0.25 with --precision or --budget, where further processes tell more.",
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(min=0.1, metavar="SECONDS", help="After which a trial is ended."),
    ] = 600.0,
    threads: Annotated[
        int | None,
        typer.Option(min=1, max=4096, help="CPU threads. Default: the framework's own choice."),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BACKEND=PATH",
            help="The Python, or the environment's folder, that serves a backend; repeatable. "
            "Default: this one if it can, else .tox/jax, .tox/tf, .tox/torch.",
        ),
    ] = None,
    pass_env: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Let trials see this environment variable; repeatable."),
    ] = None,
    results: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="The campaign's folder, for its records."),
    ] = DEFAULT_RESULTS,
    source: Annotated[
        str,
        typer.Option(metavar="NAME", help="Where the ratings come from; see `harness data`."),
    ] = "auto",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on with the campaign in the folder: give the options that it was begun with. "
            "Records of another scenario version, data or package versions do not count.",
        ),
    ] = False,
    wait: Annotated[
        bool,
        typer.Option(help="If another campaign measures on this machine, wait for its end."),
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan and how long it takes, and stop.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="One JSON document on standard output, the rest on standard error."
        ),
    ] = False,
) -> None:
    """Measure a scenario, one fresh process per trial.

    A round is one trial of every backend (and mode, and setting) with one seed, in shuffled order.
    Each trial leaves one record under --results, also when it fails; the others go on. Ctrl-C ends
    the running trial, keeps what there is, and shows it. With --precision or --budget there are as
    many rounds as it takes; the width of the intervals decides, never whether a difference shows.
    """
    # Imported here, so that `harness --help` does without everything that this needs.
    from harness.cli import campaign
    from harness.cli.request import Request

    code = campaign.carry_out(
        Request(
            scenario=scenario,
            backends=backend or [],
            device=device,
            modes=mode,
            inits=init,
            seeds=seeds,
            repetitions=repetitions,
            precision=precision,
            budget=budget,
            margin=margin,
            settings=settings or [],
            time_budget_s=time_budget,
            timeout_s=timeout,
            threads=threads,
            environments=env or [],
            pass_env=pass_env or [],
            results=results,
            source=source,
            resume=resume,
            wait=wait,
            dry_run=dry_run,
            as_json=as_json,
        )
    )
    raise typer.Exit(code)
