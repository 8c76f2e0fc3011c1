"""The harness in a notebook: a folder is loaded, and says what every report says."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

import harness
from harness.cli import app
from harness.errors import UnavailableError
from harness.report.exports import columns, dictionary
from harness.store import folder as store

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "results" / "reference"


@pytest.fixture(scope="module")
def study():
    return harness.load(REFERENCE)


def test_the_answer_and_the_verdicts_are_those_of_the_report(study, tmp_path):
    report = ["report", str(REFERENCE), "--json", "--no-titles"]
    files = ["--output", str(tmp_path / "r.md"), "--html", str(tmp_path / "r.html")]
    told = json.loads(CliRunner().invoke(app, [*report, *files]).stdout)
    assert study.answer.sentence == told["answer"]["sentence"]
    assert [one.verdict.ratio for one in study.verdicts] == [
        pair["speed"]["verdict"]["ratio"] for pair in told["verdicts"]
    ]
    assert len(study.rows) == len(told["rows"])


def test_a_folder_may_be_named_by_a_text(study):
    assert harness.load(str(REFERENCE)).answer.sentence == study.answer.sentence


def test_a_folder_that_is_not_there_says_so(tmp_path):
    with pytest.raises(UnavailableError, match="does not exist"):
        harness.load(tmp_path / "nowhere")


class Texts(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.texts = [], []

    def handle_starttag(self, tag, attrs):
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_a_cell_of_a_notebook_shows_the_answer_and_the_table(study):
    page = Texts()
    page.feed(study._repr_html_())
    assert page.open == []
    assert page.texts[0] == study.answer.sentence
    assert {"jax", "tensorflow", "torch", "step time", "1.62 ms"} <= set(page.texts)


def test_what_records_say_is_text_and_never_markup(tmp_path, make_record):
    record = make_record()
    settings = {**record.cell.settings, "data": "<script>alert(1)</script>"}
    cell = msgspec.structs.replace(record.cell, settings=settings)
    store.save(tmp_path / "r", msgspec.structs.replace(record, cell=cell))
    shown = harness.load(tmp_path / "r")._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_every_epoch_is_a_row_of_the_long_table(study):
    pytest.importorskip("polars", reason="polars: extra report")
    table = study.to_polars()
    assert table.height == sum(max(1, len(record.epochs)) for record in study.records)
    named = {c.name for c in (*columns.OF_TRIAL, *columns.OF_EPOCH)} | {columns.COUNTED}
    others = {name for name in table.columns if name not in named}
    assert named <= set(table.columns)
    assert all(name.startswith((columns.SETTING, columns.ENGINE)) for name in others)


def test_the_data_dictionary_is_that_of_the_columns():
    page = (ROOT / "docs" / "columns.md").read_text(encoding="utf-8")
    assert page == "\n".join(dictionary.lines()) + "\n"


def test_the_data_dictionary_speaks_of_no_column_that_is_not_there():
    named = [c.name for c in (*columns.OF_TRIAL, *columns.OF_EPOCH)]
    assert set(dictionary.MEANINGS) == {*named, columns.COUNTED}


def test_importing_the_harness_imports_nothing_else_of_it():
    lines = (
        "import sys; before = set(sys.modules); import harness; "
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", lines], check=True, capture_output=True, text=True)
    assert set(done.stdout.split()) <= {"harness", "__future__"}


def test_the_package_says_that_it_has_types():
    assert (ROOT / "harness" / "py.typed").exists()
