"""Which rows make a sweep, and of what."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.rows import grouped
from harness.analysis.sweeps import sweeps as module
from harness.analysis.sweeps.sweeps import AUTO, THREADS, sweeps
from harness.records.trial import Failure, Memory

SETTINGS = {"batch_size": 1000, "precision": "float32"}


@pytest.fixture
def swept(make_record):
    """The sweeps of good records, each given by the changes to its cell; ``None`` for a failure."""

    def make(*changes, failed=()):
        records = [
            make_record(
                step_time_s=1e-3 + 1e-6 * one.get("batch_size", 1000),
                backend=one.get("backend", "jax"),
                threads=one.get("threads"),
                settings=SETTINGS | {k: v for k, v in one.items() if k in SETTINGS},
                memory=Memory(peak_rss_bytes=500_000_000),
            )
            for one in (*changes, *failed)
        ]
        lost = [
            msgspec.structs.replace(
                record, status="killed", failure=Failure(reason="out of memory"), hashes=None
            )
            for record in records[len(changes) :]
        ]
        rows = [group.row for group in grouped([*records[: len(changes)], *lost])]
        return sweeps(rows)

    return make


def sizes(*values, **more):
    return [{"batch_size": value, **more} for value in values]


def test_three_values_of_a_number_make_a_sweep_with_a_line_for_each_backend(swept):
    (found,) = swept(*sizes(4096, 256, 1000), *sizes(256, 1000, 4096, backend="torch"))
    assert (found.axis, found.numbers, found.values) == ("batch_size", True, [256, 1000, 4096])
    assert [course.backend for course in found.courses] == ["jax", "torch"]
    line = found.courses[0].step_time.line
    assert (line.fixed, line.per_unit) == (pytest.approx(1e-3), pytest.approx(1e-6))
    assert found.courses[0].memory.line.per_unit == pytest.approx(0, abs=1e-3)


def test_two_values_of_a_number_are_no_curve_and_stand_side_by_side_by_size(swept):
    (found,) = swept(*sizes(1000, 256))
    assert (found.axis, found.numbers, found.values) == ("batch_size", False, [256, 1000])
    (course,) = found.courses
    assert [point.value for point in course.points] == [256, 1000]
    assert (course.step_time, course.memory) == (None, None)


def test_one_value_is_no_sweep(swept):
    assert swept(*sizes(256), *sizes(256, backend="torch")) == []


def test_yes_and_no_are_no_numbers(make_record):
    records = [make_record(settings=SETTINGS | {"bias": bias}) for bias in (True, False)]
    (found,) = sweeps([group.row for group in grouped(records)])
    assert (found.axis, found.numbers) == ("bias", False)


def test_two_values_of_anything_else_stand_side_by_side(swept):
    (found,) = swept({"precision": "float32"}, {"precision": "mixed_bfloat16"})
    assert (found.axis, found.numbers) == ("precision", False)
    assert found.courses[0].step_time is None


def test_threads_are_an_axis_in_the_order_of_their_numbers_with_auto_behind(swept):
    (found,) = swept({"threads": None}, {"threads": 2}, {"threads": 1})
    assert (found.axis, found.numbers, found.values) == (THREADS, False, [1, 2, AUTO])


def test_a_product_of_two_axes_is_a_sweep_of_each_at_every_value_of_the_other(swept):
    both = [size | {"threads": n} for n in (1, 2) for size in sizes(256, 1000, 4096)]
    axes = [found.axis for found in swept(*both)]
    assert axes == ["batch_size"] * 2 + [THREADS] * 3


def test_a_point_without_a_measurement_is_named_though_it_does_not_know_its_data(swept):
    (found,) = swept(*sizes(256, 1000, 4096), failed=sizes(16_384))
    assert found.courses[0].lost == [16_384]
    assert found.values == [256, 1000, 4096, 16_384]
    assert [point.value for point in found.courses[0].points] == [256, 1000, 4096]


def test_machines_are_not_mixed(make_record, make_environment):
    records = [
        make_record(settings=SETTINGS | size, environment=make_environment(machine))
        for machine in ("a", "b")
        for size in sizes(256, 1000, 4096)
    ]
    found = sweeps([group.row for group in grouped(records)])
    assert [len(one.courses) for one in found] == [1, 1]


@pytest.mark.parametrize(("threads", "value"), [(None, AUTO), (3, 3)])
def test_where_a_cell_stands_on_the_axis_of_threads(make_cell, threads, value):
    assert module.value_on(THREADS, make_cell(threads=threads)) == value
