"""``harness sweep``: measure along one or several axes, and tell how step time and memory grow."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import options
from harness.cli.folder import DEFAULT_FOLDER
from harness.errors import HarnessError

EPILOG = """
\b
Examples:
  harness sweep ranking --batch-size 256,1000,4096,16384
  harness sweep ranking --embedding-rows 10000,100000,1000000,10000000 --memory-limit 16GB
  harness sweep ranking --dtype-policy float32,mixed_bfloat16 --threads 1,2 --seeds 42-46
  harness sweep ranking --embedding-size 16,32,64 --backend jax --mode fit --dry-run

\b
Exit codes:
  those of `harness run`: 0 every point was measured; 1 one failed, by want
  of memory perhaps, and is a record all the same; 2 a mistake in the command;
  3 something is missing; 4 a record was kept elsewhere; 130 Ctrl-C.
"""

DEFAULT_SEEDS = "42"
"""One process for each point, since the others on the curve tell how far it can be trusted."""

TIMEOUT_S = 3600.0
"""At ten million embedding rows a step takes a thousand times as long as at ten thousand."""


def sweep(
    scenario: options.Scenario,
    *,
    batch_size: Annotated[
        str | None, typer.Option(metavar="VALUES", help="Examples in a batch, such as 256,1000.")
    ] = None,
    embedding_rows: Annotated[
        str | None,
        typer.Option(
            metavar="VALUES",
            help="Rows of the large embedding table; on synthetic data, with one epoch and few "
            "batches unless --epochs or --set say otherwise.",
        ),
    ] = None,
    embedding_size: Annotated[
        str | None, typer.Option(metavar="VALUES", help="Columns of the embedding tables.")
    ] = None,
    dtype_policy: Annotated[
        str | None,
        typer.Option(
            metavar="VALUES",
            help="What is computed in, by Keras' name: float32, mixed_bfloat16. It is the setting "
            "`precision`; the option --precision is how narrow an interval shall be.",
        ),
    ] = None,
    threads: options.Threads = None,
    epochs: Annotated[
        str | None, typer.Option(metavar="VALUES", help="Epochs until the quality is taken.")
    ] = None,
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
            help="Such as 1,2,3 or 1-5; one for each round, in turn. Default: 42, or 42-61 with "
            "--precision or --budget. Several are needed for a verdict at each point.",
        ),
    ] = None,
    repetitions: options.Repetitions = None,
    settings: options.Settings = None,
    time_budget: options.TimeBudget = None,
    timeout: options.Timeout = TIMEOUT_S,
    memory_limit: options.MemoryLimit = None,
    env: options.Environments = None,
    pass_env: options.PassEnv = None,
    results: options.Results = DEFAULT_FOLDER,
    source: options.Source = "auto",
    resume: options.Resume = False,
    wait: options.Wait = True,
    dry_run: options.DryRun = False,
    as_json: options.AsJson = False,
) -> None:
    """Measure along one or several axes, every combination of their values.

    It is `harness run` with a set of settings for each point: the trials of all points and backends
    are interleaved in rounds, each leaves one record, and the rest goes on after one that failed.
    At the end stands how step time and peak memory grow with each axis of numbers: the part that is
    fixed, the part that comes with each unit, and how well that line holds. docs/sweeps.md explains
    it.
    """
    # Imported here, so that `harness --help` does without everything that this needs.
    from harness.cli import campaign
    from harness.cli.asking import Request

    named = {
        "batch_size": batch_size,
        "embedding_rows": embedding_rows,
        "embedding_size": embedding_size,
        "dtype_policy": dtype_policy,
        "epochs": epochs,
    }
    swept = {axis: values for axis, values in named.items() if values is not None}
    if not swept and threads is None:
        raise HarnessError(
            "no axis is named: give values of one, such as --batch-size 256,1000,4096; "
            "`harness sweep --help` lists them"
        )
    adaptive = precision is not None or budget is not None
    code = campaign.carry_out(
        Request(
            scenario=scenario,
            backends=backend or [],
            device=device,
            modes=mode,
            inits=init,
            seeds=seeds or (None if adaptive else DEFAULT_SEEDS),
            repetitions=repetitions,
            precision=precision,
            budget=budget,
            margin=margin,
            settings=settings or [],
            swept=swept,
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
