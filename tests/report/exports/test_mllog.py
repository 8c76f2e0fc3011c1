"""mlperf_logging, MLPerf's own package, parses the lines."""

from __future__ import annotations

import json

import pytest

from harness.report.exports import mllog
from harness.report.exports.content import gather

parser = pytest.importorskip(
    "mlperf_logging.compliance_checker.mlp_parser", reason="mlperf-logging is in the extra test"
)
from mlperf_logging.mllog import constants  # noqa: E402 - comes with the parser

RULES = "6.1.0"


@pytest.fixture
def parsed(tmp_path):
    """The lines of a content as MLPerf's parser sees them."""

    def read(content):
        mllog.write(content, tmp_path / "x.log")
        lines, errors = parser.parse_file(str(tmp_path / "x.log"), ruleset=RULES)
        assert errors == []
        assert len(lines) == len((tmp_path / "x.log").read_text("ascii").splitlines())
        return lines

    return read


def of(lines, key):
    return [line for line in lines if line.key == key]


def test_every_trial_runs_from_start_to_stop(parsed, content):
    lines = parsed(content)
    assert len(of(lines, constants.RUN_START)) == len(content.records)
    statuses = [line.value["metadata"]["trial_status"] for line in of(lines, constants.RUN_STOP)]
    assert statuses == [record.status for record in content.records]


def test_success_means_that_the_target_was_reached(parsed, make_record, records):
    record = make_record()
    missed = make_record(
        quality=type(record.quality)(
            metric="rmse", direction="lower", value=0.3, target=0.27, time_to_target_s=None
        )
    )
    lines = of(parsed(gather([record, missed, records[4]])), constants.RUN_STOP)
    told = {line.value["metadata"]["trial_status"]: set() for line in lines}
    for line in lines:
        told[line.value["metadata"]["trial_status"]].add(line.value["metadata"]["status"])
    assert told == {"ok": {constants.SUCCESS, constants.ABORTED}, "crashed": {constants.ABORTED}}


def test_raw_samples_and_the_metric_are_those_of_the_record(parsed, content):
    lines, epochs = parsed(content), [e for r in content.records for e in r.epochs]
    stops = [line.value["metadata"] for line in of(lines, constants.EPOCH_STOP)]
    assert [stop["wall_s"] for stop in stops] == [epoch.wall_s for epoch in epochs]
    accuracies = [line.value["value"] for line in of(lines, constants.EVAL_ACCURACY)]
    assert accuracies == [epoch.metric for epoch in epochs if epoch.metric is not None]


def test_time_never_runs_backwards_within_a_trial_and_begins_when_the_trial_did(parsed, content):
    trials = {}
    for line in parsed(content):
        name = json.loads(line.full_string.removeprefix(parser_token()))["namespace"]
        trials.setdefault(name, []).append(line.timestamp)
    assert len(trials) == len(content.records)
    for stamps in trials.values():
        assert stamps == sorted(stamps)
    assert min(min(stamps) for stamps in trials.values()) == 1_767_225_600_000


def parser_token():
    return f"{mllog.PREFIX} "


def test_settings_have_mlperfs_names_where_it_has_one(parsed, content):
    lines = parsed(content)
    assert of(lines, constants.GLOBAL_BATCH_SIZE)[0].value["value"] == 1000
    assert of(lines, constants.OPT_BASE_LR)[0].value["value"] == 0.1
    assert of(lines, "setting_embedding_dimension")[0].value["value"] == 32


def test_synthetic_data_are_said_on_every_line(parsed, synthetic, content):
    assert all(line.value["metadata"]["synthetic"] for line in parsed(synthetic))
    assert not any(line.value["metadata"]["synthetic"] for line in parsed(content))


def test_hostile_strings_break_no_line_and_come_back_as_they_were(parsed, hostile, hostile_text):
    lines = parsed(hostile)
    assert of(lines, constants.SUBMISSION_BENCHMARK)[0].value["value"] == hostile_text
    assert of(lines, constants.RUN_STOP)[1].value["metadata"]["failure"] == hostile_text
    assert of(lines, "setting_x")[0].value["value"] == hostile_text
