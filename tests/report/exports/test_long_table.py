"""The long table, written as Parquet and CSV, read back by polars and DuckDB."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.analysis.step_time import counted
from harness.analysis.study import study_of

pl = pytest.importorskip("polars", reason="polars comes with the extra report")
duckdb = pytest.importorskip("duckdb", reason="DuckDB comes with the extra test")

from harness.report.exports import comma_separated, long_table, parquet  # noqa: E402 - polars


def undo(text):
    return text[1:] if text and text.startswith("'") else text


@pytest.fixture
def files(tmp_path, content):
    parquet.write(content, tmp_path / "samples.parquet")
    comma_separated.write(content, tmp_path / "samples.csv")
    return tmp_path


def test_there_is_a_row_for_each_epoch_and_one_for_a_trial_without_any(files, records):
    table = pl.read_parquet(files / "samples.parquet")
    assert table.height == sum(max(len(record.epochs), 1) for record in records)
    failed = table.filter(pl.col("status") == "crashed")
    assert failed["failure_reason"].to_list() == ["killed by SIGSEGV"]
    assert failed["epoch_wall_s"].to_list() == [None]


def test_samples_are_the_floats_of_the_records(files, content):
    expected = [epoch.wall_s for record in content.records for epoch in record.epochs]
    marks = [mark for record in content.records for mark in counted(record)]
    for table in (pl.read_parquet(files / "samples.parquet"), pl.read_csv(files / "samples.csv")):
        rows = table.filter(pl.col("epoch_index").is_not_null())
        assert rows["epoch_wall_s"].to_list() == expected
        assert rows["epoch_counted"].to_list() == marks


def test_environments_of_one_backend_keep_their_names(files, content):
    assert set(pl.read_parquet(files / "samples.parquet")["environment"]) == {None}
    renamed = [
        msgspec.structs.replace(r, cell=msgspec.structs.replace(r.cell, name=name))
        for name in ("old", "new")
        for r in content.records
    ]
    parquet.write(dataclasses.replace(content, records=renamed), files / "named.parquet")
    assert set(pl.read_parquet(files / "named.parquet")["environment"]) == {"old", "new"}


@pytest.mark.parametrize("name", ["samples.parquet", "samples.csv"])
def test_duckdb_finds_each_trials_step_time_from_the_samples(files, name):
    samples = duckdb.read_parquet if name.endswith("parquet") else duckdb.read_csv
    query = (
        "SELECT median(epoch_step_time_s) FILTER (epoch_counted), any_value(step_time_s) "
        "FROM samples WHERE status = 'ok' AND setting_batch_size = 1000 GROUP BY backend, seed"
    )
    rows = samples(str(files / name)).query("samples", query).fetchall()
    assert len(rows) == 4
    for median, figure in rows:
        assert median == pytest.approx(figure, rel=1e-15)


def test_no_figure_rests_on_a_failed_trial(files):
    table = pl.read_parquet(files / "samples.parquet").filter(pl.col("status") == "timeout")
    assert table["epoch_counted"].sum() == 0
    assert table["step_time_s"].null_count() == table.height == 15


def test_every_row_says_whether_its_data_are_synthetic(synthetic, content):
    assert long_table.frame(synthetic)["synthetic"].all()
    assert not long_table.frame(content)["synthetic"].any()


def test_columns_without_any_value_keep_their_type(make_record):
    table = long_table.frame(study_of([make_record()]))
    kinds = {name: table.schema[name] for name in ("threads", "probe_before_s", "failure_reason")}
    assert kinds == {
        "threads": pl.Int64,
        "probe_before_s": pl.Float64,
        "failure_reason": pl.String,
    }


class TestSettings:
    def test_are_columns_of_their_own_type(self, content):
        schema = long_table.frame(content).schema
        assert schema["setting_batch_size"] == pl.Int64
        assert schema["setting_learning_rate"] == pl.Float64
        assert schema["engine_jit_compile"] == pl.Boolean

    def test_that_some_trials_lack_are_missing_there(self, make_record):
        records = [make_record(settings={"a": 1}), make_record(settings={"b": 2.5})]
        table = long_table.frame(study_of(records)).unique(["setting_a", "setting_b"])
        assert sorted(table["setting_a"].to_list(), key=str) == [1, None]

    def test_of_several_types_become_json_texts(self, make_record):
        records = [make_record(seed=i, settings={"a": a}) for i, a in enumerate([1, "1", True])]
        table = long_table.frame(study_of(records)).unique("setting_a")
        assert set(table["setting_a"]) == {"1", '"1"', "true"}

    def test_beyond_64_bits_become_texts(self):
        column = long_table._column("x", int, [2**63, None, 1])
        assert column.to_list() == ["9223372036854775808", None, "1"]


def test_hostile_texts_come_back_as_they_were(hostile, hostile_text, tmp_path):
    parquet.write(hostile, tmp_path / "x.parquet")
    comma_separated.write(hostile, tmp_path / "x.csv")
    expected = [hostile_text] * (len(hostile.records[0].epochs) + 1)
    assert pl.read_parquet(tmp_path / "x.parquet")["scenario"].to_list() == expected
    read = duckdb.read_parquet(str(tmp_path / "x.parquet")).select("scenario").fetchall()
    assert [text for (text,) in read] == expected
    read = pl.read_csv(tmp_path / "x.csv", infer_schema=False)["scenario"].to_list()
    assert [undo(text) for text in read] == expected
    read = duckdb.read_csv(str(tmp_path / "x.csv"), all_varchar=True, header=True)
    assert [undo(text) for (text,) in read.select("scenario").fetchall()] == expected


def test_no_text_in_csv_begins_like_a_formula(hostile, tmp_path):
    comma_separated.write(hostile, tmp_path / "x.csv")
    table = pl.read_csv(tmp_path / "x.csv", infer_schema=False)
    numbers = {name for name, kind in long_table.frame(hostile).schema.items() if kind != pl.String}
    for name in set(table.columns) - numbers:
        for text in table[name].drop_nulls():
            assert not text.startswith(tuple(comma_separated.ACTIVE))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_text_survives_csv(tmp_path, make_record, text):
    record = make_record(timed_epochs=0)
    content = study_of([msgspec.structs.replace(record, campaign=text)])
    comma_separated.write(content, tmp_path / "x.csv")
    read = pl.read_csv(tmp_path / "x.csv", infer_schema=False)["campaign"]
    assert [undo(one) for one in read] == [text] * 5
