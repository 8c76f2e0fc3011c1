"""The last lines of a run: short, complete in what went wrong, and the answer at the very end."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from harness.analysis.study import study_of
from harness.cli import closing
from harness.cli.folder import about
from harness.cli.options import TypedAgain
from harness.report.sections.answer import answer
from harness.store import folder as store

RESULTS = Path(__file__).parents[2] / "results"
SAID = ["ended since every interval is as narrow as asked", "records: results/local"]


def study(name):
    found = store.load(RESULTS / name)
    return study_of(found.records, about=about(found.records), plans=found.plans)


def shown(of, *, width=80, terminal=False, **how):
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=terminal,
        color_system="standard" if terminal else None,
        **how,
    )
    closing.show(of, SAID, Path("results/local"), console)
    return console.file.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize(
    "name",
    ["reference", "reference-again", "reference-ladder", "reference-sweeps/embedding-rows"],
)
def test_it_fits_into_25_lines_of_80_columns(name, terminal):
    lines = shown(study(name), terminal=terminal).splitlines()
    assert len(lines) <= closing.MOST_LINES
    assert not [line for line in lines if line.strip().startswith("Behind")]


def test_the_answer_is_the_last_thing():
    found = study("reference")
    assert shown(found).splitlines()[-1] == answer(found).sentence
    assert shown(found).splitlines()[-2] == ""


def test_without_an_answer_the_last_line_is_the_one_command_that_gets_it():
    found = study("reference-sweeps/batch-size")
    last = shown(found).splitlines()[-1]
    assert last == f"Next: {answer(found).next_step}"
    assert last.startswith("Next: harness run ranking ")


def test_a_command_is_never_broken():
    found = study("reference-sweeps/batch-size")
    assert f"Next: {answer(found).next_step}" in shown(found, width=40)


def test_relative_step_times_are_those_of_the_sentence():
    text = shown(study("reference"))
    rows = {line.split()[0]: line for line in text.splitlines() if line and line[0] != " "}
    assert "1.00" in rows["jax"]
    assert "1.79× (1.74–1.84)" in rows["tensorflow"]
    assert "2.53× (2.47–2.60)" in rows["torch"]
    assert "1.79× TensorFlow (1.74–1.84), 2.53× PyTorch (2.47–2.60)" in text.replace("\n", " ")


@pytest.mark.parametrize(
    ("name", "caveats"),
    [
        (
            "reference-again",
            (
                "14 of 36 trials never settled to a step time; "
                "other programs were busy before 1 of 36 trials."
            ),
        ),
        (
            "reference-ladder",
            "10 of 132 trials were disturbed; 12 of 132 trials never settled to a step time.",
        ),
    ],
)
def test_caveats_are_one_line_of_what_was_seen(name, caveats):
    (line,) = [line for line in shown(study(name)).splitlines() if "Caveats" in line]
    assert line == f"Caveats: {caveats}"


def test_it_is_coloured_only_where_there_is_colour():
    assert "\x1b[1;32mJAX is fastest" in shown(study("reference"), terminal=True)
    undecided = shown(study("reference-sweeps/batch-size"), terminal=True)
    assert "\x1b[1;33mFrom batch size 256" in undecided
    assert "\x1b" not in shown(study("reference"))
    assert "\x1b[1;32m" not in shown(study("reference"), terminal=True, no_color=True)


def test_a_long_table_is_cut_and_says_so():
    found = study("reference-ladder")
    text = shown(found, width=200)
    assert len(text.splitlines()) <= closing.MOST_LINES
    console = Console(file=io.StringIO(), width=80)
    closing.show(found, [f"line {i}" for i in range(16)], Path("r"), console)
    lines = console.file.getvalue().splitlines()
    assert any(line.startswith("and ") and line.endswith("more in the report") for line in lines)
    assert lines[-1] == answer(found).sentence


@pytest.mark.parametrize(
    ("command", "typed"),
    [
        (
            "harness run ranking --backend jax,tf,torch --results results/interleaved",
            "tox -e verdict",
        ),
        (
            "harness run ranking --backend jax,tf,torch --device cpu --precision 3% --budget 10m",
            "tox -e verdict -- --precision 3% --budget 10m",
        ),
        (
            "harness run ranking --backend jax,torch --resume",
            "tox -e verdict -- --backend jax,torch --resume",
        ),
        (
            "harness run ranking --backend jax,tf,torch --resume --results results/ci",
            "tox -e verdict -- --resume --results results/ci",
        ),
        ("harness run mine --backend jax,torch", "harness run mine --backend jax,torch"),
        ("harness run ranking --device gpu", "harness run ranking --device gpu"),
        ("tox -e tf", "tox -e tf"),
    ],
)
def test_within_tox_the_command_is_one_that_its_reader_can_type(command, typed, monkeypatch):
    monkeypatch.delenv("TOX_ENV_NAME", raising=False)
    assert closing.as_run_here(command) == command
    monkeypatch.setenv("TOX_ENV_NAME", "jax")
    assert closing.as_run_here(command) == typed


@pytest.mark.parametrize(
    ("text", "within"),
    [("Other programs", "other programs"), ("TensorFlow was", "TensorFlow was"), ("JAX", "JAX")],
)
def test_a_caveat_begins_as_within_a_sentence_and_keeps_names(text, within):
    assert closing._lower_first(text) == within


@pytest.mark.parametrize(
    ("advised", "typed", "shown"),
    [
        (
            "harness run train.py --backend jax --resume -- --batch 64",
            TypedAgain("my models/train.py", [("--results", "out")]),
            "harness run 'my models/train.py' --backend jax --resume --results out -- --batch 64",
        ),
        (
            "harness run train.py --backend jax --env a=keras==3.14.0 --results results/other",
            TypedAgain("train.py", [("--env", "a=../keras"), ("--results", "out")]),
            "harness run train.py --backend jax --env a=keras==3.14.0 --results results/other",
        ),
        (
            "harness run ranking --backend jax,tf",
            TypedAgain("dcn", [("--with", "a"), ("--with", "b")]),
            "harness run ranking --backend jax,tf --with a --with b",
        ),
        ("harness doctor", TypedAgain("train.py", [("--with", "x")]), "harness doctor"),
        (
            "tox -e verdict -- --resume",
            TypedAgain("ranking", [("--results", "my out")]),
            "tox -e verdict -- --resume --results 'my out'",
        ),
        (
            "tox -e verdict",
            TypedAgain("ranking", [("--results", "out")]),
            "tox -e verdict -- --results out",
        ),
        ("tox -e tf", TypedAgain("ranking", [("--results", "out")]), "tox -e tf"),
    ],
    ids=[
        "a script elsewhere",
        "what it says itself",
        "several of one option",
        "another command",
        "tox, with options",
        "tox, without",
        "another environment of tox",
    ],
)
def test_the_next_command_is_given_what_was_typed_for_this_one(advised, typed, shown):
    found = SimpleNamespace(sentence="No verdict yet.", settled=False, next_step=advised)
    console = Console(file=io.StringIO(), width=80)
    closing.show_answer(found, console, typed)
    assert console.file.getvalue().endswith(f"\nNext: {shown}\n")
