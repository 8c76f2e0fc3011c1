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
    """Write what Keras costs on each backend, and what follows.

    That is the ladder of each backend and what closes each gap. Every sentence is made from the
    records; what no verdict settles is said to be open.
    """
    # Imported here, so that `harness --help` does without everything that this needs.
    from harness.analysis.ladder.ladder import ladders
    from harness.analysis.speed.pairs import judging
    from harness.analysis.summary import summarise
    from harness.cli import pages
    from harness.cli.folder import about, results_folder
    from harness.report import anatomy_found
    from harness.report.outputs import markdown
    from harness.report.sections import findings as page
    from harness.store.folder import load

    campaigns = []
    for folder in folders:
        results = load(results_folder(folder))
        rule = judging(results.plans)
        campaigns.append(
            page.Campaign(
                folder=folder.as_posix(),
                records=results.records,
                summary=summarise(
                    results.records,
                    [(file.path, file.reason) for file in results.broken],
                    about=about(results.records),
                ),
                ladders=ladders(results.records, margin=rule.margin, sequential=rule.sequential),
                dissected=anatomy_found.read(folder),
            )
        )
    words = ["harness", "findings", *(folder.as_posix() for folder in folders)]
    if output is not None:
        words += ["--output", output.as_posix()]
    text = markdown.render(page.compose(campaigns, " ".join(words)))
    if output is None:
        typer.echo(text, nl=False)
    else:
        pages.write(output, text, option="--output", what="Markdown")
        typer.echo(f"Markdown: {output}")
