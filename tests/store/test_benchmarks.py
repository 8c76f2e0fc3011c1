"""Latencies of single operations, read from pytest-benchmark's files."""

from __future__ import annotations

import json
import re

import pytest

from harness.report.sections import operations
from harness.store import benchmarks
from harness.store.merge import merge


def entry(name="test_train_step[ranking]", backend="jax", median=0.002, **changes):
    return {
        "name": name,
        "extra_info": {
            "scenario": "ranking",
            "backend": backend,
            "device": "cpu",
            "keras": "3.15.1",
        },
        "stats": {"median": median, "iqr": 0.0001, "rounds": 200, "mean": 1.0},
    } | changes


@pytest.fixture
def write(tmp_path):
    def make(name, *entries, node="host", at="2026-01-01T00:00:00"):
        path = tmp_path / name
        content = {"machine_info": {"node": node}, "datetime": at, "benchmarks": list(entries)}
        path.write_text(json.dumps(content))
        return path

    return make


def test_operations_against_backends(write):
    names = [
        "test_predict[ranking-1000]",
        "test_predict[3]",
        "test_evaluate_batch",
        "test_train_step",
    ]
    files = [
        write(f"{backend}.json", *(entry(name, backend) for name in names))
        for backend in ("torch", "jax")
    ]
    (table,) = operations.tables(benchmarks.read(files))
    assert [column.header for column in table.columns] == [
        "operation",
        "jax cpu",
        "torch cpu",
        "rounds",
    ]
    assert [row[0] for row in table.rows] == [
        "one training step",
        "evaluate one batch",
        "predict 3 candidates",
        "predict 1,000 candidates",
    ]
    assert table.rows[0][1:] == ["2.00 ms\nIQR 0.10 ms", "2.00 ms\nIQR 0.10 ms", "200"]


def test_an_operation_that_one_backend_lacks_is_left_open(write):
    files = [write("jax.json", entry()), write("torch.json", entry("test_predict[3]", "torch"))]
    (table,) = operations.tables(benchmarks.read(files))
    assert [row[1:3] for row in table.rows] == [
        ["2.00 ms\nIQR 0.10 ms", "—"],
        ["—", "2.00 ms\nIQR 0.10 ms"],
    ]


def test_the_latest_measurement_stands_and_the_others_are_counted(write):
    new = write("a.json", entry(median=0.001), at="2026-02-01T00:00:00")
    old = write("b.json", entry(median=0.009), at="2026-01-01T00:00:00")
    read = benchmarks.read([new, old])
    assert [one.median_s for one in read.operations] == [0.001]
    assert read.superseded == 1


def test_machines_are_never_put_into_one_table(write):
    files = [
        write("a.json", entry(), node="host-00000001"),
        write("b.json", entry(backend="torch"), node="host-00000002"),
    ]
    tables = operations.tables(benchmarks.read(files))
    named = [table.title.rpartition(" ")[2] for table in tables]
    assert named == ["host-00000001", "host-00000002"]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"benchmarks": 1}', '{"benchmarks": [{"name": "x"}]}', "\xff", "null"],
)
def test_a_broken_file_is_named_and_stops_nothing(write, tmp_path, content):
    bad = tmp_path / "bad.json"
    bad.write_bytes(content.encode("latin-1"))
    read = benchmarks.read([bad, write("good.json", entry())])
    assert [file.path for file in read.broken] == [str(bad)]
    assert read.broken[0].reason
    assert len(read.operations) == 1


def test_an_unknown_backend_is_a_broken_file(write):
    read = benchmarks.read([write("a.json", entry(backend="mxnet"))])
    assert "mxnet" in read.broken[0].reason


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("test_train_step", "one training step"),
        ("test_predict[100]", "predict 100 candidates"),
        ("test_predict[3-ranking]", "predict 3 candidates"),
        ("test_predict[ranking-3]", "predict 3 candidates"),
        ("test_something_else[x]", "test_something_else[x]"),
        ("no test\n", r"no test\n"),
    ],
)
def test_operations_are_named_in_words(name, words):
    assert operations.label(name) == words


def test_no_files_are_no_tables():
    assert operations.tables(benchmarks.read([])) == []


class TestNameOfTheMachine:
    def test_one_that_nobody_asked_for_is_withheld(self, write):
        paths = [write("a.json", entry(), node="ada-lovelaces-laptop")]
        (found,) = benchmarks.read(paths).operations
        assert re.fullmatch("host-[0-9a-f]{8}", found.machine)

    def test_machines_are_kept_apart_all_the_same(self, write):
        paths = [write(f"{node}.json", entry(), node=node) for node in ("ada", "grace")]
        assert len({found.machine for found in benchmarks.read(paths).operations}) == 2

    @pytest.mark.parametrize("node", ["host-0123abcd", "unknown"])
    def test_what_is_withheld_already_stays(self, write, node):
        assert benchmarks.read([write("a.json", entry(), node=node)]).operations[0].machine == node

    def test_one_that_was_asked_for_is_kept(self, write):
        path = write("a.json", entry(), node="bench01")
        document = json.loads(path.read_text())
        document["machine_info"][benchmarks.NAMED] = True
        path.write_text(json.dumps(document))
        assert benchmarks.read([path]).operations[0].machine == "bench01"
        assert benchmarks.without_host(path.read_bytes()) == path.read_bytes()

    def test_a_merge_does_not_hand_it_on(self, write, tmp_path):
        source = tmp_path / "from" / "benchmarks"
        source.mkdir(parents=True)
        write("a.json", entry(), node="ada-lovelaces-laptop").rename(source / "jax-cpu.json")
        for _ in range(2):
            merge([tmp_path / "from"], tmp_path / "to")
        (copy,) = (tmp_path / "to" / "benchmarks").iterdir()
        assert "ada" not in copy.read_text()
        assert len(benchmarks.read([copy]).operations) == 1
