"""``harness report``: one table of whatever records a folder holds, and a page for a browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.command import OUTPUT, WHAT
from harness.errors import UnavailableError

if TYPE_CHECKING:
    from harness.analysis.study import Study

STEP_SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
"""Names the file that GitHub Actions shows as a job's summary."""


def report(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER",
            help="Folder of records, at any depth; results/local if none is named.",
            show_default=False,
        ),
    ] = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Where the Markdown goes; FOLDER/report.md if not named.",
            rich_help_panel=OUTPUT,
            metavar="FILE.md",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            help="Where the page for a browser goes; FOLDER/report.html if not named.",
            rich_help_panel=OUTPUT,
            metavar="FILE.html",
            show_default=False,
        ),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            help="Also write every plot there, as SVG and PNG.",
            rich_help_panel=OUTPUT,
            metavar="FOLDER",
            show_default=False,
        ),
    ] = None,
    history: Annotated[
        bool,
        typer.Option(
            "--history",
            help="FOLDER holds a folder for each campaign: show how each cell changed from one to "
            "the next. The files are then called history.md and history.html.",
            rich_help_panel=WHAT,
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the summary as JSON instead of the table.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    step_summary: Annotated[
        bool,
        typer.Option(
            "--step-summary",
            help=f"Also append it to the file in {STEP_SUMMARY_VARIABLE}.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    titles: Annotated[
        bool,
        typer.Option(
            help="Name the predicted movies. --no-titles for a report that will be published: the "
            "licence of MovieLens allows no redistribution.",
            rich_help_panel=WHAT,
        ),
    ] = True,
) -> None:
    """Make one report of all records in a folder.

    It is shown in the terminal and written as Markdown and as a page for a browser. Missing
    backends, failed trials and other caveats are named in it. A report of an empty folder is a
    report too.

    The page is one file that opens from disk. It needs the packages of `tox -e report`; where they
    are not installed, the table and the Markdown are made all the same.

    Exit codes: 0 a report was made, whatever is missing in it; 3 there is no such folder, or a file
    cannot be written.

    \b
    Examples:
      harness report
      harness report results/ci --output summary.md --step-summary
      harness report results/reference --no-titles --plots docs/plots
      harness report results --history
    """  # noqa: D301 - a raw one would show as \b in the help; Click wants the character
    # Imported here, so that `harness --help` does not wait for it.
    from harness.cli import closing, pages
    from harness.cli.folder import local_titles, results_folder, studied
    from harness.report.outputs import markdown, terminal
    from harness.report.sections.answer import answer
    from harness.report.sections.compose import compose
    from harness.store import layout
    from harness.store.folder import load

    root = results_folder(folder)
    if history:
        pages.history(root, markdown_to=output, html_to=html)
        return
    study = studied(load(root))
    composed = compose(study, local_titles() if titles else {})
    text = markdown.render(composed)
    target = output or root / layout.REPORT
    # Files before the screen: whatever becomes of that, they are there.
    pages.write(target, text, option="--output", what="Markdown")
    lines = [
        f"Markdown: {target}",
        pages.write_html(html or root / layout.REPORT_PAGE, composed, study),
    ]
    if plots:
        lines.append(pages.write_plots(plots, study))
    if step_summary:
        lines.append(append_to_step_summary(text))
    console, log = terminal.console(), terminal.console(stderr=as_json)
    if as_json:
        typer.echo(_json(study))
    else:
        terminal.show(composed, console)
        log.print()
    for line in lines:
        log.print(line, markup=False, soft_wrap=True)
    if not as_json:
        # Once more, since the report is longer than a screen.
        log.print()
        closing.show_answer(answer(study), log)


def _json(study: Study) -> str:
    import msgspec

    from harness.report.sections.answer import answer

    content = {
        "answer": answer(study),
        "rows": study.rows,
        "missing": study.missing,
        "notes": study.notes,
        "machines": study.machines,
        "data_sets": study.data_sets,
        "broken": study.broken,
        "about": study.about,
        "trials": study.trials,
        "failed": study.failed,
        "benchmarks": study.benchmarks,
        "verdicts": study.answers.pairs,
        "learned": study.answers.learned,
        "ladders": study.ladders,
        "across": study.across,
        "combined": study.combined,
        "anatomies": study.anatomies,
        "parity": [run.verdict for run in study.parity.runs],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def append_to_step_summary(text: str) -> str:
    """Append and say what was done; outside of GitHub Actions there is nothing to append to."""
    target = os.environ.get(STEP_SUMMARY_VARIABLE)
    if not target:
        return f"Step summary: {STEP_SUMMARY_VARIABLE} is not set, so nothing was appended"
    try:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    except OSError as error:
        raise UnavailableError(
            f"the step summary {target} cannot be appended to: {error.strerror or error}. "
            f"{STEP_SUMMARY_VARIABLE} should name a file that can be written"
        ) from None
    return f"Step summary: appended to {target}"
