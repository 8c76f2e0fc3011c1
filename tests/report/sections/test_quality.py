"""What the section on quality shows beside verdicts."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.study import study_of
from harness.report.sections import quality

HEADING = "Beside the metric"


@pytest.fixture
def tables(measured, about):
    def build(*others, **changes):
        records = []
        for seed, more in enumerate(others, 42):
            record = measured(seed=seed, **changes)
            told = msgspec.structs.replace(record.quality, others=more)
            records.append(msgspec.structs.replace(record, quality=told))
        found = quality.tables(study_of(records, about=about).answers, about)
        return [table for table in found if table.title.startswith(HEADING)]

    return build


def test_what_an_evaluation_gave_beside_the_metric_is_shown_by_name(tables):
    (table,) = tables({"top_k_accuracy": 0.02, "loss": 0.5}, {"top_k_accuracy": 0.03, "loss": 0.7})
    assert [column.header for column in table.columns][-3:] == ["metric", "value", "seeds"]
    assert [row[-3:] for row in table.rows] == [
        ["loss", "0.60000\n0.50000–0.70000", "2"],
        ["top_k_accuracy", "0.02500\n0.02000–0.03000", "2"],
    ]


def test_a_trial_that_lacks_one_or_has_no_number_counts_only_where_it_has_one(tables):
    (table,) = tables({"loss": 0.5, "recall": 0.1}, {"loss": float("nan")}, {"loss": 0.7})
    assert [row[-3:] for row in table.rows] == [
        ["loss", "0.60000\n0.50000–0.70000", "2"],
        ["recall", "0.10000", "1"],
    ]


def test_without_any_there_is_no_table(tables):
    assert tables({}, {}) == []


def test_a_name_cannot_break_out_of_its_cell(tables):
    (table,) = tables({"a\n\x1b[2Jb": 1.0})
    assert "\x1b" not in table.rows[0][-3]
    assert "\n" not in table.rows[0][-3]
