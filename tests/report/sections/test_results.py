"""The main table, and the line that says how to read two of its columns together."""

from __future__ import annotations

import datetime as dt

from harness.analysis.study import study_of
from harness.report.sections.results import section
from tests.report.made_up import BEGAN, campaign


def test_where_step_times_and_relative_order_two_differently_a_line_says_by_which_to_compare(about):
    both = list(campaign(rounds=8, backends=("jax", "tensorflow")))
    later = BEGAN + dt.timedelta(hours=1)
    hot = {"jax": 4.0}  # more trials of one backend, on a machine that had become slower
    more = list(campaign(rounds=30, backends=("jax",), run_id="run-2", began=later, slower=hot))

    (text,) = section(study_of(both, about=about)).paragraphs
    assert "Compare" not in text

    made = section(study_of([*both, *more], about=about))
    (text,) = made.paragraphs
    assert (
        "Compare jax and tensorflow under fit by relative, not by step time: relative takes the "
        "rounds that both have, a step time all trials of its row." in text
    )
    heads = [column.header for column in made.tables[0].columns]
    jax, tensorflow, *_ = (row[heads.index("relative")] for row in made.tables[0].rows)
    assert jax == "1.00" < tensorflow
