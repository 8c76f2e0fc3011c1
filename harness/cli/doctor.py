"""``harness doctor``: is this machine fit to measure on?"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.command import MACHINE, OUTPUT, WHAT, WHERE
from harness.cli.folder import DEFAULT_FOLDER
from harness.errors import ExitCode, HarnessError, UnavailableError
from harness.words import plain

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from harness.launch.campaign.resolution import Resolution
    from harness.probe.checks import Finding

GROUPS = {
    "quiet": "Is it quiet now?",
    "machine": "Is the machine set up for measuring?",
    "ready": "Is everything in place for a run?",
}

STYLES = {"good": "green", "warning": "bold yellow", "unknown": "dim"}


def doctor(
    *,
    results: Annotated[
        Path,
        typer.Option(
            help="Folder that records will be written to.",
            metavar="FOLDER",
            rich_help_panel=WHERE,
        ),
    ] = DEFAULT_FOLDER,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="Measure for a minute and show how small a difference this machine can resolve.",
            rich_help_panel=WHAT,
        ),
    ] = False,
    env: Annotated[
        list[str] | None,
        typer.Option(
            metavar="BACKEND=PATH",
            help="With --measure: the Python, or the environment's folder, to train in. Default: "
            "the first backend whose environment is found, else plain arithmetic.",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print the findings as JSON.", rich_help_panel=OUTPUT),
    ] = False,
) -> None:
    """Check whether this machine is fit to measure on.

    Looks for about two seconds at what goes on now (load, other programs, other runs, stolen time,
    how evenly a fixed piece of work runs), at how the machine is set (clock, cores, memory, swap,
    power, disk), and at what a run needs (environments, rating table). Each warning says why it
    matters and how to fix it.

    \b
    Examples:
      harness doctor
      harness doctor && harness run ranking
      harness doctor --measure
      harness doctor --json | jq '.findings[] | select(.status == "warning")'

    \b
    Exit codes: 0 fit to measure on; 1 something disturbs measuring.
    What is only missing for a run is a warning too, and does not change the
    exit code. With --measure also 2 where --env names no backend, and 3 where
    its environment cannot serve or another campaign measures.
    """  # noqa: D301  click wants the real control character
    # Imported here, so that `harness --help` does not wait for it.
    from rich.console import Console

    from harness.probe.checks import fit
    from harness.probe.doctor import examine

    if sys.stderr.isatty():
        # A line, not a spinner: what draws one would itself disturb the speed probe.
        typer.echo("Watching the machine for about two seconds (longer if it is busy)…", err=True)
    findings = examine(
        results=results,
        serving=_serving,
        table=_table_path,
        variables=os.environ,
        claims=_claims,
    )
    resolved = _measured(env or []) if measure else None
    if as_json:
        _print_json(findings, resolved)
    else:
        _print_text(findings, Console(highlight=False))
        if resolved is not None:
            typer.echo(f"\nHow small a difference can be seen?\n  {resolved}")
    raise typer.Exit(ExitCode.OK if fit(findings) else ExitCode.TRIAL_FAILED)


def _table_path() -> Path:
    from harness.data import cache

    return cache.find().table


def _serving(backend: str) -> list[str]:
    from harness.launch import environments

    return [str(interpreter) for interpreter in environments.find(backend)]


def _claims() -> list[str]:
    from harness.launch.lock import holder

    other = holder()
    return [] if other is None else [f"{other} (it holds the machine's lock)"]


def _measured(named: list[str]) -> Resolution:
    """A minute of training in the first environment there is, or else of plain arithmetic.

    Raises:
        UnavailableError: if another campaign measures, or a trial fails.
    """
    from harness.backends import BACKENDS
    from harness.cli.parse import parse_environments
    from harness.launch import environments
    from harness.launch.campaign import resolution
    from harness.launch.lock import only_campaign

    chosen = {}
    for choice in parse_environments(named):
        if choice.backend is None or choice.path is None:
            raise HarnessError(f"{choice.typed}: write the backend and a path, such as jax=PATH")
        chosen[choice.backend] = choice.path
    interpreter = None
    for backend in chosen or BACKENDS:
        with contextlib.suppress(*(() if chosen else (UnavailableError,))):
            interpreter = environments.find(backend, chosen)[0]
            break
    if sys.stderr.isatty():
        typer.echo("Measuring for a minute…", err=True)
    with only_campaign(wait=False, say=typer.echo):
        if interpreter is None:
            return resolution.resolution(
                "plain arithmetic (there is no backend's environment)",
                resolution.one_after_the_other(resolution.by_arithmetic),
            )
        return resolution.resolution(
            f"training on {interpreter.backend}", resolution.by_training(interpreter)
        )


def _print_json(findings: list[Finding], resolved: Resolution | None) -> None:
    import msgspec

    from harness.probe.checks import fit

    answer = {"fit": fit(findings), "findings": findings, "resolution": resolved}
    typer.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())


def _print_text(findings: list[Finding], console: Console) -> None:
    from rich.text import Text

    width = max(len(finding.check) for finding in findings)
    for group, title in GROUPS.items():
        _line(console, Text(title, style="bold"))
        for finding in findings:
            if finding.group == group:
                mark = (f"  {finding.status:<9}", STYLES[finding.status])
                _line(
                    console, Text.assemble(mark, f"{finding.check:<{width}}  {plain(finding.seen)}")
                )
                if finding.status == "warning":
                    _line(console, Text(f"           why: {plain(finding.why)}"))
                    _line(console, Text(f"           do:  {plain(finding.remedy)}"))
        _line(console, Text())
    _line(console, Text(verdict(findings), style="bold"))


def verdict(findings: list[Finding]) -> str:
    """The answer in one sentence."""
    disturbing = [finding.check for finding in findings if finding.disturbs]
    missing = [f.check for f in findings if f.status == "warning" and not f.disturbs]
    hint = f" Before a run, see to: {', '.join(missing)}." if missing else ""
    if not disturbing:
        return f"Fit to measure on.{hint}"
    return f"Not fit to measure on as it is: {', '.join(disturbing)}.{hint}"


def _line(console: Console, line: Text) -> None:
    # Soft wrap: a command in a remedy stays on one line, to be copied, and to be searched for.
    console.print(line, soft_wrap=True)
