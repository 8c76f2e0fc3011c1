"""Plots of a sweep: marks, the fitted line and its words, and axes that have no numbers."""

from __future__ import annotations

import json

import pytest

from harness.report.plots import sweeps
from harness.report.plots.base import NARROW, WIDE, styled
from tests.report.made_up import SETTINGS, campaign


@pytest.fixture
def made(studied):
    def make(name, *values, **more):
        records = []
        for i, value in enumerate(values):
            changes = (
                {"threads": value} if name == "threads" else {"settings": {**SETTINGS, name: value}}
            )
            slower = dict.fromkeys(("jax", "tensorflow", "torch"), 1.0 + i)
            records += campaign(rounds=2, epochs=6, slower=slower, **changes, **more)
        return list(sweeps.plots(studied(records), []))

    return make


def test_step_time_and_memory_are_drawn_with_their_lines(made):
    step_time, memory = made("batch_size", 500, 1000, 2000)
    assert (step_time.key, memory.key) == ("sweep-batch-size", "sweep-memory-batch-size")
    for plot in (step_time, memory):
        drawn = json.dumps(plot.specification())
        assert '"type": "line"' in drawn
        assert "batch size (logarithmic)" in drawn
        assert "JAX: fixed " in plot.caption
        assert "per example, off by at most" in plot.caption
        assert len(plot.numbers.rows) == 9
    assert "ms + " in step_time.caption
    assert "MB + " in memory.caption


def test_one_value_is_no_plot(made):
    assert made("batch_size", 500) == []


@pytest.mark.parametrize(
    ("name", "values"),
    [("optimizer", ("adagrad", "adam")), ("threads", (2, 1, None)), ("batch_size", (1000, 500))],
)
def test_what_has_no_scale_is_drawn_at_equal_distances(made, name, values):
    (plot,) = made(name, *values)
    drawn = json.dumps(plot.specification())
    assert '"type": "nominal"' in drawn
    assert "at equal distances" in plot.caption
    if name == "threads":
        assert '"sort": ["1", "2", "auto"]' in drawn
    if name == "batch_size":  # of two numbers there is no curve
        assert '"sort": ["500", "1,000"]' in drawn


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize(
    ("name", "values"),
    [("batch_size", (500, 1000, 2000)), ("optimizer", ("adagrad", "adam")), ("threads", (1, 2))],
)
def test_every_one_is_valid_vega_lite(made, name, values, width):
    for plot in made(name, *values):
        styled(plot.chart(width)).to_dict(validate=True)
