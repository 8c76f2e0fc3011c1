"""The forest plot of several machines."""

from __future__ import annotations

import pytest

from harness.report.plots import machines, plots
from harness.report.plots.base import NARROW, WIDE
from harness.report.plots.draw import svg
from tests.report.made_up import cluster


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("count", [3, 40])
def test_every_pair_has_a_plot_that_can_be_drawn(studied, count, width):
    made = list(machines.plots(studied(list(cluster(count, rounds=4, epochs=6)))))
    assert [plot.title for plot in made] == [
        "TensorFlow / JAX on each machine",
        "PyTorch / JAX on each machine",
        "PyTorch / TensorFlow on each machine",
    ]
    drawn = svg(made[0], width)
    assert "step time, TensorFlow / JAX" in drawn
    assert (f">all {count}<" in drawn) == (count == 3)  # names only where they have room


def test_the_words_and_the_numbers_have_every_machine(studied):
    plot, *_ = machines.plots(studied(list(cluster(14, rounds=4, epochs=6))))
    assert len(plot.numbers.rows) == 15
    assert "on 14 machines: " in plot.alternative
    ratio, ends = plot.numbers.rows[-1][2:4]
    assert plot.alternative.endswith(f"over all {ratio} ({ends}).")


def test_one_machine_has_none(studied):
    assert not list(machines.plots(studied(list(cluster(1)))))


def test_the_plots_of_trials_say_whose_they_are(studied):
    made = plots(studied(list(cluster(6, rounds=4, epochs=6))))
    assert [plot.key for plot in made[:3]] == ["machines-0", "machines-1", "machines-2"]
    trials = next(plot for plot in made if plot.key == "step-time")
    assert "; 5 further machines measured the same." in trials.caption
    assert len(trials.numbers.rows) == 3
