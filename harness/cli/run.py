"""``harness run``: measure a scenario on the backends that are there."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import options
from harness.cli.folder import DEFAULT_FOLDER

EPILOG = """
\b
Examples:
  harness run ranking
  harness run ranking --backend jax,tf,torch --precision 2% --budget 5m
  harness run ranking --backend jax,tf,torch --precision 2% --budget 5m --resume
  harness run ranking --backend jax,tf,torch --seeds 42-46 --results results/laptop
  harness run ranking --backend jax --set batch_size=1000,4096 --set epochs=10
  harness run ranking --mode fit,tuned,custom_loop,native --precision 3% --budget 20m
  harness run ranking --backend torch --env torch=~/envs/torch --threads 4

\b
Exit codes:
  0 all trials measured; 1 at least one did not, or a cell was refused;
  2 a mistake in the command, or nothing but refused cells;
  3 data, an environment, a device or the folder is missing, or another
  campaign measures (--no-wait); 4 a record was kept elsewhere; 130 Ctrl-C.
"""


def run(
    scenario: options.Scenario,
    *,
    backend: options.Backends = None,
    device: options.Device = "auto",
    mode: options.Modes = "fit",
    init: options.Inits = "common",
    precision: options.Precision = None,
    budget: options.Budget = None,
    margin: options.Margin = "2%",
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="SEEDS",
            help="Such as 1,2,3 or 1-5; one for each round, in turn. Default: 42-44, or 42-61 "
            "with --precision or --budget.",
        ),
    ] = None,
    repetitions: options.Repetitions = None,
    settings: options.Settings = None,
    time_budget: options.TimeBudget = None,
    timeout: options.Timeout = 600.0,
    memory_limit: options.MemoryLimit = None,
    threads: options.Threads = None,
    env: options.Environments = None,
    pass_env: options.PassEnv = None,
    results: options.Results = DEFAULT_FOLDER,
    source: options.Source = "auto",
    resume: options.Resume = False,
    wait: options.Wait = True,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Measure a scenario, one fresh process per trial.

    A round is one trial of every backend (and mode, and setting) with one seed, in shuffled order.
    Each trial leaves one record under --results, also when it fails; the others go on. Ctrl-C ends
    the running trial, keeps what there is, and shows it. With --precision or --budget there are as
    many rounds as it takes; the width of the intervals decides, never whether a difference shows.
    """
    # Imported here, so that `harness --help` does without everything that this needs.
    from harness.cli import campaign
    from harness.cli.asking import Request

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
            memory_limit=memory_limit,
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
