"""What ``harness report`` makes beside the table where Altair and Jinja are installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UnavailableError
from harness.launch.installation import add_extra
from harness.words import joined

if TYPE_CHECKING:
    from harness.analysis.study import Study
    from harness.report.document import Document

NEEDED = {"altair": "altair", "vl_convert": "vl-convert-python", "jinja2": "jinja2"}
"""Modules that a page and its plots need, and the packages that bring them."""


def lacking() -> str | None:
    """Why there is no page here and which environment makes one; ``None`` if nothing is missing.

    The environments that train hold no drawing libraries on purpose, and still print their table.
    """
    missing = [name for module, name in NEEDED.items() if not importlib.util.find_spec(module)]
    if not missing:
        return None
    verb = "is" if len(missing) == 1 else "are"
    how = add_extra("report")
    return f"not made, since {joined(missing)} {verb} not installed here; {how} makes it"


def write_html(path: Path, document: Document, study: Study) -> str:
    """Make the page and say where it is, or why there is none.

    Raises:
        UnavailableError: if it cannot be written.
    """
    why = lacking()
    if why:
        return f"HTML: {why}"
    # Half a second for Altair, so only where a page is made.
    from harness.report import html

    write(path, html.render(document, study), option="--html", what="HTML")
    return f"HTML: {path}"


def write_plots(folder: Path, study: Study) -> str:
    """Draw every plot into ``folder`` as SVG and PNG, and say so.

    Raises:
        UnavailableError: if the packages are missing here, or the folder cannot be written.
    """
    why = lacking()
    if why:
        raise UnavailableError(f"the plots were {why}")
    from harness.report.plots import draw, plots

    files = draw.write(plots(study), folder)
    return f"Plots: {len(files)} files in {folder}"


def history(root: Path, *, markdown_to: Path | None, html_to: Path | None) -> None:
    """The timelines of a folder of campaigns, in the terminal, as Markdown and as a page.

    Raises:
        UnavailableError: if a file cannot be written.
    """
    from harness.analysis.before_after.history import campaigns, timelines
    from harness.cli.folder import about
    from harness.report.outputs import markdown, terminal
    from harness.report.sections import behind
    from harness.report.sections import history as told
    from harness.store import layout
    from harness.store.folder import load_each

    loaded = load_each(root)
    found = campaigns({name: results.records for name, results in loaded.items()})
    broken = [file for results in loaded.values() for file in results.broken]
    known = about(record for one in found for record in one.records)
    tolerances = {name: one.metric.tolerance for name, one in known.items()}
    before = {name: one.before for name, one in known.items()}
    lines = timelines(found, tolerances=tolerances, settings_before=before)
    facts = behind.of_history(lines, known, str(root) if len(loaded) > 1 else None)
    document = told.compose(lines, broken, known, facts)
    # Files before the screen: whatever becomes of that, they are there.
    target, page = markdown_to or root / layout.HISTORY, html_to or root / layout.HISTORY_PAGE
    write(target, markdown.render(document), option="--output", what="Markdown")
    why = lacking()
    if why is None:
        from harness.report import html

        text = html.render_history(document, lines, known, facts)
        write(page, text, option="--html", what="HTML")
    console = terminal.console()
    terminal.show(document, console)
    console.print()
    for line in (f"Markdown: {target}", f"HTML: {why or page}"):
        console.print(line, markup=False, soft_wrap=True)


def write(path: Path, text: str, *, option: str, what: str) -> None:
    """Write a text file, with the folders above it.

    Raises:
        UnavailableError: if it cannot be written; ``option`` names another file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnavailableError(
            f"the {what} cannot be written to {path}: {error.strerror or error}. "
            f"Name another file with {option}"
        ) from None
