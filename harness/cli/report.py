"""``harness report``: one table of whatever records a folder holds, and a page for a browser."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import UnavailableError

if TYPE_CHECKING:
    from harness.analysis.study import About, Study
    from harness.records.trial import Record
    from harness.store.folder import Results

DEFAULT_FOLDER = Path("results/local")
STEP_SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
"""Names the file that GitHub Actions shows as a job's summary."""


def report(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Folder of records, at any depth; results/local if none is named.",
            show_default=False,
        ),
    ] = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Where the Markdown goes; FOLDER/report.md if not named.",
            metavar="FILE.md",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            help="Where the page for a browser goes; FOLDER/report.html if not named.",
            metavar="FILE.html",
            show_default=False,
        ),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            help="Also write every plot there, as SVG and PNG.",
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
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON instead of the table.")
    ] = False,
    step_summary: Annotated[
        bool,
        typer.Option(
            "--step-summary", help=f"Also append it to the file in {STEP_SUMMARY_VARIABLE}."
        ),
    ] = False,
    titles: Annotated[
        bool,
        typer.Option(
            help="Name the predicted movies. --no-titles for a report that will be published: the "
            "licence of MovieLens allows no redistribution."
        ),
    ] = True,
) -> None:
    """Make one table of whatever records are there: in the terminal, as Markdown and as a page.

    Missing backends, failed trials and whatever else weakens the answer are named beside it. A
    report of an empty folder is a report too.

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
    from harness.cli import pages
    from harness.report.outputs import markdown, terminal
    from harness.report.sections.compose import compose
    from harness.store import layout
    from harness.store.folder import load

    root = results_folder(folder)
    if history:
        pages.history(root, markdown_to=output, html_to=html)
        return
    study = studied(load(root))
    composed = compose(study, local_titles() if titles else None)
    text = markdown.render(composed)
    target = output or root / layout.REPORT
    pages.write(target, text, option="--output", what="Markdown")
    console, log = terminal.console(), terminal.console(stderr=as_json)
    if as_json:
        typer.echo(_json(study))
    else:
        terminal.show(composed, console)
        log.print()
    log.print(f"Markdown: {target}", markup=False, soft_wrap=True)
    page = html or root / layout.REPORT_PAGE
    log.print(pages.write_html(page, composed, study), markup=False, soft_wrap=True)
    if plots:
        log.print(pages.write_plots(plots, study), markup=False, soft_wrap=True)
    if step_summary:
        log.print(_append_to_step_summary(text), markup=False, soft_wrap=True)


def results_folder(named: Path | None) -> Path:
    """The folder that was named, or the default one, which need not be there.

    Raises:
        UnavailableError: if the named one is none.
    """
    root = named or DEFAULT_FOLDER
    if root.is_dir() or (named is None and not root.exists()):
        return root
    what = "is no folder" if root.exists() else "does not exist"
    raise UnavailableError(
        f"the results folder {root} {what}. Name one that holds records, or make some: "
        "tox -e jax,tf,torch writes them to results/local"
    )


def studied(results: Results) -> Study:
    """What a folder says, with what is known here of its scenarios."""
    from harness.analysis.study import study_of
    from harness.store import benchmarks, runs

    return study_of(
        results.records,
        about=about(results.records),
        plans=results.plans,
        broken=results.broken,
        benchmarks=benchmarks.read(results.benchmarks),
        parity=runs.read_parity(results.parity),
        anatomy=runs.read_anatomy(results.anatomy),
    )


def about(records: Iterable[Record]) -> dict[str, About]:
    """What is known here of the records' scenarios; records may come from elsewhere.

    Of an empty folder the main scenario is told about, since its backends are what is missing.
    """
    import msgspec

    from harness import scenario
    from harness.analysis.provenance import MAIN_SCENARIO
    from harness.analysis.study import About
    from harness.report import format as fmt
    from harness.scenario_files import ScenarioFileError

    wanted = dict.fromkeys(record.cell.scenario for record in records) or {MAIN_SCENARIO: None}
    here = set(scenario.names())
    found = {}
    for name in wanted:
        if name in here:
            try:
                found[name] = scenario.find(name)
            except ScenarioFileError as error:  # its records are good all the same
                typer.echo(
                    fmt.plain(f"{name} is judged by its records alone: {error}", limit=2_000),
                    err=True,
                )
    return {
        name: About(metric=one.metric, defaults=msgspec.to_builtins(scenario.parse_settings(one)))
        for name, one in found.items()
    }


def local_titles() -> Mapping[int, str] | None:
    """Titles by ``movie_id`` from the prepared table, if this machine has one that can be read."""
    from harness import data
    from harness.data import cache

    try:
        movies = data.load(cache.find().table).movies
    except UnavailableError:
        return None
    return dict(zip(movies.movie_id.tolist(), movies.title.tolist(), strict=True))


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
        "anatomies": study.anatomies,
        "parity": [run.verdict for run in study.parity.runs],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


def _append_to_step_summary(text: str) -> str:
    """Append and tell what was done; outside of GitHub Actions there is nothing to append to."""
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
