"""The figures of a trial: one list, from which every output reads."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.figures import BY_KEY, FIGURES, read_all
from harness.analysis.rows import Row
from harness.analysis.step_time import counted, examples_per_s, samples_s, step_time_s
from harness.analysis.study import study_of
from harness.report.exports.columns import OF_TRIAL
from harness.report.exports.measures import measures


def test_every_figure_is_a_field_of_a_row_a_column_and_a_measure(make_record):
    record = make_record(memory=None)
    assert set(read_all(record)) <= set(Row.__struct_fields__)
    assert set(BY_KEY) <= {column.name for column in OF_TRIAL}
    (group,) = study_of([record]).groups
    told = {measure.name for measure in measures(group)}
    assert {one.label for one in FIGURES if one.read(record) is not None} <= told


@pytest.mark.parametrize("status", ["crashed", "timeout", "killed", "interrupted"])
def test_a_trial_that_failed_at_its_exit_has_no_step_time_anywhere(make_record, status):
    good = make_record()
    record = msgspec.structs.replace(good, status=status)
    assert step_time_s(good) is not None
    assert step_time_s(record) is examples_per_s(record) is None
    assert samples_s(record) == []
    assert counted(record) == [False] * len(record.epochs)
    (column,) = [column for column in OF_TRIAL if column.name == "step_time_s"]
    assert column.of(record) is None
    assert study_of([record]).rows[0].step_time_s is None
