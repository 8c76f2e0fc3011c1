"""Bencher Metric Format, held against what Bencher publishes of it.

Bencher's command line is in no Python or npm registry. The schema says what
https://bencher.dev/bmf.json says, and in addition the limits of the reference page.
"""

from __future__ import annotations

import json

import jsonschema
import pytest

from harness.analysis.study import study_of
from harness.report.exports import bencher
from harness.report.exports.content import names

METRIC = {
    "type": "object",
    "required": ["value"],
    "properties": {name: {"type": "number"} for name in ("value", "lower_value", "upper_value")},
    "additionalProperties": False,
}
MEASURES = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 64},
    "additionalProperties": METRIC,
}
BMF = {
    "type": "object",
    "propertyNames": {"minLength": 1, "maxLength": 1024},
    "additionalProperties": MEASURES,
}


@pytest.fixture
def bmf(tmp_path):
    """The file of a content, checked."""

    def read(content):
        assert bencher.write(content, tmp_path / "x.json") == []
        found = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
        jsonschema.validate(found, BMF)
        return found

    return read


def test_latency_is_the_step_time_in_nanoseconds_with_the_range_of_trials(bmf, content):
    figure = content.groups[0].row.step_time_s
    assert bmf(content)[names(content.rows)[0]]["latency"] == {
        "value": figure.value * 1e9,
        "lower_value": figure.low * 1e9,
        "upper_value": figure.high * 1e9,
    }


def test_other_measures_are_named_with_their_unit(bmf, content):
    row, measures = content.groups[0].row, bmf(content)[names(content.rows)[0]]
    assert measures["first-step-seconds"]["value"] == row.first_step_s.value
    assert measures["peak-memory-bytes"]["value"] == row.peak_rss_bytes.value
    assert measures["examples-per-second"]["value"] == row.examples_per_s.value
    assert measures["quality-root-mean-squared-error"]["value"] == row.quality.value


def test_a_single_trial_has_no_range(bmf, make_record):
    (measures,) = bmf(study_of([make_record()])).values()
    assert set(measures["latency"]) == {"value"}


def test_failed_trials_are_a_measure_also_where_there_is_nothing_else(bmf, records):
    content = study_of([records[0], records[4]])
    jax, torch = sorted(names(content.rows))
    found = bmf(content)
    assert found[jax]["failed-trials"] == {"value": 0}
    assert found[torch] == {"failed-trials": {"value": 1}}


def test_synthetic_data_are_said_in_the_name(bmf, synthetic):
    assert all("SYNTHETIC" in name for name in bmf(synthetic))


def test_hostile_strings_stay_within_what_bencher_takes(bmf, hostile):
    (name,) = bmf(hostile)
    assert name.isprintable()
    assert not name.endswith("-bencher-ignore")  # would silence alerts
