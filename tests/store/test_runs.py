"""What is read of the runs that ``harness parity`` and ``harness anatomy`` left."""

from __future__ import annotations

import json

import msgspec
import pytest

from harness.store.folder import load
from harness.store.runs import read_anatomy, read_parity


@pytest.fixture
def comparison(tmp_path):
    folder = tmp_path / "parity" / "ranking" / "seed-42-1"
    folder.mkdir(parents=True)
    said = {
        "schema": 1,
        "scenario": "ranking",
        "seed": 42,
        "pairs": [
            {"first": "jax", "second": "torch", "verdict": "same", "says": "the same model."}
        ],
        "more": "that a newer harness may add",
    }
    (folder / "verdict.json").write_text(json.dumps(said))
    return folder


def read(root):
    return read_parity(load(root).parity)


@pytest.mark.usefixtures("comparison")
def test_verdicts_are_read_in_words(tmp_path):
    (run,) = read(tmp_path).runs
    assert [pair.says for pair in run.verdict.pairs] == ["the same model."]


def test_a_folder_without_comparisons_has_none(tmp_path):
    assert read(tmp_path).runs == []
    assert read(tmp_path / "nowhere").runs == []


@pytest.mark.parametrize(
    "content", ["", "{", '{"schema": 9, "scenario": "x", "seed": 1, "pairs": []}']
)
def test_a_verdict_that_cannot_be_read_is_named_and_stops_nothing(tmp_path, comparison, content):
    (comparison / "verdict.json").write_text(content)
    found = read(tmp_path)
    assert found.runs == []
    assert found.broken[0].path.endswith("verdict.json")


def test_a_record_that_cannot_be_read_leaves_its_comparison_out_and_is_named(tmp_path, comparison):
    (comparison / "jax-cpu.json").write_text("{")
    found = read(tmp_path)
    assert found.runs == []
    assert [file.path for file in found.broken] == [str(comparison / "jax-cpu.json")]


def test_anatomies_are_found_at_any_depth_and_broken_ones_named(tmp_path, make_anatomy_record):
    folder = tmp_path / "campaign" / "anatomy" / "ranking" / "run-1"
    folder.mkdir(parents=True)
    (folder / "jax-cpu-1.json").write_bytes(msgspec.json.encode(make_anatomy_record()))
    (folder / "jax-cpu-2.json").write_text("{")
    (folder / "jax-cpu-3.json").write_text('{"schema": 9}')
    found = read_anatomy(load(tmp_path).anatomy)
    assert found.records == [make_anatomy_record()]
    assert [file.reason for file in found.broken] == [
        "cut off in the middle",
        "written in schema 9; this harness reads 1",
    ]
