"""The report in a terminal: it fits, it can be copied, and it needs no colour."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.analysis.study import study_of
from harness.report.outputs import markdown, terminal
from harness.report.sections.compose import compose
from tests.report.made_up import campaign


@pytest.fixture
def document(measured, about):
    records = [
        measured(backend, seed=seed, value=0.25 + seed / 100, step_time_s=0.001 * place)
        for place, backend in enumerate(("jax", "tensorflow", "torch"), start=1)
        for seed in (1, 2)
    ]
    return compose(study_of(records, about=about))


def test_the_main_table_is_one_table_in_100_columns(document, printed):
    lines = printed(document, 100).splitlines()
    heading = next(line for line in lines if line.startswith("backend"))
    assert heading.split()[:3] == ["backend", "time", "examples/s"]
    assert max(len(line.rstrip()) for line in lines) <= 100


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_line_but_a_command_is_wider_than_the_terminal(document, printed, width):
    for line in printed(document, width).splitlines():
        assert len(line.rstrip()) <= width or line.startswith("    harness run")


def test_what_all_rows_have_in_common_is_said_once(document, printed):
    shown = " ".join(printed(document, 100).split())
    assert "(device cpu; first step 500 ms; peak memory 600 MB; test RMSE" in shown


def test_where_it_is_too_wide_some_columns_are_below_the_table(document, printed):
    told = [printed(document, width) for width in range(24, 60)]
    assert any("examples/s:\n- jax: " in shown for shown in told)


def test_where_no_table_fits_every_row_is_a_list(document, printed):
    shown = printed(document, 18)
    assert "- torch\n    step time:\n      3.00 ms,\n      3.00–3.00\n" in shown


def test_a_command_stands_on_a_line_of_its_own_and_is_never_broken(document, printed):
    lines = printed(document, 40).splitlines()
    assert any(
        line.startswith("    harness run ranking --backend jax,tf,torch --") for line in lines
    )


def test_colour_carries_no_meaning(document):
    coloured = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="truecolor")
    terminal.show(document, coloured)
    # Bold and underline only, so that nothing is lost without them.
    assert "\x1b[3" not in coloured.file.getvalue()


def test_a_log_without_a_terminal_gets_100_columns(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert terminal.console().width == 100


def test_the_first_screen_of_80_columns_answers_the_readers_questions(about, printed):
    document = compose(study_of(list(campaign(rounds=10)), about=about))
    for first in (
        printed(document, 80).splitlines()[:24],
        markdown.render(document).splitlines()[:12],
    ):
        shown = " ".join(" ".join(first).split())
        assert "JAX is fastest here: 2" in shown
        assert "All three learn the same." in shown
        for question in (
            "Do they learn the same? Yes: ",
            "Can I believe it? 95% intervals",
            "What does it cost? Peak memory: JAX",
            "First step: JAX",
            "What was compared? ranking, fit on the CPU: keras",
            "What next? Repeat it:",
        ):
            assert question in shown
