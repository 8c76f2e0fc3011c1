"""The plot of where a step's time goes."""

from __future__ import annotations

import pytest

from harness.records.anatomy import PARTS
from harness.report.plots import draw, plots
from harness.report.plots.base import NARROW, WIDE
from harness.store.runs import AnatomyRuns


@pytest.fixture
def plot(studied):
    """The plot of some records of ``harness anatomy``."""

    def make(records):
        found = AnatomyRuns(records=list(records))
        return [p for p in plots(studied([], anatomy=found)) if p.key == "anatomy"]

    return make


@pytest.fixture
def both(plot, make_anatomy_record):
    (made,) = plot([make_anatomy_record(backend=name) for name in ("jax", "torch")])
    return made


def _inline(part):
    """Every list of inline data in a specification."""
    if isinstance(part, dict):
        if "values" in part.get("data", {}):
            yield part["data"]["values"]
        for value in part.values():
            yield from _inline(value)
    elif isinstance(part, list):
        for value in part:
            yield from _inline(value)


def rows(made):
    """The data of the bars."""
    return next(found for found in _inline(made.specification()) if "part" in found[0])


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_it_can_be_drawn_at_any_width(both, width):
    assert "<svg" in draw.svg(both, width)


def test_it_is_valid_vega_lite(both):
    both.chart(WIDE).to_dict(validate=True)


def test_each_bar_holds_every_part_end_to_end(both):
    for backend in ("JAX", "PyTorch"):
        bar = [row for row in rows(both) if row["backend"] == backend]
        assert [row["part"] for row in bar] == list(PARTS)
        assert [row["from"] for row in bar[1:]] == [row["to"] for row in bar[:-1]]
        assert bar[-1]["to"] == pytest.approx(2.00)


def test_the_same_is_told_in_words_and_numbers(both):
    assert "JAX: 2.02 ms a step, of which input pipeline 12%" in both.alternative
    assert "off by -1.0%" in both.alternative
    assert ["JAX", "device compute", "1.40 ms", "1.40 ms", "1.40 ms", "69%"] in both.numbers.rows


def test_a_part_that_saves_nothing_reaches_back(plot, make_anatomy_record):
    (made,) = plot([make_anatomy_record({"fit": 1e-3, "fit again": 1e-3, "no callbacks": 1.2e-3})])
    callbacks = next(row for row in rows(made) if row["part"] == "callbacks")
    assert callbacks["to"] < callbacks["from"]


def test_there_is_none_where_nothing_was_taken_apart(plot):
    assert plot([]) == []


def contrast(one, other):
    """WCAG 2.2, relative luminance and contrast ratio."""

    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_no_theme_exchanges_a_colour_of_a_part_and_each_is_legible():
    from harness.report.html.svg import THEMED
    from harness.report.plots.anatomy import COLOURS

    assert not set(COLOURS.values()) & set(THEMED)
    for name, colour in COLOURS.items():
        ink = "#ffffff" if name == "device compute" else "#000000"
        assert contrast(colour, ink) >= 4.5
