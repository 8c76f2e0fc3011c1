"""Of a long traceback the user's own line is told."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

import pytest

import harness
from harness.errors import HarnessError
from harness.source_line import place, source_line
from harness.trial.failure import failure
from tests.launch.conftest import SCENARIO


def caught(path, text):
    """The error that running ``text`` as the file ``path`` ends with."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    try:
        exec(compile(text, str(path), "exec"), {"__name__": "mine"})  # noqa: S102 - a text of this test
    except Exception as error:  # noqa: BLE001
        return error
    raise AssertionError("it raised nothing")


LIBRARY = "import json\ndef read(text):\n    return json.loads(\n        text)\n\nread('{')\n"


def test_it_is_the_deepest_below_the_folder_not_the_librarys(tmp_path):
    error = caught(tmp_path / "images.py", LIBRARY)
    line = source_line(error, tmp_path)
    assert isinstance(error, json.JSONDecodeError)
    assert (Path(line.path), line.line) == (tmp_path / "images.py", 3)
    assert line.text == "return json.loads("
    assert place(line, tmp_path) == "images.py, line 3"


def test_what_is_installed_below_the_folder_is_not_the_users(tmp_path):
    inside = tmp_path / ".venv" / "lib" / "site-packages" / "keras" / "layers.py"
    caught(inside, "def call():\n    raise ValueError('a shape')\ncall()")
    outer = f"import runpy\nrunpy.run_path({str(inside)!r})\n"
    line = source_line(caught(tmp_path / "images.py", outer), tmp_path)
    assert (Path(line.path).name, line.line) == ("images.py", 2)


def test_the_harness_is_not_the_users_even_below_the_folder(tmp_path):
    text = "from harness.data import split\nsplit.random_split('x', seed=1)\n"
    root = Path(harness.__file__).parents[1]
    error = caught(tmp_path / "images.py", text)
    deepest = traceback.extract_tb(error.__traceback__)[-1].filename
    assert Path(deepest).is_relative_to(root / "harness")
    assert not Path(source_line(error, root).path).is_relative_to(root / "harness")


def test_without_one_below_the_folder_it_is_the_deepest_that_nobody_installed(tmp_path):
    error = caught(tmp_path / "helpers" / "shapes.py", LIBRARY)
    line = source_line(error, tmp_path / "mine")
    assert (Path(line.path).name, line.line) == ("shapes.py", 3)


def test_of_a_syntax_error_it_is_the_line_that_cannot_be_read(tmp_path):
    line = source_line(caught(tmp_path / "images.py", "x = 1\ny = = 2\n"), tmp_path)
    assert (line.line, line.text) == (2, "y = = 2")


def test_an_error_from_nowhere_has_none(tmp_path):
    assert source_line(RuntimeError("never raised"), tmp_path) is None


@pytest.fixture
def mine(tmp_path, monkeypatch):
    (tmp_path / "throwaway.py").write_text(SCENARIO, encoding="utf-8")
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", str(tmp_path))
    return tmp_path


def test_a_record_of_a_failure_begins_with_the_users_line(mine):
    error = caught(mine / "throwaway.py", LIBRARY)
    told = failure(error, "throwaway")
    assert told.reason.startswith("throwaway.py, line 3: JSONDecodeError: Expecting property")
    assert told.origin.text == "return json.loads("
    assert "Traceback" in told.output_tail


@pytest.mark.usefixtures("mine")
def test_a_mistake_that_explains_itself_needs_no_line():
    told = failure(HarnessError("write it otherwise"), "throwaway")
    assert (told.reason, told.origin, told.output_tail) == ("write it otherwise", None, "")


@pytest.mark.usefixtures("mine")
def test_a_scenario_that_cannot_be_found_any_more_is_no_second_error(monkeypatch):
    monkeypatch.setenv("HARNESS_SCENARIO_PATH", "/not/there")
    assert failure(RuntimeError("x"), "throwaway").reason == "RuntimeError: x"
