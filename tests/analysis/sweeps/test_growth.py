"""The line of a fixed cost and a cost per unit, and the slope between neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from harness.analysis.sweeps import growth

SIZES = [256, 1_000, 4_096, 16_384]

costs = st.floats(1e-9, 1e3)


@given(st.one_of(st.just(0.0), costs), costs, st.floats(0.1, 1e4))
def test_a_figure_that_is_a_line_gives_that_line(fixed, per_unit, scale):
    points = [(scale * size, fixed + per_unit * scale * size) for size in SIZES]
    found = growth.line(points)
    assert found.largest_residual < 1e-6
    for value, figure in points:
        assert found.at(value) == pytest.approx(figure, rel=1e-6)


def test_a_figure_that_does_not_grow_is_all_fixed():
    found = growth.line([(size, 0.002) for size in SIZES])
    assert found.fixed == pytest.approx(0.002)
    assert found.per_unit == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    ("figures", "part"), [([4.0, 3.0, 2.0, 1.0], "per_unit"), ([0.1, 1.0, 10.0, 100.0], "fixed")]
)
def test_no_cost_is_below_zero(figures, part):
    found = growth.line(list(zip(SIZES, figures, strict=True)))
    assert getattr(found, part) == 0
    assert found.largest_residual > 0.1


def test_small_points_count_as_much_as_large_ones():
    # Unweighted, a fixed part of 1 ms would drown in the 3% of noise on 20 s.
    points = [(10**k, (1e-3 + 2e-6 * 10**k) * (1.03 if k % 2 else 0.97)) for k in range(1, 8)]
    found = growth.line(points)
    assert found.fixed == pytest.approx(1e-3, rel=0.1)
    assert found.per_unit == pytest.approx(2e-6, rel=0.1)


def test_one_point_that_is_far_off_leaves_the_line_alone_and_shows():
    points = [(size, 1e-3 + 1e-6 * size) for size in (250, 500, 1_000, 2_000, 4_000, 8_000)]
    points[2] = (1_000, 3 * points[2][1])
    found = growth.line(points)
    assert found.fixed == pytest.approx(1e-3, rel=0.05)
    assert found.per_unit == pytest.approx(1e-6, rel=0.05)
    assert found.largest_residual == pytest.approx(2 / 3, abs=0.03)


@given(
    st.lists(
        st.tuples(st.floats(1, 1e8), st.floats(1e-6, 1e3)),
        min_size=3,
        max_size=8,
        unique_by=lambda point: point[0],
    )
)
def test_no_other_line_is_nearer_by_much(points):
    found = growth.line(points)
    value, figure = np.array(points).T

    def cost(fixed, per_unit):
        residual = np.abs((fixed + per_unit * value) / figure - 1)
        inside = residual <= growth.TOLERATED
        return np.where(inside, residual**2, growth.TOLERATED * (2 * residual - growth.TOLERATED))

    reached = cost(found.fixed, found.per_unit).sum()
    for fixed, per_unit in ((figure.min(), 0.0), (0.0, (figure / value).min())):
        assert reached <= cost(fixed, per_unit).sum() * 1.05 + 1e-12


@pytest.mark.parametrize("outlier", [None, 0, 2, 5])
@pytest.mark.parametrize("scatter", [0.01, 0.05, 0.2])
@pytest.mark.parametrize(("fixed", "per_unit"), [(1e-3, 1e-6), (0.0, 2e-6), (4e-3, 0.0)])
def test_it_is_the_line_that_scipy_finds_for_the_same_loss(fixed, per_unit, scatter, outlier):
    """SciPy minimises it with a trust region, from its own start and without re-weighting."""
    random = np.random.default_rng(7)
    value = np.array([64, 256, 1_000, 4_096, 16_384, 65_536], dtype=float)
    figure = (fixed + per_unit * value) * np.exp(scatter * random.standard_normal(value.size))
    if outlier is not None:
        figure[outlier] *= 3
    unit = value.max()

    def residuals(parts):
        return (parts[0] + parts[1] * value / unit) / figure - 1

    theirs = optimize.least_squares(
        residuals,
        x0=[figure.min(), figure.max()],
        bounds=(0, np.inf),
        loss="huber",
        f_scale=growth.TOLERATED,
        x_scale=[figure.min(), figure.max()],
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-14,
        max_nfev=2_000,
    )
    ours = growth.line(list(zip(value, figure, strict=True)))
    scale = float(np.median(figure))
    assert ours.fixed == pytest.approx(theirs.x[0], rel=1e-3, abs=1e-3 * scale)
    assert ours.per_unit * unit == pytest.approx(theirs.x[1], rel=1e-3, abs=1e-3 * scale)


@pytest.mark.parametrize("points", [[], [(1, 1.0)], [(1, 1.0), (2, 2.0)], [(1, 1.0)] * 4])
def test_fewer_than_three_values_make_no_line(points):
    assert growth.line(points) is None


def test_the_slope_is_zero_where_a_figure_is_level_and_one_where_it_is_in_proportion():
    found = growth.slopes([(400, 4.0), (1, 1.0), (100, 1.0)])
    assert [(one.low, one.high) for one in found] == [(1, 100), (100, 400)]
    assert [one.slope for one in found] == pytest.approx([0.0, 1.0])


def test_two_figures_at_one_value_have_no_slope_between_them():
    assert growth.slopes([(1, 1.0), (1, 2.0)]) == []
