"""The command line: one subcommand per module; it parses, calls and prints."""

from __future__ import annotations

import errno
import sys
from typing import Annotated, NoReturn

import typer

from harness import __version__
from harness.cli import (
    anatomy,
    compare,
    data,
    doctor,
    env,
    exit_codes,
    export,
    findings,
    merge,
    parity,
    report,
    run,
    spelling,
    sweep,
)
from harness.cli import list as list_
from harness.cli.command import Command
from harness.errors import ExitCode, GateCode, HarnessError

EPILOG = f"""
Examples:

\b
  harness doctor                                   is this machine fit?
  harness data prepare                             get the ratings, once
  harness env make jax tf torch                    environments of its own
  harness run ranking --backend jax,tf,torch       measure all three in turns
  harness run ranking --precision 3% --budget 10m  until intervals are narrow
  harness run ranking --seeds 42-46 --dry-run      what would run, how long?
  harness sweep ranking --batch-size 256,1000      how does a step grow?
  harness report results/local                     all records as one report
  harness compare results/before results/after     slower, or less accurate?
  harness parity ranking                           is it the same model?
  harness anatomy ranking                          where does the time go?
  harness findings results/local                   what Keras costs
  harness export results/local --format all --output exports
  harness merge results/a results/b --into results/c

\b
Exit codes, which docs/exit-codes.md tells for every command:
{exit_codes.lines(ExitCode, GateCode)}
"""

app = typer.Typer(
    name="harness",
    help="Train the same Keras model on JAX, TensorFlow and PyTorch, and measure it well.",
    epilog=EPILOG,
    no_args_is_help=True,
    # Typer's rich help costs a quarter of a second, and its tracebacks hide the line that matters.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        # Imported here, so that another command does not wait for it.
        from harness.probe.software import provenance

        here = provenance()
        commit, changed = here.commit, ", with changes" if here.dirty else ""
        behind = f" (commit {commit[:12]}{changed})" if commit else ""
        typer.echo(f"harness {__version__}{behind}")
        raise typer.Exit


@app.callback()
def _global(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version, and in a checkout the commit.",
            callback=_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Options that come before a subcommand."""


app.command(cls=Command, epilog=run.EPILOG)(run.run)
app.command(cls=Command, epilog=sweep.EPILOG)(sweep.sweep)
app.command(cls=Command)(report.report)
app.command(cls=Command, epilog=findings.EPILOG)(findings.findings)
app.command(cls=Command, epilog=export.EPILOG)(export.export)
app.command(cls=Command, epilog=merge.EPILOG)(merge.merge)
app.command(cls=Command, epilog=compare.EPILOG)(compare.compare)
app.command(cls=Command, epilog=parity.EPILOG)(parity.parity)
app.command(cls=Command, epilog=anatomy.EPILOG)(anatomy.anatomy)
app.add_typer(data.app, name="data")
app.add_typer(env.app, name="env")
app.command(cls=Command, name="list")(list_.list_)
app.command(cls=Command)(doctor.doctor)


def main() -> None:
    """Run the ``harness`` command; a user's mistake ends with its message and no traceback."""
    spelling.spell()
    try:
        app()
    except HarnessError as error:
        _end_with(str(error), error.exit_code)
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC}:
            raise  # a fault of the harness, unless somebody's disk or rights say otherwise
        _end_with(f"{error.filename or 'a file'}: {error.strerror}", ExitCode.UNAVAILABLE)


def _end_with(message: str, code: ExitCode) -> NoReturn:
    # Imported here, so that a command that goes well does not wait for it.
    from harness.report import format as fmt

    sys.stdout.flush()
    for line in f"harness: {message}".split("\n"):
        # It may quote what a child printed, or a line of a user's file.
        typer.echo(fmt.plain(line, limit=4_000), err=True)
    sys.exit(int(code))
