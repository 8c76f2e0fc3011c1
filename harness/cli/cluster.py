"""``harness cluster``: slots on this machine, in which campaigns measure."""

# Without `from __future__ import annotations`: texts would have to be evaluated at every start.

from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli import values
from harness.cli.cluster_options import ClusterFile, Insecure
from harness.cli.command import CLUSTER, Command

app = typer.Typer(
    help="Slots for campaigns on several machines.", no_args_is_help=True, rich_markup_mode=None
)

Slots = Annotated[
    int,
    values.number(
        "--slots",
        "Each has CPUs of its own, and a GPU where there are several; in each one process measures "
        "at a time.",
        CLUSTER,
        most=1_000,
    ),
]


def _port(option: str, help_: str) -> Any:
    return values.number(option, help_, CLUSTER, least=0, most=65_535)


@app.command(cls=Command)
def up(  # noqa: PLR0917 - Typer's options
    slots: Slots = 1,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="ADDRESS",
            help="That the scheduler listens on.",
            rich_help_panel=CLUSTER,
        ),
    ] = "127.0.0.1",
    port: Annotated[int, _port("--port", "Of the scheduler; 0 for any that is free.")] = 8786,
    dashboard_port: Annotated[int, _port("--dashboard-port", "Of Dask's own page.")] = 8787,
    cluster_file: ClusterFile = None,
    insecure: Insecure = False,
) -> None:
    """Start a scheduler and slots on this machine.

    They stay until Ctrl-C. The machine is then the cluster's: other campaigns on it wait.

    \b
    Examples:
      harness cluster up --slots 2
      harness run ranking --launcher dask --scheduler tcp://127.0.0.1:8786

    Exit codes: 0 after Ctrl-C; 2 a mistake in the command; 3 a port is taken, or a library is
    missing.
    """  # noqa: D301  click wants the real control character
    from harness.launch.cluster import specification

    scheme = "tls" if _has_tls(cluster_file) else "tcp"
    found = specification.specify(
        "dask",
        scheduler=f"{scheme}://{host}:{port or 1}",
        file=cluster_file,
        insecure=insecure,
    )
    _serve(slots, None, host=host, port=port, dashboard_port=dashboard_port, tls=found.tls)


@app.command(cls=Command)
def join(
    address: Annotated[
        str,
        typer.Argument(metavar="ADDRESS", help="Of the scheduler, such as tls://head:8786."),
    ],
    slots: Slots = 1,
    cluster_file: ClusterFile = None,
    insecure: Insecure = False,
) -> None:
    """Offer slots of this machine to a scheduler.

    They stay until Ctrl-C; the scheduler may be on another machine.

    Exit codes: 0 after Ctrl-C; 2 a mistake in the command; 3 the scheduler does not answer, or a
    library is missing.
    """
    from harness.launch.cluster import specification

    found = specification.specify("dask", scheduler=address, file=cluster_file, insecure=insecure)
    _serve(slots, address, tls=found.tls)


def _has_tls(file: Path | None) -> bool:
    from harness.launch.cluster import specification

    return file is not None and specification.has_tls(file)


def _serve(slots: int, address: str | None, **how: object) -> None:
    import threading

    from harness import probe
    from harness.launch.cluster import serve
    from harness.launch.interrupts import ends_as_interrupt
    from harness.launch.lock import only_campaign
    from harness.probe.cpu import usable
    from harness.words import count

    cpus = usable()
    mine = serve.own_slots(slots, cpus=cpus, gpus=len(probe.gpus()))
    try:
        with (
            ends_as_interrupt(),
            only_campaign(wait=False, say=typer.echo),
            serve.serving(mine, address=address, **how) as cluster,  # type: ignore[arg-type]
        ):
            if slots > len(cpus):
                typer.echo(
                    f"{slots} slots on {count(len(cpus), 'CPU')} slow each other down: --slots "
                    f"{len(cpus)} gives each its own"
                )
            there = ", ".join(f"{one.name} (CPU {','.join(map(str, one.cpus))})" for one in mine)
            at = address or cluster.scheduler_address
            typer.echo(f"{count(slots, 'slot')} at {at}: {there}")
            if address is None:
                typer.echo(f"dashboard: {cluster.dashboard_link}")
                typer.echo(f"measure: harness run ranking --launcher dask --scheduler {at}")
            typer.echo("Ctrl-C ends it")
            threading.Event().wait()
    except KeyboardInterrupt:
        typer.echo("ended")
