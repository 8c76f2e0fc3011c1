"""The report as one HTML file that opens from disk and asks the network for nothing.

Plots are drawn here as SVG instead of being drawn by Vega in the reader's browser. They then print,
need no script, carry their own texts, and the content security policy can forbid everything but two
hashes: Vega compiles its expressions with ``eval``, or needs an interpreter on top of 0.9 MB of
scripts. ``harness report --plots`` writes the same specifications as files.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from harness import __version__
from harness.analysis.before_after.history import Timeline
from harness.analysis.study import About, Study
from harness.report.document import Document
from harness.report.html import details, embed, first_screen, svg, terms, trials
from harness.report.plots import draw, plots, timeline
from harness.report.plots.base import GROUPS, NARROW, WIDE, Group, Plot
from harness.report.sections.answer import answer, facts
from harness.report.sections.facts import KEY, Fact
from harness.report.table import condensed

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FIRST_SCREEN = ("answer", "results", "verdicts", "caveats")
"""Keys of the sections in front, below the answer."""

SUMMARIES = ("over-machines", "across")
"""Keys of the sections that are open above the results."""

SWEEPS = "sweeps"
"""Key of the section that is open below the results; the others are folded."""

STATIC_ROWS = 100
"""Rows of the table of trials in the page itself, for print and without scripts."""


def render(document: Document, study: Study) -> str:
    """The whole page.

    Args:
        document: what terminal and Markdown say, to the digit.
        study: the records behind it, for the answer, the plots and the details.
    """
    table, found = trials.table(study), answer(study)
    return page(
        "report.html.j2",
        document=document,
        answer=found,
        facts=facts(found, caveats=False),
        bars=first_screen.bars(found.standings),
        results=document.section("results"),
        verdicts=document.section("verdicts"),
        caveats=document.section("caveats"),
        summaries=[part for key in SUMMARIES if (part := document.section(key))],
        sweeps=document.section(SWEEPS),
        sections=document.without((*FIRST_SCREEN, *SUMMARIES, SWEEPS)),
        groups=groups(plots(study)),
        details=details.details(study),
        trials=table,
        trials_json=embed.json_block(table.payload),
        static_rows=table.rows[:STATIC_ROWS],
    )


def render_history(
    document: Document,
    timelines: Sequence[Timeline],
    about: Mapping[str, About],
    facts: Sequence[Fact],
) -> str:
    """The page of a folder of campaigns."""
    return page(
        "history.html.j2",
        document=document,
        facts=facts,
        changes=document.section("changes"),
        sections=document.without({KEY, "changes"}),
        groups=groups(timeline.plots(timelines, about)),
    )


def page(template: str, **content: Any) -> str:
    """A template of this package, filled, with style, script and policy."""
    style, script = _static("report.css"), _static("report.js")
    return (
        _environment()
        .get_template(template)
        .render(
            style=embed.trusted(style),
            script=embed.trusted(script),
            policy=embed.policy(style=style, script=script),
            version=__version__,
            terms=terms.TERMS,
            **content,
        )
    )


def groups(made: Sequence[Plot]) -> list[dict[str, Any]]:
    """Plots by what they are about, with their drawings for a page and for a phone."""
    found: dict[Group, list[dict[str, Any]]] = {}
    for plot in made:
        drawn = {"plot": plot, "wide": _drawn(plot, WIDE), "narrow": _drawn(plot, NARROW)}
        found.setdefault(plot.group, []).append(drawn)
    return [
        {"key": key, "name": name, "figures": found[key]}
        for key, name in GROUPS.items()
        if key in found
    ]


def _drawn(plot: Plot, width: int) -> Markup:
    return svg.inline(draw.svg(plot, width), plot.alternative, prefix=f"{plot.key}-{width}-")


@functools.cache
def _environment() -> Environment:
    import jinja2

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report.html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"explained": terms.explained, "condensed": condensed}
    return made


@functools.cache
def _static(name: str) -> str:
    return resources.files("harness.report.html").joinpath("static", name).read_text("utf-8")
