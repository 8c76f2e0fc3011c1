"""What a person sees while a campaign runs: a bar on a terminal, a line for each trial in a log."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from harness.cli.progress import Lines, figures, progress, time_left
from harness.launch.campaign.steering import standing
from harness.records.plan import PlannedTrial
from harness.records.trial import Failure, SourceLine
from harness.scenario import Metric
from harness.store.folder import Saved
from tests.launch.fakes import environment, make_plan, noise

METRIC = Metric(
    name="root_mean_squared_error",
    label="test RMSE",
    direction="lower",
    reference=None,
    source="",
    target=None,
    tolerance=0.1,
)


@pytest.fixture
def good(make_record):
    return make_record(step_time_s=0.00173, value=0.2593, duration_s=12.4)


@pytest.fixture
def failed(make_record):
    output = "\n".join(f"line {i}" for i in range(9)) + "\n[bold]\x1b[31mred"
    failure = Failure(reason="ended with exit code 3", exit_code=3, output_tail=output)
    return make_record(status="crashed", failure=failure, duration_s=2.0)


def shown(records, *, terminal, width=100, **how):
    console = Console(
        file=io.StringIO(), force_terminal=terminal, width=width, color_system=None, highlight=False
    )
    cells = list({record.cell.digest: record.cell for record in records}.values())
    plan = make_plan(cells, rounds=None, precision=0.02)
    with progress(console, METRIC, **how) as observer:
        total = len(records)
        for number, record in enumerate(records, start=1):
            trial = PlannedTrial(cell=record.cell, seed=record.seed, round=1)
            observer.starting([trial], number=number, total=total, left_s=100.0)
            observer.finished(
                Saved(path=Path("r.json"), record=record),
                number=number,
                total=total,
                left_s=90.0,
                standing=standing(plan, records[:number]),
            )
    return console.file.getvalue()


def test_a_good_trial_is_one_line_with_step_time_and_quality(good):
    assert list(Lines(METRIC).of(Saved(path=Path("r.json"), record=good))) == [
        "jax cpu fit, seed 1: 1.73 ms per step, test RMSE 0.25930 (12 s)"
    ]


def test_a_failed_trial_is_shown_with_its_last_lines_made_harmless(failed):
    first, *tail = Lines(METRIC).of(Saved(path=Path("r.json"), record=failed))
    assert first == "jax cpu fit, seed 1: crashed: ended with exit code 3 (2 s)"
    assert tail == [f"    | line {i}" for i in (5, 6, 7, 8)] + ["    | [bold]\\x1b[31mred"]


def test_a_record_that_was_kept_elsewhere_is_named_at_once(good):
    saved = Saved(path=Path("/elsewhere/r.json"), record=good, trouble="results is full")
    assert list(Lines(METRIC).of(saved))[1] == (
        "    its record is kept in /elsewhere/r.json, because results is full"
    )


def test_a_trial_without_a_quality_shows_a_dash(make_record):
    assert figures(make_record(quality=None, epochs=[]), METRIC) == "— per step, test RMSE —"


def test_a_log_gets_a_line_for_each_trial_with_the_time_left(good, failed):
    first, *_, last = shown([good, failed], terminal=False).splitlines()
    assert first.endswith("(12 s, about 1 min 30 s left)")
    assert last == "    | [bold]\\x1b[31mred"


@pytest.fixture
def rounds(make_record):
    """Rounds of two backends; torch takes twice as long."""

    def make(count, **changes):
        return [
            make_record(
                backend=backend,
                step_time_s=step_s * (1 + number / 1000),
                round=number,
                run_id="run-1",
                environment=environment(),
                **changes,
            )
            for number in range(1, count + 1)
            for backend, step_s in (("jax", 0.002), ("torch", 0.004))
        ]

    return make


def test_a_disturbed_trial_says_by_what(rounds):
    output = shown(rounds(1, noise=noise(foreign_cores=1.0)), terminal=False)
    assert "    disturbed: other programs used 1.0 of 2 cores beside it\n" in output


def test_a_log_tells_each_step_time_with_its_interval_after_a_round(rounds):
    output = shown(rounds(4), terminal=False)
    assert output.count("so far") == 1, "there is no interval before the fourth round"
    assert output.splitlines()[-1] == (
        "  so far: jax cpu fit 2.00 ms (2.00–2.01), torch cpu fit 4.01 ms (4.00–4.02); "
        "ratios known to ±0.0%"
    )


def test_a_terminal_gets_the_same_lines_and_a_table_below_them(rounds):
    output = shown(rounds(4), terminal=True)
    assert "torch cpu fit, seed 1: 4.00 ms per step, test RMSE 0.25900 (12 s)" in output
    assert "round 1: torch cpu fit, seed 1; ratios known to ±0.0%" in output
    assert re.search(r"trial 8 of 8 0:00:0\d about 1 min \d+ s left", output)
    (row,) = {line.rstrip() for line in output.splitlines() if "4.00–4.02" in line}
    assert row.split() == ["torch", "cpu", "fit", "4", "4.01", "ms", "4.00–4.02"]


def test_the_number_of_trials_is_an_estimate_where_the_intervals_decide(rounds):
    assert "trial 8 of about 8" in shown(rounds(4), terminal=True, adaptive=True)


@pytest.mark.parametrize(
    ("left_s", "said"),
    [
        (90.0, "about 1 min 30 s left"),
        (0.2, "about 0 s left"),
        (-45.0, "45 s longer than expected"),
        (-360.0, "6 min 00 s longer than expected"),
    ],
)
def test_a_forecast_that_was_too_short_is_admitted(left_s, said):
    assert time_left(left_s) == said


def test_lines_break_between_words_on_a_terminal_and_nowhere_in_a_log(rounds):
    records = rounds(4, noise=noise(foreign_cores=1.0))
    narrow = shown(records, terminal=True, width=40)
    lines = [line.rstrip() for line in narrow.splitlines()]
    assert any(line.endswith("    disturbed: other programs used 1.0") for line in lines)
    assert any(line.endswith("of 2 cores beside it") for line in lines)
    assert "    disturbed: other programs used 1.0 of 2 cores beside it\n" in shown(
        records, terminal=False, width=40
    )


class TestFailuresAlike:
    LINE = SourceLine(path="/mine/images.py", line=3, text="return x @ w")

    def of(self, records):
        told = Lines(METRIC)
        saved = [Saved(path=Path("r.json"), record=record) for record in records]
        return [list(told.of(one)) for one in saved]

    def test_of_those_that_failed_alike_the_first_says_why(self, make_record):
        why = Failure(reason="images.py, line 3: ValueError: x", origin=self.LINE, output_tail="y")
        first, second = self.of(
            [make_record(status="failed", seed=seed, failure=why) for seed in (1, 2)]
        )
        assert first == [
            "jax cpu fit, seed 1: failed: images.py, line 3: ValueError: x (12 s)",
            "    | /mine/images.py:3",
            "    |     return x @ w",
        ]
        assert second == ["jax cpu fit, seed 2: failed as jax cpu fit, seed 1 (12 s)"]

    def test_other_words_at_the_same_line_show_the_line_once(self, make_record):
        first, second = self.of(
            [
                make_record(
                    status="failed",
                    backend=backend,
                    failure=Failure(reason=f"images.py, line 3: {words}", origin=self.LINE),
                )
                for backend, words in (("jax", "TypeError: a"), ("torch", "RuntimeError: b"))
            ]
        )
        assert len(first) == 3
        assert second == [
            "torch cpu fit, seed 1: failed: images.py, line 3: RuntimeError: b (12 s)"
        ]

    def test_other_reasons_are_told_each(self, make_record):
        told = self.of(
            [
                make_record(
                    status="crashed", seed=seed, failure=Failure(reason=why, output_tail=why)
                )
                for seed, why in ((1, "a"), (2, "b"), (3, "a"))
            ]
        )
        assert [len(lines) for lines in told] == [2, 2, 1]
        assert told[2][0].startswith("jax cpu fit, seed 3: crashed as jax cpu fit, seed 1 (")


def test_a_scenario_that_was_changed_since_the_first_trial_is_said_once(make_record):
    told = Lines(METRIC)
    changed = [
        "changed"
        in " ".join(told.of(Saved(path=Path("r.json"), record=make_record(scenario_sha256=sha256))))
        for sha256 in ("a", "a", None, "b", "b")
    ]
    assert changed == [False, False, False, True, False]
