"""``harness parity``: is it the same model on every backend?"""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli import options

EPILOG = """
\b
Examples:
  harness parity ranking
  harness parity ranking --set optimizer=adam --set learning_rate=0.001
  harness parity ranking --backend jax,torch --seed 7 --all
  harness parity ranking --mode fit,tuned,custom_loop,native
  harness parity ranking --set initial_accumulator_value=1e-6 --allow sparse-duplicates
  harness parity ranking --env tf=~/envs/tf-nightly --json

\b
Exit codes:
  0 the same model on every pair of backends, known behaviours of Keras told;
  1 a pair deviates or cannot be told, or a backend could not be trained;
  2 a mistake in the command; 3 data, an environment, a device or the folder
  is missing; 130 Ctrl-C.
"""


def parity(
    scenario: options.Scenario,
    *,
    backend: Annotated[
        list[str] | None,
        typer.Option(
            "--backend",
            metavar="NAMES",
            help="jax, tf (tensorflow), torch, separated by commas; two or more. Default: all "
            "whose environment is found.",
        ),
    ] = None,
    device: options.Device = "auto",
    mode: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="How training runs: fit, tuned, custom_loop, native; of several each is compared "
            "on every backend, and with the others of its backend.",
        ),
    ] = "fit",
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, metavar="NUMBER", help="Of the initial weights.")
    ] = 42,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Change a setting of the scenario; repeatable."
        ),
    ] = None,
    perturbations: Annotated[
        int,
        typer.Option(
            min=1,
            max=100,
            metavar="NUMBER",
            help="Moved trainings of each backend, which measure how far it drifts from itself.",
        ),
    ] = 4,
    threads: Annotated[
        int | None,
        typer.Option(min=1, max=4096, help="CPU threads. Default: the framework's own choice."),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(min=0.1, metavar="SECONDS", help="After which a backend's process is ended."),
    ] = 600.0,
    memory_limit: options.MemoryLimit = None,
    env: options.Environments = None,
    pass_env: options.PassEnv = None,
    results: options.Results = options.DEFAULT_RESULTS,
    source: options.Source = "auto",
    wait: options.Wait = True,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            metavar="NAME",
            help="A known behaviour of Keras that may change the test metric: sparse-duplicates; "
            "repeatable.",
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Show every variable and slot, and how much each changed."),
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Tell whether every backend trains the same model, and where it parts if not.

    Each backend starts from the same weights and sees the same batches. Gradients, variables,
    optimizer slots, losses and the test metric are compared on every pair, against round-off as
    it is measured: how far a backend drifts from itself when its weights are moved by one unit in
    the last place. docs/parity.md explains it.
    """
    # Imported here, so that `harness --help` does without everything that this needs.
    from harness.cli import parity_steps

    code = parity_steps.carry_out(
        parity_steps.Request(
            scenario=scenario,
            backends=backend or [],
            device=device,
            modes=mode,
            seed=seed,
            settings=settings or [],
            perturbations=perturbations,
            threads=threads,
            timeout_s=timeout,
            memory_limit=memory_limit,
            environments=env or [],
            pass_env=pass_env or [],
            results=results,
            source=source,
            wait=wait,
            allow=allow or [],
            everything=everything,
            as_json=as_json,
        )
    )
    raise typer.Exit(code)
