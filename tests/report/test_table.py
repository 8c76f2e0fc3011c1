"""The main table: which columns and rows there are, and what stands in them."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.study import study_of
from harness.records.trial import Hashes, Memory
from harness.report import format as fmt
from harness.report.sections.results import results
from harness.report.table import Column, Table, condensed, figure


def as_dicts(table):
    headers = [column.header for column in table.columns]
    return [dict(zip(headers, row, strict=True)) for row in table.rows]


@pytest.fixture
def rows(about):
    def make(*records):
        (table,) = results(study_of(records, about=about))
        return as_dicts(table)

    return make


def test_the_columns_that_the_main_job_promises(rows, measured):
    first = rows(measured(seed=1), measured(seed=2, step_time_s=0.003, value=0.26))[0]
    assert first == {
        "backend": "jax",
        "device": "cpu",
        "step time": "2.50 ms\n2.00–3.00",
        "examples/s": "417,000",
        "first step": "500 ms",
        "peak memory": "600 MB",
        "test RMSE": "0.25950\n0.25900–0.26000",
        "trials": "2",
        "versions": "jax 0.10.2",
    }


def test_cpu_time_has_a_column_where_a_trial_tells_it(rows, measured):
    silent = measured(seed=1)
    assert "CPU per step" not in rows(silent)[0]
    epochs = [msgspec.structs.replace(epoch, cpu_s=1.8 * epoch.wall_s) for epoch in silent.epochs]
    told = msgspec.structs.replace(measured("torch"), epochs=epochs)
    shown = {row["backend"]: row["CPU per step"] for row in rows(silent, told)}
    assert (shown["jax"], shown["torch"]) == (fmt.NOTHING, "3.60 ms\n1.8 cores")


def test_one_trial_has_no_range(rows, measured):
    first = rows(measured())[0]
    assert (first["step time"], first["test RMSE"]) == ("2.00 ms", "0.25900")


def test_missing_backends_are_rows_with_the_command_that_makes_them(rows, measured):
    _, tensorflow, torch = rows(measured())
    assert (tensorflow["backend"], tensorflow["step time"]) == ("tensorflow", "missing")
    assert tensorflow["versions"] == "run: tox -e tf"
    assert (torch["backend"], torch["trials"]) == ("torch", "0")


def test_an_empty_folder_is_a_table_with_all_three_missing(rows):
    assert [row["step time"] for row in rows()] == ["missing"] * 3


def test_failed_trials_are_counted_beside_the_good_ones(rows, measured):
    first = rows(measured(seed=1), measured(seed=2, status="crashed"))[0]
    assert first["trials"] == "1\n1 failed"


def test_a_cell_that_only_failed_says_so(rows, measured):
    first = rows(measured(status="killed", epochs=[], quality=None, phases=None, memory=None))[0]
    assert (first["step time"], first["test RMSE"], first["trials"]) == (
        "failed",
        "—",
        "0\n1 failed",
    )


class TestOptionalColumns:
    def test_default_settings_are_not_told(self, rows, measured):
        assert "settings" not in rows(measured(), measured("torch"))[0]

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"threads": 1}, "threads=1"),
            ({"init": "keras"}, "init=keras"),
            ({"synthetic": True}, "SYNTHETIC"),
        ],
    )
    def test_what_is_not_the_default_is_told(self, rows, measured, change, told):
        assert rows(measured(**change))[0]["settings"] == told

    def test_a_changed_setting_is_told_even_where_all_rows_have_it(self, rows, measured):
        settings = {
            "batch_size": 4096,
            "epochs": 5,
            "embedding_dimension": 32,
            "learning_rate": 0.1,
        }
        jax, torch, *_ = rows(*(measured(b, settings=settings) for b in ("jax", "torch")))
        assert jax["settings"] == torch["settings"] == "batch_size=4096"

    def test_what_differs_is_told_on_all_rows(self, rows, measured):
        first, second, *_ = rows(measured(), measured(scenario_version=2))
        assert first["settings"] == "scenario version=1"
        assert second["settings"] == "scenario version=2"

    def test_of_an_unknown_scenario_only_differences_are_told(self, measured):
        (table,) = results(study_of([measured(), measured(settings={"batch_size": 1})]))
        first, second, *_ = as_dicts(table)
        assert "batch_size=1" in {first["settings"], second["settings"].partition("\n")[0]}

    def test_machines_are_told_apart_only_if_there_are_several(self, rows, measured):
        assert "machine" not in rows(measured())[0]
        told = rows(measured(), measured("torch", machine_id="other-machine"))
        assert [row["machine"] for row in told] == ["machine-", "other-ma", ""]

    def test_device_memory_where_there_is_any(self, rows, measured):
        record = measured(memory=Memory(peak_rss_bytes=1, peak_device_bytes=2_000_000_000))
        assert rows(record)[0]["peak device memory"] == "2,000 MB"

    def test_tables_of_data_are_told_apart(self, rows, measured):
        other = Hashes(table="e" * 64, split="b" * 64, initial_weights="", final_weights="")
        told = rows(measured(), measured(hashes=other))
        assert {row["settings"] for row in told} == {"table=aaaaaaaa", "table=eeeeeeee", ""}


def test_each_scenario_has_its_own_table(measured, about):
    tables = results(study_of([measured(), measured(scenario="retrieval")], about=about))
    packages = "keras 3.15.1, jax 0.10.2"
    assert {table.title.removesuffix(f", {packages}") for table in tables} == {
        "Scenario ranking",
        "Scenario retrieval",
    }


def test_a_column_that_says_the_same_in_every_row_goes_into_the_title():
    columns = [
        Column(header="backend"),
        Column(header="device"),
        figure("rounds"),
        figure("ratio", kept=True),
        Column(header="notes"),
    ]
    rows = [
        ["jax", "cpu", "8\n1 disturbed", "1", "—"],
        ["torch", "cpu", "8\n1 disturbed", "1", "—"],
    ]
    made = condensed(Table(title="Speed", columns=columns, rows=rows))
    assert made.title == "Speed (device cpu; rounds 8, 1 disturbed)"
    assert [column.header for column in made.columns] == ["backend", "ratio"]
    assert made.rows == [["jax", "1"], ["torch", "1"]]


def test_a_table_of_one_row_keeps_all_of_its_columns():
    table = Table(title="One", columns=[Column(header="a"), Column(header="b")], rows=[["1", "2"]])
    assert condensed(table) == table


def test_a_hostile_text_in_a_record_stays_one_line_of_its_cell(rows, measured):
    first = rows(measured(settings={"batch_size": "1\n| x \x1b[31m"}))[0]
    assert r"batch_size=1\n| x \x1b[31m" in first["settings"].split("\n")
