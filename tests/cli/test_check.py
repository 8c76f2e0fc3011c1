"""`harness check` and `harness scenario new`; what a backend answers is made up here."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from harness import cli
from harness.errors import ExitCode
from harness.launch import check as checking
from harness.launch import environments
from harness.launch.environments import Interpreter
from harness.records.check import Answer, Line
from tests.launch.conftest import SCENARIO

GOOD = {"data": "d", "initial_weights": "w"}


@pytest.fixture
def answers():
    """What each backend answers."""
    line = Line(rule="fit", status="ok", seen="4 steps")
    return {backend: Answer(lines=[line], **GOOD) for backend in ("jax", "torch")}


@pytest.fixture
def folder(tmp_path, monkeypatch, answers):
    """A folder of scenarios on the search path, with a good one in it."""
    made = tmp_path / "mine"
    made.mkdir()
    (made / "throwaway.py").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(made))
    monkeypatch.chdir(tmp_path)

    def find(backend, *_, **__):
        if backend not in answers:
            from harness.errors import UnavailableError

            raise UnavailableError(f"no interpreter has {backend}")
        return [Interpreter(backend=backend, python=Path(sys.executable), origin="test")]

    monkeypatch.setattr(environments, "find", find)
    monkeypatch.setattr(checking, "ask", lambda cell, *_, **__: answers[cell.backend])
    return made


@pytest.fixture
def said(folder, monkeypatch, capsys):  # noqa: ARG001 - the world of every command
    """Exit code and standard output of a command."""

    def said(*words):
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        outcome = capsys.readouterr()
        return int(ended.value.code or 0), " ".join((outcome.out + outcome.err).split())

    return said


def test_a_good_one_keeps_the_contract_on_every_backend(said):
    code, text = said("check", "throwaway")
    assert code == ExitCode.OK, text
    assert "ok same data on jax and torch" in text
    assert "ok same start on jax and torch" in text
    assert text.endswith("it keeps the contract")


def test_a_broken_rule_of_one_backend_is_the_commands_answer(said, answers):
    broken = Line(rule="metric", status="not ok", seen="unknown metric", place="torch")
    answers["torch"] = Answer(lines=[broken])
    code, text = said("check", "throwaway")
    assert code == ExitCode.TRIAL_FAILED
    assert "not ok metric torch: unknown metric" in text
    assert "same data" not in text, "only one backend has any"
    assert text.endswith("1 of 5 not ok")


@pytest.mark.parametrize(
    ("field", "rule"), [("data", "same data"), ("initial_weights", "same start")]
)
def test_what_only_two_backends_tell(said, answers, field, rule):
    answers["torch"] = Answer(lines=[], **GOOD | {field: "another"})
    code, text = said("check", "throwaway")
    assert code == ExitCode.TRIAL_FAILED
    assert f"not ok {rule} jax and torch do not have the same" in text


def test_a_file_that_cannot_be_loaded_breaks_a_rule_with_its_line(said, folder):
    (folder / "throwaway.py").write_text("import os\nimport torch\n", encoding="utf-8")
    code, text = said("check", "throwaway", "--json")
    assert code == ExitCode.TRIAL_FAILED
    document = json.loads(text)
    assert document["keeps_contract"] is False
    (line,) = document["lines"]
    assert (line["rule"], line["status"]) == ("file", "not ok")
    assert line["origin"]["line"] == 2


def test_what_is_still_to_write_is_named(said, folder):
    text = SCENARIO + "\n# To write: the labels\n"
    (folder / "throwaway.py").write_text(text, encoding="utf-8")
    code, text = said("check", "throwaway")
    assert code == ExitCode.TRIAL_FAILED
    assert "still to write: the labels" in text


def test_a_file_in_a_folder_that_is_not_searched_is_checked_too(said, tmp_path):
    other = tmp_path / "other" / "images.py"
    other.parent.mkdir()
    other.write_text(SCENARIO.replace("throwaway", "images"), encoding="utf-8")
    before = os.environ["HARNESS_SCENARIO_PATH"]
    code, text = said("check", other)
    os.environ["HARNESS_SCENARIO_PATH"] = before
    assert code == ExitCode.OK, text
    assert "is not searched for scenarios" in text
    code, text = said("check", "images")
    assert code == ExitCode.USAGE


def test_one_that_hides_a_built_in_is_named(said, folder):
    (folder / "ranking.py").write_text(SCENARIO, encoding="utf-8")
    code, text = said("check", "ranking")
    assert code == ExitCode.USAGE
    assert f"{folder / 'ranking.py'}" in text
    assert "(the built-in one)" in text


def test_a_script_owes_nothing(said, tmp_path):
    (tmp_path / "train.py").write_text("import keras\n", encoding="utf-8")
    code, text = said("check", "train.py")
    assert code == ExitCode.USAGE
    assert "`harness scenario new NAME --from train.py`" in text


def test_a_new_scenario_is_written_where_the_others_are_and_never_over_one(said, folder):
    code, text = said("scenario", "new", "digits")
    assert code == ExitCode.OK, text
    written = (folder / "digits.py").read_text(encoding="utf-8")
    assert text == f"written: {folder / 'digits.py'} next: harness check digits"
    code, text = said("scenario", "new", "digits")
    assert code == ExitCode.USAGE
    assert "there is a scenario digits already" in text
    assert (folder / "digits.py").read_text(encoding="utf-8") == written


def test_without_a_folder_of_scenarios_it_goes_to_one_here(said, monkeypatch, tmp_path):
    monkeypatch.delenv("HARNESS_SCENARIO_PATH")
    code, text = said("scenario", "new", "digits")
    assert code == ExitCode.OK
    assert (tmp_path / "scenarios" / "digits.py").is_file()
    assert f"export HARNESS_SCENARIO_PATH={tmp_path / 'scenarios'}" in text
    code, text = said("scenario", "new", "digits")
    assert code == ExitCode.USAGE
    assert "nothing is overwritten" in text


@pytest.mark.parametrize("name", ["two words", "class", "_hidden", "a-b", "1st", "ranking"])
def test_a_name_that_cannot_be_one_is_refused(said, name):
    code, _ = said("scenario", "new", name)
    assert code == ExitCode.USAGE


def test_what_is_left_to_write_is_said_at_once(said, tmp_path):
    text = "import numpy as np\nx = np.ones((4, 2))\nmodel = f()\nmodel.fit(x, x)\n"
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    code, text = said("scenario", "new", "digits", "--from", "train.py")
    assert code == ExitCode.OK
    assert "still to write: data to test on" in text
    assert "next: after 2 marks, harness check digits" in text


def test_a_file_in_an_encoding_of_its_own_is_read_as_python_reads_it(said, folder):
    text = f"# -*- coding: latin-1 -*-\n# caf\xe9\n{SCENARIO}"
    (folder / "throwaway.py").write_bytes(text.encode("latin-1"))
    code, shown = said("check", "throwaway")
    assert code == ExitCode.OK, shown
