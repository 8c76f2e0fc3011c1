"""What a plot is, and the look that all share: colours, shapes and dashes of the backends.

The colours are Okabe and Ito's (*Color Universal Design*, 2008), told apart with any kind of colour
vision, and never alone: each backend has a shape and a dash of its own as well.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import altair as alt

from harness.backends import BACKENDS, FACTS
from harness.records.cell import parts_of
from harness.report.table import Table

INK = "#1b1f24"
"""Text and axes. The HTML page replaces it by the colour of its theme."""
FAINT = "#d0d5da"
"""Grid lines, likewise."""
BAND = "#8a929a"
"""Reference values and whatever belongs to no backend."""

WIDE, NARROW = 680, 320
"""Widths in pixels for a page and for a phone; letters keep their size in both."""

FONT = "Arial, Liberation Sans, Helvetica, sans-serif"
"""vl-convert measures with Liberation Sans, which is as wide as Arial."""

PADDING = {"left": 14, "right": 14, "top": 6, "bottom": 6}
"""Room for letters that are a little wider in the reader's font."""

MOST_POINTS = 600
"""Marks drawn of one plot; beyond that they cover each other. Figures are never thinned."""

Group = Literal["machines", "modes", "sweeps", "speed", "learning", "model", "costs"]

GROUPS: Mapping[Group, str] = {
    "sweeps": "Growth",
    "machines": "Machines",
    "modes": "What Keras costs",
    "speed": "Step time",
    "learning": "Learning",
    "model": "Same model",
    "costs": "Other costs",
}
"""What plots are about; a page shows one group of them at a time, the first one at first."""

FURTHER_COLOURS = ("#e69f00", "#56b4e9", "#cc79a7")
"""Of a backend's second environment and those after it: what its palette has left."""
FURTHER_SHAPES = ("diamond", "cross", "triangle-down")
FURTHER_DASHES = ((10, 2), (4, 2), (1, 3))

Chart = Any
"""Altair's charts have no common base that is worth naming: layers, facets and plain ones."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plot:
    """A plot with the words and the numbers that belong to it.

    ``caption`` says what to see, ``alternative`` tells the same to who cannot see it, ``numbers``
    are the figures behind it. ``chart`` makes the Altair chart for a width in pixels.
    """

    key: str
    group: Group
    title: str
    caption: str
    alternative: str
    numbers: Table
    chart: Callable[[int], Chart]

    def specification(self, width: int = WIDE) -> dict[str, Any]:
        """The Vega-Lite specification, with the common look."""
        # Validation costs a quarter of a second for each; the tests validate every plot instead.
        return styled(self.chart(width)).to_dict(validate=False)  # type: ignore[no-any-return]


def values(rows: Iterable[dict[str, Any]]) -> alt.Data:
    """Rows as inline data of a chart; JSON has no place for what is not finite."""
    finite = [row for row in rows if all(map(_finite, row.values()))]
    return alt.Data(values=finite)  # type: ignore[no-untyped-call]


def colour(names: Sequence[str], *, legend: bool = True) -> alt.Color:
    """The colour of each backend in ``names``, from a field called ``backend``."""
    return alt.Color(
        "backend:N",
        scale=_scale(names, {f.label: f.colour for f in FACTS.values()}, FURTHER_COLOURS),
        legend=key() if legend else None,
        title=None,
    )


def fill(names: Sequence[str]) -> alt.Fill:
    """The same colour for the inside of a mark, where its outline has an opacity of its own."""
    return alt.Fill(
        "backend:N",
        scale=_scale(names, {f.label: f.colour for f in FACTS.values()}, FURTHER_COLOURS),
        legend=None,
        title=None,
    )


def shape(names: Sequence[str], *, legend: bool = True) -> alt.Shape:
    """The shape of each backend, in the same legend as its colour."""
    return alt.Shape(
        "backend:N",
        scale=_scale(names, {f.label: f.shape for f in FACTS.values()}, FURTHER_SHAPES),
        legend=key() if legend else None,
        title=None,
    )


def dash(names: Sequence[str], *, legend: bool = True) -> alt.StrokeDash:
    """The dash of each backend, in the same legend as its colour."""
    return alt.StrokeDash(
        "backend:N",
        scale=_scale(names, {f.label: f.dash for f in FACTS.values()}, FURTHER_DASHES),
        legend=key() if legend else None,
        title=None,
    )


def backends(rows: Iterable[dict[str, Any]]) -> list[str]:
    """The backends (by their own names) that stand in ``rows``, in the usual order."""
    seen = dict.fromkeys(row["backend"] for row in rows)
    labels = [FACTS[b].label for b in BACKENDS]
    return sorted(seen, key=lambda name: labels.index(parts_of(name)[0]))


def few_ticks() -> alt.Axis:
    """An axis whose labels stand apart on a phone too."""
    return alt.Axis(tickCount=6, labelOverlap=True)


def thinned(rows: list[dict[str, Any]], most: int = MOST_POINTS) -> list[dict[str, Any]]:
    """Evenly chosen rows for drawing, the first and the last among them."""
    if len(rows) <= most:
        return rows
    step = (len(rows) - 1) / (most - 1)
    return [rows[round(i * step)] for i in range(most)]


def thinned_note(drawn: int, of: int) -> str:
    """What a caption says where not everything is drawn; empty where it is."""
    return f" Drawn are {drawn:,} of {of:,}, evenly chosen." if drawn < of else ""


def styled(chart: Chart) -> Chart:
    """``chart`` with the common look."""
    return (
        chart.configure(background="transparent", font=FONT, padding=PADDING)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            domainColor=BAND,
            tickColor=BAND,
            gridColor=FAINT,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelLimit=170,
        )
        .configure_legend(
            labelColor=INK, titleColor=INK, labelFontSize=12, symbolSize=90, labelLimit=260
        )
        .configure_header(labelColor=INK, titleColor=INK, labelFontSize=12)
        .configure_title(color=INK, fontSize=12)
    )


def _finite(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _scale(names: Sequence[str], known: Mapping[str, Any], further: Sequence[Any]) -> alt.Scale:
    """What each name looks like: the first of a backend as that does, its others apart."""
    looks: dict[str, Any] = {}
    spare = itertools.cycle(further)
    for name in names:
        own = known[parts_of(name)[0]]
        looks[name] = next(spare) if own in looks.values() else own
    return alt.Scale(domain=list(names), range=list(looks.values()))


def key(columns: int = 0) -> alt.Legend:
    """The legend above a plot, in so many columns; 0 is one line."""
    # Marks may be faint where many lie on each other; their legend never is.
    return alt.Legend(
        orient="top",
        direction="horizontal",
        title=None,
        symbolOpacity=1,
        symbolSize=90,
        columns=columns,
    )
