"""``harness bisect``: which version of a package made it slower?"""

# Without `from __future__ import annotations`: texts would have to be evaluated at every start.

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import completion, fields, options
from harness.cli.cluster_options import ON_CLUSTER
from harness.cli.command import MACHINE, WHAT, WHERE

EPILOG = """
\b
Rules of --fail-on, as of `harness compare`:
  slower:5%      a step takes more than 5% longer, the whole interval
  worse:0.002    the metric is worse by more than 0.002, the whole interval
  memory:10%     peak memory grew by more than 10%, the whole interval
  missing        it leaves no measurement; else such a version is skipped

\b
Examples:
  harness bisect train.py --backend jax --package keras \\
      --good 3.12.0 --bad 3.15.1 --fail-on slower:5%
  harness bisect ranking --backend jax --package jax --good 0.8.0 --bad 0.10.2

\b
Exit codes:
    0  one version is the first bad one, or --dry-run
    1  the bad version keeps the limits: there is nothing to look for
    2  a mistake in the command
    3  the good version, an environment, data or the folder is missing
    4  a record was kept elsewhere
   14  no verdict on the bad version, or several may be the first bad one
  130  Ctrl-C; the same command goes on
"""

DEFAULT_FOLDER = Path("results/bisect")

RULES = "slower:5%"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class BisectRequest(options.CampaignRequest):
    """What ``harness bisect`` was asked."""

    package: Annotated[
        str,
        typer.Option(
            "--package",
            metavar="NAME",
            help="The package whose versions are tried, such as keras.",
            rich_help_panel=WHAT,
        ),
    ]
    good: Annotated[
        str,
        typer.Option("--good", metavar="VERSION", help="The version before.", rich_help_panel=WHAT),
    ]
    bad: Annotated[
        str,
        typer.Option("--bad", metavar="VERSION", help="The version after.", rich_help_panel=WHAT),
    ]
    fail_on: Annotated[
        list[str],
        typer.Option(
            "--fail-on",
            metavar="RULES",
            help=f"What makes a version bad. Default: {RULES}.",
            rich_help_panel=WHAT,
        ),
    ] = field(default_factory=list)
    backends: Annotated[
        list[str],
        typer.Option(
            "--backend",
            autocompletion=completion.backends,
            metavar="NAME",
            help="jax, tf (tensorflow) or torch. Default: KERAS_BACKEND if it is set.",
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
    modes: Annotated[
        str,
        typer.Option(
            "--mode",
            autocompletion=completion.modes,
            metavar="NAME",
            help="How training runs: fit, tuned, custom_loop or native.",
            rich_help_panel=WHAT,
        ),
    ] = "fit"
    threads: Annotated[
        str | None,
        typer.Option(
            "--threads",
            metavar="NUMBER",
            help="CPU threads; auto leaves them to the framework, which is the default.",
            rich_help_panel=MACHINE,
        ),
    ] = None
    results: Annotated[
        Path,
        typer.Option(
            "--results",
            metavar="FOLDER",
            help="For the log and a campaign for each version; the same command goes on there.",
            rich_help_panel=WHERE,
        ),
    ] = DEFAULT_FOLDER


@fields.command(BisectRequest, without={"environments", "resume", "margin", *ON_CLUSTER})
def bisect(request: BisectRequest) -> None:
    """Find the first version of a package that made training slower.

    Each step measures a version beside the good one, interleaved, in environments that are made for
    it, as `harness run --env NAME=REQUIREMENTS` does. The bad version comes first; then the one in
    the middle of those that are left. The versions are those that pip finds, without pre-releases.
    """
    # Imported here, so that `harness --help` does without everything that this needs.
    from harness.cli import bisection

    raise typer.Exit(bisection.carry_out(request))
