"""What every export starts from: an order, a name for each row, and the samples that count."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.analysis.step_time import counted, samples_s, step_time_s
from harness.analysis.study import study_of
from harness.records.trial import Epoch
from harness.report.exports.content import names, warnings
from harness.store.reading import Broken


def test_records_stand_in_the_order_of_their_start(records, content):
    assert study_of(reversed(records)) == content
    assert [r.started_at for r in content.records] == sorted(r.started_at for r in records)


def test_rows_and_their_figures_are_those_of_the_report(records, content):
    assert [group.row for group in content.groups] == study_of(records).rows


def test_a_row_is_named_after_the_folder_of_its_records(content):
    digest = content.groups[0].row.cell.digest
    assert names(content.rows)[0] == f"ranking[jax-cpu-fit-{digest}]"


def test_a_name_stays_the_same_when_a_package_is_upgraded(measured):
    before, after = measured("jax"), measured("jax")
    packages = after.environment.packages | {"keras": "4.0.0"}
    after = msgspec.structs.replace(
        after, environment=msgspec.structs.replace(after.environment, packages=packages)
    )
    assert names(study_of([before]).rows) == names(study_of([after]).rows)
    together = names(study_of([before, after]).rows)
    assert [name.rpartition("] ")[2] for name in together] == ["keras 3.15.1", "keras 4.0.0"]


def test_rows_that_differ_only_beyond_what_is_shown_still_have_names_of_their_own(measured):
    rows = [study_of([measured("jax", "m" * 100 + end)]).groups[0].row for end in "ab"]
    assert len(set(names(rows))) == 2


def test_synthetic_data_stand_in_the_name_and_in_the_notes(synthetic):
    assert names(synthetic.rows)[0].endswith("] SYNTHETIC")
    assert warnings(synthetic)[0].startswith("SYNTHETIC DATA in 1 of 1 trial")


def test_failed_trials_and_broken_files_are_counted_in_the_notes(records):
    notes = warnings(
        study_of(records, broken=[Broken(path="records/x.json", reason="cut off in the middle")])
    )
    assert notes[0].startswith("2 of 6 trials left no measurement")
    assert notes[1].startswith("1 record file could not be read")


def test_no_epoch_of_a_failed_trial_counts(records):
    late = records[-1]
    assert counted(late) == [False] * len(late.epochs)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.floats(1e-4, 10.0), st.booleans(), st.sampled_from([0, 1, 80])),
        max_size=30,
    ),
    st.integers(0, 30),
)
def test_the_median_of_the_samples_that_count_is_the_trials_step_time(make_record, drawn, split):
    record = make_record(
        epochs=[
            Epoch(
                index=i,
                phase="quality" if i < split else "timing",
                steps=steps,
                examples=steps * 1000,
                wall_s=wall_s,
                warm_up=warm_up,
                train_loss=None,
            )
            for i, (wall_s, warm_up, steps) in enumerate(drawn)
        ]
    )
    samples = sorted(samples_s(record))
    if not samples:
        assert step_time_s(record) is None
    else:
        middle = (samples[(len(samples) - 1) // 2] + samples[len(samples) // 2]) / 2
        assert step_time_s(record) == pytest.approx(middle, rel=1e-15)
