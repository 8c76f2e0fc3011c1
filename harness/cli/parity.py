"""``harness parity``: is it the same model on every backend?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EPILOG = """
\b
Examples:
  harness parity ranking
  harness parity ranking --set optimizer=adam --set learning_rate=0.001
  harness parity ranking --backend jax,torch --seed 7 --all
  harness parity ranking --env tf=~/envs/tf-nightly --json

\b
Exit codes:
  0 the same model on every pair of backends, known behaviours of Keras told;
  1 a pair deviates, or a backend could not be trained; 2 a mistake in the
  command; 3 data, an environment, a device or the folder is missing;
  130 Ctrl-C.
"""


def parity(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="What to train; `harness list` shows them.")
    ],
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
    device: Annotated[str, typer.Option(help="auto, cpu or gpu.", metavar="NAME")] = "auto",
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
        typer.Option(metavar="NAME", help="Let it see this environment variable; repeatable."),
    ] = None,
    results: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The campaign's folder, for the records.")
    ] = Path("results/local"),
    source: Annotated[
        str,
        typer.Option(metavar="NAME", help="Where the ratings come from; see `harness data`."),
    ] = "auto",
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait for a campaign that measures here.")
    ] = True,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Show every variable and slot, and how much each changed."),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="One JSON document on standard output, the rest on standard error."
        ),
    ] = False,
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
            seed=seed,
            settings=settings or [],
            perturbations=perturbations,
            threads=threads,
            timeout_s=timeout,
            environments=env or [],
            pass_env=pass_env or [],
            results=results,
            source=source,
            wait=wait,
            everything=everything,
            as_json=as_json,
        )
    )
    raise typer.Exit(code)
