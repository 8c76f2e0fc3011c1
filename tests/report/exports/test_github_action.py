"""What github-action-benchmark's customSmallerIsBetter takes.

The action is not in a package registry, so the entries are held against the fields that its
documentation and its ``BenchmarkResult`` name.
"""

from __future__ import annotations

import json

import jsonschema
import pytest

from harness.analysis.study import study_of
from harness.report.exports import github_action
from harness.report.exports.content import names

ENTRIES = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["name", "unit", "value"],
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "unit": {"type": "string", "minLength": 1},
            "value": {"type": "number"},
            "range": {"type": "string"},
            "extra": {"type": "string"},
        },
        "additionalProperties": False,
    },
}


@pytest.fixture
def entries(tmp_path):
    """The entries of a content by name, checked, and what was said."""

    def read(content):
        said = github_action.write(content, tmp_path / "x.json")
        found = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
        jsonschema.validate(found, ENTRIES)
        by_name = {entry["name"]: entry for entry in found}
        assert len(by_name) == len(found)
        return by_name, said

    return read


def test_figures_are_those_of_the_report(entries, content):
    found, _ = entries(content)
    row, name = content.groups[0].row, names(content.rows)[0]
    step = found[f"{name}: step time"]
    assert (step["value"], step["unit"]) == (row.step_time_s.value, "s")
    assert step["range"] == f"{row.step_time_s.low!r} to {row.step_time_s.high!r}"
    assert found[f"{name}: peak memory"]["unit"] == "bytes"
    assert found[f"{name}: quality root_mean_squared_error"]["value"] == row.quality.value


def test_only_what_is_better_when_smaller_stands_there_and_the_rest_is_named(entries, make_record):
    record = make_record()
    quality = {"metric": "ndcg", "direction": "higher", "value": 0.4}
    record = make_record(quality=type(record.quality)(**quality))
    found, said = entries(study_of([record]))
    assert not [name for name in found if "ndcg" in name or "examples" in name]
    assert said == [
        "Left out, since smaller is not better for it: examples per second, quality ndcg."
    ]


def test_failed_trials_are_a_figure_too_also_where_there_is_nothing_else(entries, records):
    found, _ = entries(study_of([records[0], records[4]]))
    counts = {name: entry["value"] for name, entry in found.items() if "failed" in name}
    assert [counts[name] for name in sorted(counts)] == [0, 1]  # jax, torch
    assert len([name for name in found if name.startswith("ranking[torch")]) == 1


def test_synthetic_data_are_said_in_name_and_tooltip(entries, synthetic):
    found, _ = entries(synthetic)
    for name, entry in found.items():
        assert "SYNTHETIC" in name
        assert "SYNTHETIC DATA" in entry["extra"]


def test_hostile_strings_stay_text_of_one_line(entries, hostile):
    found, _ = entries(hostile)
    for name, entry in found.items():
        assert name.isprintable()
        assert all(line.isprintable() for line in entry["extra"].split("\n"))
        assert entry["extra"].count("\n") < 10
