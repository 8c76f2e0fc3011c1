"""The options by which a command that trains runs on a cluster."""

# Without `from __future__ import annotations`: texts would have to be evaluated at every start.

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.command import CLUSTER

LOCAL = "local"
"""The launcher that needs no cluster."""

ClusterFile = Annotated[
    Path | None,
    typer.Option(
        "--cluster",
        metavar="FILE",
        help="A cluster.toml: address and certificates, or the jobs of a queueing system "
        "(docs/cluster.md).",
        rich_help_panel=CLUSTER,
    ),
]
Insecure = Annotated[
    bool,
    typer.Option(
        "--insecure",
        help="Use a network without encryption: whoever reaches the scheduler can run programs.",
        rich_help_panel=CLUSTER,
    ),
]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class OnCluster:
    """Where a command trains that can also train on a cluster."""

    launcher: Annotated[
        str,
        typer.Option(
            "--launcher",
            metavar="NAME",
            help="local, dask (a cluster that runs), or a queueing system: slurm, pbs, sge, lsf, "
            "htcondor, oar, moab.",
            rich_help_panel=CLUSTER,
        ),
    ] = LOCAL
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="Of --launcher dask, such as tcp://127.0.0.1:8786; `harness cluster up` starts "
            "one.",
            rich_help_panel=CLUSTER,
        ),
    ] = None
    cluster_file: ClusterFile = None
    exclusive: Annotated[
        bool,
        typer.Option(
            "--exclusive",
            help="Use one slot of each machine: several disturb each other.",
            rich_help_panel=CLUSTER,
        ),
    ] = False
    insecure: Insecure = False

    @property
    def typed_for_cluster(self) -> list[tuple[str, ...]]:
        """These options as they were typed, each with its value."""
        words = [] if self.launcher == LOCAL else [("--launcher", self.launcher)]
        words += [("--scheduler", self.scheduler)] if self.scheduler else []
        words += [("--cluster", str(self.cluster_file))] if self.cluster_file else []
        return [*words, *[("--exclusive",)] * self.exclusive, *[("--insecure",)] * self.insecure]


ON_CLUSTER = frozenset(OnCluster.__dataclass_fields__)
"""The names of these options."""
