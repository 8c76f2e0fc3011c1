"""What a report says of where a step's time goes."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.anatomy import anatomies
from harness.analysis.study import study_of
from harness.records.anatomy import Variant
from harness.report import format as fmt
from harness.report.sections import anatomy
from harness.store.runs import AnatomyRuns


@pytest.fixture
def records(make_anatomy_record):
    """JAX and PyTorch, four processes each; PyTorch's steps take twice as long."""
    return [
        make_anatomy_record(
            backend=backend, process=number, started_at=f"2026-01-01T00:00:0{number}+00:00"
        )
        for number in range(1, 5)
        for backend in ("jax", "torch")
    ]


@pytest.fixture
def both(records):
    return anatomies(records)


def column(table, backend):
    place = [column.header for column in table.columns].index(backend)
    return {row[0]: row[place] for row in table.rows}


def test_every_part_has_its_time_share_and_interval(both, about):
    (table,) = anatomy.tables(both, about)
    told = column(table, "jax")
    assert told["device compute"] == "1.40 ms (69%)\n1.40 to 1.40"
    assert told["callbacks"].startswith("0.10 ms (5%)")
    assert list(told)[:6] == [
        "input pipeline",
        "Python and dispatch",
        "device compute",
        "optimizer",
        "metrics",
        "callbacks",
    ]
    assert told["processes × rounds"] == "4 × 3"


def test_the_printed_parts_add_up_to_the_printed_sum(both, about):
    told = column(anatomy.tables(both, about)[0], "torch")
    parts = [float(told[name].split(" ")[0]) for name in list(told)[:6]]
    assert sum(parts) == pytest.approx(float(told["sum of the parts"].split(" ")[0]))
    assert told["the sum is off by"] == "-1.0%"


def test_a_part_that_saves_nothing_is_shown_with_its_sign(make_anatomy_record):
    found = anatomies(
        [make_anatomy_record({"fit": 1e-3, "fit again": 1e-3, "no callbacks": 1.2e-3})]
    )
    assert column(anatomy.tables(found)[0], "jax")["callbacks"] == "-0.20 ms (-20%)"


def test_settings_and_machine_are_told_where_they_differ(make_anatomy_record, make_environment):
    records = [
        make_anatomy_record(run_id="a"),
        make_anatomy_record(run_id="b", threads=2),
        make_anatomy_record(run_id="c", environment=make_environment("machine-b")),
    ]
    titles = [table.title for table in anatomy.tables(anatomies(records))]
    assert titles == [
        "Parts of a step of fit: ranking, cpu, on machine-",
        "Parts of a step of fit: ranking, cpu, on machine-",
        "Parts of a step of fit: ranking, cpu, threads=2, on machine-",
    ]


def test_what_weakens_it_is_said(make_anatomy_record):
    record = make_anatomy_record()
    variants = [
        Variant(name=v.name, why="TypeError: no") if v.name == "no metrics" else v
        for v in record.variants
    ]
    weak = msgspec.structs.replace(record, variants=variants, synthetic=True)
    lost = msgspec.structs.replace(record, process=2, status="crashed", variants=[])
    said = " ".join(anatomy.lines(anatomies([weak, lost])))
    assert "'no metrics' could not be measured" in said
    assert "1 of 2 processes left no measurement" in said
    assert "SYNTHETIC" in said


def test_the_report_has_the_section_only_where_something_was_measured(records, about):
    assert not anatomy.section(study_of([], about=about))
    section = anatomy.section(study_of([], about=about, anatomy=AnatomyRuns(records=records)))
    assert section.tables
    assert section.bullets[0].text.startswith("jax cpu: 2.02 ms a step, most of it device compute")


def test_a_time_beside_another_has_its_unit_and_decimals():
    assert fmt.duration_beside(48e-6, of=1.73e-3) == "0.05 ms"
    assert fmt.duration_beside(-48e-6, of=1.73e-3) == "-0.05 ms"
    assert fmt.duration_beside(2.5, of=12.3) == "2.5 s"
    assert fmt.duration_interval(-2e-5, 5e-5, of=1.73e-3) == "-0.02 to 0.05"
