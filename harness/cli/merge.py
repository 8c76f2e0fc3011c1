"""``harness merge``: several results folders into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.errors import UnavailableError

EPILOG = """
\b
Examples:
  harness merge results/monday results/tuesday --into results/both
  harness merge downloaded/records-* --into results/ci
"""


def merge(
    folders: Annotated[
        list[Path],
        typer.Argument(help="Folders of records, each at any depth.", metavar="FOLDER"),
    ],
    *,
    into: Annotated[
        Path,
        typer.Option(help="The folder that all go to; it may hold some already.", metavar="FOLDER"),
    ],
) -> None:
    """Put the records of several folders into one.

    With them go plans, benchmarks, parity and anatomies. Copying by hand would overwrite records
    of the same name. Here the second one gets the next number, and what is there already is not
    added twice. The folders stay as they are. Which trials may be ranked does not change: pairs
    are made within a campaign's rounds.

    Exit codes: 0 all that could be read is there; 2 no folder is named, or no --into; 3 there is no
    such folder, or FOLDER of --into cannot be written.
    """
    # Imported here, so that `harness --help` does not wait for it.
    from harness.cli.folder import results_folder
    from harness.store.merge import merge as merge_into

    sources = [results_folder(folder) for folder in folders]
    try:
        merged = merge_into(sources, into)
    except OSError as error:
        raise UnavailableError(
            f"{error.filename or into}: {error.strerror or error}. What was merged before is in "
            f"{into}. Fix this, then run the same command again: it goes on"
        ) from None
    typer.echo(
        f"{into}: {_several(merged.added, 'record')} and {_several(merged.runs, 'run')} of parity "
        f"or anatomy added; {_several(merged.already_there, 'record')} there already"
    )
    for broken in merged.broken:
        typer.echo(f"left out: {broken.path} could not be read: {broken.reason}", err=True)


def _several(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"
