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
    known = [one for one in FIGURES if one.read(record) is not None and one.better is not None]
    assert {one.label for one in known} <= told


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


def test_cpu_time_is_that_of_the_epochs_that_count(make_record):
    silent = make_record()
    assert BY_KEY["cpu_step_s"].read(silent) is BY_KEY["busy_cores"].read(silent) is None
    epochs = [
        msgspec.structs.replace(e, cpu_s=(9.0 if e.warm_up else 1.5) * e.wall_s)
        for e in silent.epochs
    ]
    told = msgspec.structs.replace(silent, epochs=epochs)
    assert BY_KEY["busy_cores"].read(told) == pytest.approx(1.5)
    assert BY_KEY["cpu_step_s"].read(told) == pytest.approx(1.5 * step_time_s(told))
    row = study_of([told]).rows[0]
    assert row.busy_cores.value == pytest.approx(1.5)
    # More cores are neither better nor worse.
    assert "busy cores" not in {one.name for one in measures(study_of([told]).groups[0])}
