"""``harness findings``: what several results folders say about the cost of Keras, as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EPILOG = """
\b
Examples:
  harness findings results/reference results/sweeps/batch-size
  harness findings results/reference --output docs/findings.md

\b
Exit codes:
  0 the page was made; 3 there is no such folder, or the file cannot be
  written.
"""


def findings(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="FOLDER", help="Results folders, in the order of the page."),
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write Markdown there. Default: standard output."),
    ] = None,
) -> None:
    """Old: harness report has these findings now. Goes in the next release.

    It still writes the ladder of each backend, what closes each gap, and what follows from it.
    """
    # Imported here, so that `harness --help` does without everything that this needs.
    from harness.cli import pages
    from harness.cli.folder import results_folder, studied
    from harness.report.outputs import markdown
    from harness.report.sections import findings as page
    from harness.store.folder import load

    typer.echo(
        "harness findings goes in the next release: harness report FOLDER has the same findings",
        err=True,
    )
    campaigns = [
        page.Campaign(folder=folder.as_posix(), study=studied(load(results_folder(folder))))
        for folder in folders
    ]
    words = ["harness", "findings", *(folder.as_posix() for folder in folders)]
    if output is not None:
        words += ["--output", output.as_posix()]
    text = markdown.render(page.compose(campaigns, " ".join(words)))
    if output is None:
        typer.echo(text, nl=False)
    else:
        pages.write(output, text, option="--output", what="Markdown")
        typer.echo(f"Markdown: {output}")
