"""The page: one file that says what the terminal says, loads nothing, and runs only our script."""

from __future__ import annotations

import base64
import hashlib
import html as entities
import json
import re

import msgspec
import pytest

from harness.report.outputs import markdown
from harness.report.table import condensed
from tests.report.elements import Elements
from tests.report.made_up import campaign, failed

FIGURE = re.compile(r"\d[\d,]*\.\d+(?:×| (?:ms|s|µs|MB))?")


@pytest.fixture
def records():
    return list(campaign(rounds=6, epochs=8))


def text(page):
    """What a reader sees: no style, no script, no drawing."""
    shown = re.sub(r"(?s)<(style|script|svg).*?</\1>", " ", page)
    # A word that can be explained stays a word of its sentence.
    shown = re.sub(r'(?s)<button type="button" class="term"[^>]*>(.*?)</button>', r"\1", shown)
    return " ".join(entities.unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def test_every_text_of_the_document_stands_in_the_page(told, page, records):
    document, _ = told(records)
    shown = text(page(records))
    for section in document.sections:
        texts = [*section.paragraphs, *(bullet.text for bullet in section.bullets)]
        if section.key == "answer":
            # There a question is set apart, and so are the caveats.
            texts = [
                part.removesuffix(".")
                for text in texts
                for part in re.split(r"(?<=\?) | Caveats: ", text)
            ]
        texts += [
            line
            for table in map(condensed, section.tables)
            for row in table.rows
            for cell in row
            for line in cell.split("\n")
        ]
        for one in texts:
            assert " ".join(one.split()) in shown


def test_the_same_figures_to_the_printed_digit_as_terminal_and_markdown(
    told, page, printed, records
):
    document, _ = told(records)
    shown = set(FIGURE.findall(text(page(records))))
    others = markdown.render(document).replace("\\", "") + printed(document, 200)
    assert set(FIGURE.findall(others)) - {"2026.0"} <= shown


def test_the_figures_of_the_answer_are_those_of_the_tables(told, records):
    from harness.report.sections.answer import answer

    document, study = told(records)
    source = markdown.render(document).replace("\\", "")
    said = answer(study)
    for figure in re.findall(r"\d+ MB|\d\.\d\d s", said.memory + said.target):
        assert figure in source


def test_nothing_is_loaded_from_anywhere(page, records):
    made = page(records)
    found = Elements(made)
    assert not {"link", "img", "image", "iframe", "object", "embed", "base"} & set(found.tags)
    assert found.loading == []
    assert "@import" not in made


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(page, records):
    made = page(records)
    policy = entities.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', made)[1])
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for element in ("style", "script"):
        (content,) = re.findall(rf"(?s)<{element}>(.*?)</{element}>", made)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_weaknesses_stand_before_the_plots(page, records):
    shown = text(page(records[:4]))
    assert shown.index("Caveats") < shown.index("Step time of every trial")


def test_what_sums_scenarios_up_stands_before_the_results_of_each(page, records):
    made = page(records + list(campaign(rounds=6, scenario="dcn", run_id="other")))
    assert made.index("<h2>Across scenarios</h2>") < made.index("<h2>Results</h2>")


def test_every_plot_has_a_caption_a_text_alternative_and_its_numbers(page, records):
    made = page(records)
    figures = re.findall(r"(?s)<figure.*?</figure>", made)
    assert len(figures) >= 6
    for figure in figures:
        assert re.search(r"<figcaption>\S", figure)
        assert figure.count('role="img" aria-label="') == 2
        assert "<details><summary>The numbers" in figure
        assert "<table" in figure


def test_every_trial_can_be_opened_to_its_raw_samples(page, records):
    made = page(records)
    block = re.search(r'(?s)<script type="application/json" id="trials-data">(.*?)</script>', made)[
        1
    ]
    data = json.loads(block)
    assert len(data["rows"]) == len(data["more"]) == len(records)
    for record, (cells, _), (_, _, samples, _) in zip(
        sorted(records, key=lambda r: (r.cell.backend, r.started_at)),
        data["rows"],
        data["more"],
        strict=True,
    ):
        assert cells[0] == record.cell.backend
        assert samples == [float(f"{1e3 * e.wall_s / e.steps:.4g}") for e in record.epochs]
    # The first epoch of JAX holds the first step, which compiles.
    assert data["more"][0][3] == [0]


def test_a_failed_trial_is_shown_with_its_last_lines(page, records):
    lost = failed(records[0], reason="out of memory", tail="one\ntwo\nMemoryError")
    shown = text(page([lost, *records[1:]]))
    assert "killed: out of memory, signal SIGKILL" in shown
    assert "one two MemoryError" in shown


def test_environments_of_compared_cells_are_told_apart(page, records):
    shown = text(page(records))
    assert "What differs between the environments" in shown
    assert "package torch absent absent 2.13.0" in shown
    assert "package keras" not in shown.split("Packages of")[0]


def test_a_long_table_of_trials_says_how_much_of_it_is_there_without_scripts(page):
    shown = text(page(list(campaign(rounds=50, epochs=1))))
    assert "150 trials" in shown
    assert "Without scripts this page shows the first 100." in shown


def test_an_empty_folder_is_a_page_too(page):
    shown = text(page([]))
    assert "No verdict: there are no records yet" in shown
    assert "tox -e jax" in shown


def test_oddities_are_all_named(page, records):
    other = list(
        campaign(rounds=3, epochs=8, machine_id="other-machine", backends=("jax", "torch"))
    )
    here = [record for record in records if record.cell.backend != "tensorflow"]
    broken = [
        ("records/a.json", "cut off in the middle"),
        ("records/b.json", "written in schema 2; this harness reads 1"),
    ]
    shown = text(page([*here, *other], broken))
    for oddity in (
        "come from 2 machines",
        "No record of tensorflow on cpu",
        "records/a.json",
        "cut off in the middle",
        "written in schema 2",
    ):
        assert oddity in shown


def test_synthetic_data_is_said_in_the_first_sentence(page, records):
    made = page([msgspec.structs.replace(record, synthetic=True) for record in records])
    assert " on SYNTHETIC data" in re.search(r"(?s)<h1.*?</h1>", made)[0]


def test_words_of_the_harness_are_explained_where_they_are_met(page, records):
    made = page(records)
    opened = set(re.findall(r'popovertarget="term-(\w+)"', made))
    assert {"cell", "round", "trial"} <= opened
    for word in ("cell", "round", "trial", "envelope", "floor"):
        assert f'<div popover id="term-{word}">' in made


def test_an_explained_word_is_escaped_and_stands_once_in_a_text():
    from harness.report.html.terms import explained

    made = explained("<b>two rounds</b> and a round of trials, up to round-off")
    assert made.count("<button") == 2
    assert "&lt;b&gt;two <button" in made
    assert made.endswith("up to round-off")
    assert "and a round of <button" in made


def test_bars_are_drawn_from_zero_with_their_intervals(told, records):
    from harness.report.html.first_screen import WIDTH, bars
    from harness.report.sections.answer import answer

    _, study = told(records)
    made = bars(answer(study).standings)
    assert [bar.backend for bar in made] == ["jax", "tensorflow", "torch"]
    assert max(bar.high for bar in made) == WIDTH
    assert all(0 < bar.low < bar.length < bar.high for bar in made)
    jax, tensorflow, _ = answer(study).standings
    ratio = tensorflow.centre_s / jax.centre_s
    assert made[1].length / made[0].length == pytest.approx(ratio, rel=0.01)
