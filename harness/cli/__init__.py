"""The command line: one subcommand per module; it parses, calls and prints."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from harness import __version__
from harness.cli import (
    anatomy,
    bisect,
    check,
    cluster,
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
    scenario,
    screen,
    spelling,
    sweep,
)
from harness.cli import list as list_
from harness.cli.command import CHECK, MEASURE, READ, SET_UP, Command, Group
from harness.errors import ExitCode, GateCode, HarnessError
from harness.words import plain

EPILOG = f"""
Examples:

\b
  harness doctor                                   is this machine fit?
  harness data prepare                             get the ratings, once
  harness env make jax tf torch                    environments of its own
  harness run ranking                              which backend is fastest?
  harness run ranking --precision 3% --budget 10m  until intervals are narrow
  harness run ranking --seeds 42-46 --dry-run      what would run, how long?
  harness sweep ranking --batch-size 256,1000      how does a step grow?
  harness bisect --help                            which version is slower?
  harness report results/local                     all records as one report
  harness compare results/before results/after     slower, or less accurate?
  harness parity ranking                           is it the same model?
  harness anatomy ranking                          where does the time go?
  harness export results/local --format all --output exports
  harness merge results/a results/b --into results/c

\b
Exit codes; docs/exit-codes.md has those of every command:
{exit_codes.lines(ExitCode, GateCode)}
"""

app = typer.Typer(
    name="harness",
    cls=Group,
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


def _add(
    function: Callable[..., None],
    panel: str,
    summary: str,
    *,
    name: str | None = None,
    epilog: str | None = None,
) -> None:
    app.command(name, cls=Command, epilog=epilog, short_help=summary, rich_help_panel=panel)(
        function
    )


# A summary has six words at most: a reader looks for the one command that does what he wants.
_add(run.run, MEASURE, "Measure a scenario on each backend.", epilog=run.EPILOG)
_add(sweep.sweep, MEASURE, "Measure how a training step grows.", epilog=sweep.EPILOG)
_add(anatomy.anatomy, MEASURE, "Show where a step's time goes.", epilog=anatomy.EPILOG)
_add(bisect.bisect, MEASURE, "Find the version that became slower.", epilog=bisect.EPILOG)
_add(report.report, READ, "Report all records of a folder.")
_add(compare.compare, READ, "Compare two campaigns, before and after.", epilog=compare.EPILOG)
_add(export.export, READ, "Write records for another tool.", epilog=export.EPILOG)
_add(findings.findings, READ, "Old: the report has these findings.", epilog=findings.EPILOG)
_add(check.check, CHECK, "Check a scenario of your own.", epilog=check.EPILOG)
_add(doctor.doctor, CHECK, "Check that this machine is fit.")
_add(parity.parity, CHECK, "Check that backends train the same.", epilog=parity.EPILOG)
app.add_typer(
    data.app, name="data", short_help="Prepare and verify the ratings.", rich_help_panel=SET_UP
)
app.add_typer(env.app, name="env", short_help="Make and list environments.", rich_help_panel=SET_UP)
app.add_typer(
    cluster.app,
    name="cluster",
    short_help="Start slots for campaigns on machines.",
    rich_help_panel=SET_UP,
)
app.add_typer(
    scenario.app,
    name="scenario",
    short_help="Write a scenario of your own.",
    rich_help_panel=SET_UP,
)
_add(list_.list_, SET_UP, "List scenarios, settings and backends.", name="list")
_add(merge.merge, SET_UP, "Join results folders into one.", epilog=merge.EPILOG)


def main() -> None:
    """Run the ``harness`` command; a user's mistake ends with its message and no traceback."""
    try:
        screen.guard()
        spelling.spell()
        code = _run()
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    if (why := screen.lost()) is not None:
        if why:
            _say(why)
        code = code or ExitCode.NOT_SHOWN
    sys.exit(int(code))


def _run() -> int:
    """What the command exits with; a failure is printed."""
    try:
        app()
    except HarnessError as error:
        _say(str(error))
        return error.exit_code
    except OSError as error:
        gone = _without_a_folder()
        if error.errno not in _OF_THE_USER and not gone:
            return _fault()
        where = "the current folder was removed: change into one that is there"
        _say(where if gone else f"{error.filename or 'a file'}: {error.strerror}")
        return ExitCode.UNAVAILABLE
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Exception:  # noqa: BLE001 - nobody foresaw it
        return _fault()
    return ExitCode.OK


def _without_a_folder() -> bool:
    """Whether the folder that the command was called in has gone."""
    try:
        Path.cwd()
    except OSError:
        return True
    return False


_OF_THE_USER = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.ENAMETOOLONG,
    errno.ELOOP,
}
"""What somebody's disk or rights say; else an error of the system is a fault of the harness."""


def _fault() -> int:
    """Print the exception under way, with what a report of it needs."""
    import traceback

    for line in traceback.format_exc().splitlines():
        _echo(line)
    _say("this is a fault of the harness itself: please report it, with the lines above")
    return ExitCode.FAULT


def _say(message: str) -> None:
    sys.stdout.flush()
    for line in f"harness: {message}".split("\n"):
        _echo(line)


def _echo(line: str) -> None:
    # It may quote what a child printed, or a line of a user's file.
    typer.echo(plain(line, limit=4_000), err=True)
