"""``harness anatomy``: where does the time of a ``fit`` step go?"""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import options

EPILOG = """
\b
Examples:
  harness anatomy ranking
  harness anatomy ranking --backend jax,tf,torch --processes 6
  harness anatomy ranking --set batch_size=4096 --backend torch
  harness anatomy ranking --set data=synthetic --steps 20 --json

\b
Exit codes:
  0 every backend was taken apart, and its parts add up to its step time
  within 10%; 1 they miss it by more, or a process left no measurement;
  2 a mistake in the command; 3 data, an environment, a device or the folder
  is missing; 130 Ctrl-C.
"""


def anatomy(
    scenario: options.Scenario,
    *,
    backend: options.Backends = None,
    device: options.Device = "auto",
    processes: Annotated[
        int,
        typer.Option(
            min=1,
            max=1_000,
            metavar="NUMBER",
            help="Fresh processes of each backend; from 4 on there are intervals.",
        ),
    ] = 4,
    rounds: Annotated[
        int,
        typer.Option(min=1, max=10_000, metavar="NUMBER", help="In each process."),
    ] = 6,
    steps: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="NUMBER",
            help="Of an epoch, if not all that the training set has: for large models.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, metavar="NUMBER", help="Of the initial weights.")
    ] = 42,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Change a setting of the scenario; repeatable."
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(min=1, max=4096, help="CPU threads. Default: the framework's own choice."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="After which a process is ended.")
    ] = 600.0,
    memory_limit: options.MemoryLimit = None,
    env: options.Environments = None,
    pass_env: options.PassEnv = None,
    results: options.Results = options.DEFAULT_RESULTS,
    source: options.Source = "auto",
    wait: options.Wait = True,
    as_json: options.AsJson = False,
) -> None:
    """Tell what input pipeline, Python, computation, optimizer and metrics take of a step.

    Keras' own fit is timed as it is, and without one thing after another, in interleaved rounds of
    one process; the difference of two neighbours is what the thing takes. Several processes tell
    how sure that is, and a second fit, whether the parts add up. docs/anatomy.md explains it.
    """
    # Imported here, so that `harness --help` does without everything that this needs.
    from harness.cli import anatomy_steps

    code = anatomy_steps.carry_out(
        anatomy_steps.Request(
            scenario=scenario,
            backends=backend or [],
            device=device,
            processes=processes,
            rounds=rounds,
            steps=steps,
            seed=seed,
            settings=settings or [],
            threads=threads,
            timeout_s=timeout,
            memory_limit=memory_limit,
            environments=env or [],
            pass_env=pass_env or [],
            results=results,
            source=source,
            wait=wait,
            as_json=as_json,
        )
    )
    raise typer.Exit(code)
