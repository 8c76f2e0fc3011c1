"""Sweeps as a reader finds them: in words, and in a table for each axis."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.study import study_of
from harness.records.trial import Failure, Memory
from harness.report.sections import sweeps

SETTINGS = {"batch_size": 1000, "embedding_dimension": 32, "precision": "float32"}


@pytest.fixture
def swept(measured, about):
    """The study of records with these settings; step time and memory follow the batch size."""

    def make(*changes, **more):
        records = []
        for change in changes:
            settings = SETTINGS | change
            size = settings["batch_size"]
            records.append(
                measured(
                    step_time_s=1e-3 + 2e-6 * size,
                    settings=settings,
                    memory=Memory(peak_rss_bytes=400_000_000 + 4_000 * size),
                    **more,
                )
            )
        return study_of(records, about=about)

    return make


BATCHES = [{"batch_size": size} for size in (256, 1000, 4096)]


def section(study):
    return sweeps.section(study) or None


def test_without_several_values_there_is_no_section(swept):
    assert not section(swept({}))


def test_growth_is_told_as_a_fixed_part_and_a_part_for_each_unit(swept):
    told = section(swept(*BATCHES))
    (table,) = told.tables
    assert table.title == "Growth with batch size"
    heads = [column.header for column in table.columns]
    step_time, memory = (dict(zip(heads, row, strict=True)) for row in table.rows)
    assert step_time["figure"] == "step time"
    assert step_time["values"] == "256 to 4,096"
    assert (step_time["fixed"], step_time["per example"]) == ("1.00 ms", "2.00 µs")
    assert (step_time["off by"], memory["off by"]) == ("0%", "0%")
    assert (memory["fixed"], memory["per example"]) == ("400 MB", "4.00 kB")
    assert 0 < float(step_time["slope, low"]) < float(step_time["slope, high"]) < 1
    assert "a fixed part, a part for each unit" in told.paragraphs[0]


def test_what_is_no_number_stands_side_by_side_with_about_its_ratio_to_the_first(swept):
    study = swept({"precision": "float32"}, {"precision": "mixed_bfloat16"})
    (table,) = sweeps.tables(study.sweeps, study.about)
    assert table.title == "By precision"
    heads = [column.header for column in table.columns]
    rows = [dict(zip(heads, row, strict=True)) for row in table.rows]
    assert [row["precision"] for row in rows] == ["float32", "mixed_bfloat16"]
    assert [row["of the first"] for row in rows] == ["1.00", "about 1.0"]
    assert "test RMSE" in heads


def test_over_common_rounds_the_ratio_to_the_first_has_its_interval(make_campaign, about):
    records = [
        record
        for place, (precision, step_time_s) in enumerate(
            {"float32": 1e-3, "mixed_bfloat16": 1.3e-3}.items()
        )
        for record in make_campaign(
            {"jax": step_time_s}, seed=place, settings=SETTINGS | {"precision": precision}
        )
    ]
    told = section(study_of(records, about=about))
    assert told.paragraphs == [sweeps.BESIDE]
    (table,) = told.tables
    place = [column.header for column in table.columns].index("of the first")
    first, second = (row[place] for row in table.rows)
    assert first == "1.00"
    value, half = map(float, second.split(" ± "))
    assert abs(value - 1.3) < half < 0.1


def test_two_axes_at_once_tell_at_which_value_of_the_other(swept):
    study = swept(*(one | {"embedding_dimension": d} for d in (16, 64) for one in BATCHES))
    table = sweeps.tables(study.sweeps, study.about)[0]
    told = {row[1] for row in table.rows}
    assert told == {"embedding_dimension=16", "embedding_dimension=64"}


def test_a_point_that_left_no_measurement_is_named(measured, about):
    lost = msgspec.structs.replace(
        measured(settings=SETTINGS | {"batch_size": 100_000}),
        status="killed",
        failure=Failure(reason="out of memory"),
    )
    good = [measured(settings=SETTINGS | one) for one in BATCHES]
    study = study_of([*good, lost], about=about)
    assert sweeps.lines(study.sweeps)[-1] == (
        "No measurement: jax cpu fit at batch size 100,000; see the records for the reason."
    )


@pytest.mark.parametrize(
    ("axis", "unit"),
    [
        ("batch_size", "example"),
        ("synthetic_users", "synthetic user"),
        ("embedding_dimension", "embedding dimension"),
        ("epochs", "epoch"),
    ],
)
def test_one_of_what_an_axis_counts_has_a_name(axis, unit):
    assert sweeps.unit(axis) == unit


def test_a_value_from_a_foreign_record_cannot_reach_the_terminal():
    assert "\x1b" not in sweeps.shown("\x1b[2J")
