"""What a report reads of the comparisons that ``harness parity`` left."""

from __future__ import annotations

import json

import pytest
from harness.report.parity_found import read


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


@pytest.mark.usefixtures("comparison")
def test_verdicts_are_read_in_words(tmp_path):
    (found,) = read(tmp_path).compared
    assert found.lines == ["ranking, seed 42: the same model."]


def test_a_folder_without_comparisons_has_none(tmp_path):
    assert read(tmp_path).compared == []
    assert read(tmp_path / "nowhere").compared == []


@pytest.mark.parametrize(
    "content", ["", "{", '{"schema": 9, "scenario": "x", "seed": 1, "pairs": []}']
)
def test_a_verdict_that_cannot_be_read_is_named_and_stops_nothing(tmp_path, comparison, content):
    (comparison / "verdict.json").write_text(content)
    found = read(tmp_path)
    assert found.compared == []
    assert found.broken[0].path.endswith("verdict.json")
