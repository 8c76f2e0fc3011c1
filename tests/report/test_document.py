"""What a report says; terminal and Markdown say the same."""

from __future__ import annotations

import re

import pytest

from harness.analysis.study import study_of
from harness.records.trial import Hashes
from harness.report.outputs import markdown
from harness.report.sections.compose import compose
from harness.store.benchmarks import Benchmarks, Operation
from harness.store.reading import Broken
from harness.store.runs import PairVerdict, Parity, ParityRun, ParityVerdict

TITLES = {"a" * 64: {204: "Made Up (1985)", 141: "A Longer Made-up Title, The (1954)"}}


def operation(**changes):
    fields = {
        "name": "test_train_step",
        "scenario": "ranking",
        "backend": "jax",
        "device": "cpu",
        "median_s": 0.00212,
        "iqr_s": 0.0001,
        "rounds": 200,
        "machine": "host",
        "measured_at": "2026-01-01",
    }
    return Operation(**(fields | changes))


@pytest.fixture
def document(measured, about):
    records = [
        measured(backend, seed=seed, step_time_s=step * (1 + seed / 100))
        for backend, step in (("jax", 0.00173), ("tensorflow", 0.00341))
        for seed in (1, 2, 3)
    ]
    records.append(measured("tensorflow", seed=4, status="timeout"))
    broken = [Broken(path="records/broken.json", reason="cut off")]
    benchmarks = Benchmarks(operations=[operation()])
    return composed(records, broken, about=about, titles=TITLES, benchmarks=benchmarks)


def composed(records, broken=(), *, about=None, titles=None, **more):
    return compose(study_of(records, broken=broken, about=about, **more), titles)


def cells(document):
    return [
        line
        for part in document.sections
        for table in part.tables
        for row in table.rows
        for cell in row
        for line in cell.split("\n")
        if line
    ]


@pytest.mark.parametrize("width", [50, 80, 100, 200])
def test_the_terminal_shows_every_text_of_the_document_at_any_width(document, printed, width):
    shown = " ".join(printed(document, width).split())
    for text in cells(document):
        assert " ".join(text.split()) in shown
    for part in document.sections:
        for bullet in part.bullets:
            if bullet.command:
                assert bullet.command in shown


def test_the_same_figures_to_the_printed_digit_in_terminal_and_markdown(document, printed):
    def figures(text):
        return sorted(set(re.findall(r"\d[\d,]*\.?\d*", text)))

    # Backslashes are Markdown's own.
    source = markdown.render(document).replace("\\", "")
    assert figures(" ".join(cells(document))) == [
        figure for figure in figures(source) if figure in figures(" ".join(cells(document)))
    ]
    assert figures(source) == figures(" ".join(printed(document, 200).split()))


def test_the_answer_comes_first_and_caveats_name_what_is_wrong(document):
    assert [part.key for part in document.sections][:3] == ["answer", "results", "verdicts"]
    assert len({part.key for part in document.sections}) == len(document.sections)
    texts = [bullet.text for bullet in document.section("caveats").bullets]
    assert any("separate blocks" in text for text in texts)
    assert any(text.startswith("No record of torch") for text in texts)
    assert any("records/broken.json (cut off)" in text for text in texts)


def test_how_to_read_the_table(document):
    text = " ".join(document.section("reading").paragraphs)
    for words in ("median over a trial's epochs", "scaled to 0–1", "0.25617", "no ranking"):
        assert words in text


def test_the_machine_and_the_data(document):
    (machine,) = document.section("machine").bullets
    for fact in (
        "Test CPU 9000",
        "2 physical and 4 logical",
        "8.25 GB",
        "Linux 6.1",
        "Python 3.11.7",
    ):
        assert fact in machine.text
    (data,) = document.section("data").bullets
    assert data.text == "Table with SHA-256 aaaaaaaaaaaa: not synthetic, 6 trials"


class TestPrediction:
    def test_candidates_are_ranked_by_stars_with_titles_where_known(self, document):
        (table,) = document.section("predictions").tables
        assert "user 42" in table.title
        assert [row[0] for row in table.rows] == [
            "Made Up (1985) (movie 204)",
            "movie 131",
            "A Longer Made-up Title, The (1954) (movie 141)",
        ]
        assert [column.header for column in table.columns] == ["candidate", "jax", "tensorflow"]
        assert table.rows[0][1:] == ["3.80", "3.80"]

    def test_without_titles_the_ids_stand_alone(self, measured, about):
        (table,) = composed([measured()], about=about).section("predictions").tables
        assert table.rows[0][0] == "movie 204"

    def test_movies_of_another_table_get_no_title_and_a_table_of_their_own(self, measured, about):
        other = Hashes(table="e" * 64, split="b" * 64, initial_weights="", final_weights="")
        document = composed([measured(), measured(hashes=other)], about=about, titles=TITLES)
        known, unknown = document.section("predictions").tables
        assert known.title.endswith("ratings aaaaaaaa")
        assert unknown.title.endswith("ratings eeeeeeee")
        assert known.rows[0][0] == "Made Up (1985) (movie 204)"
        assert unknown.rows[0][0] == "movie 204"

    def test_generated_movies_get_no_title(self, measured, about):
        document = composed([measured(synthetic=True)], about=about, titles=TITLES)
        (table,) = document.section("predictions").tables
        assert "SYNTHETIC DATA" in table.title
        assert table.rows[0][0] == "movie 204"


class TestIsItTheSameModel:
    @pytest.fixture
    def tell(self, measured, about):
        return lambda found: composed([measured()], about=about, parity=found)

    def test_the_verdict_of_every_pair_is_told(self, tell, printed):
        says = ["jax and torch: the same model.", "jax and tensorflow: NOT the same model."]
        pairs = [PairVerdict(first="jax", second="x", verdict="any", says=one) for one in says]
        verdict = ParityVerdict(schema=1, scenario="ranking", seed=42, pairs=pairs)
        document = tell(Parity(runs=[ParityRun(verdict=verdict, records=[])]))
        told = [bullet.text for bullet in document.section("parity").bullets]
        assert told == [f"ranking, seed 42: {one}" for one in says]
        assert all(one in printed(document, 200) for one in told)

    def test_where_nobody_asked_it_tells_how_to_ask(self, tell):
        (bullet,) = tell(Parity()).section("parity").bullets
        assert "Not checked" in bullet.text
        assert bullet.command == "harness parity ranking"

    def test_a_file_that_cannot_be_read_is_named(self, tell):
        found = Parity(broken=[Broken(path="parity/verdict.json", reason="cut off")])
        assert "parity/verdict.json" in tell(found).section("parity").bullets[-1].text

    def test_an_empty_folder_says_nothing(self, about):
        assert not composed([], about=about).section("parity")


def test_synthetic_data_is_said_in_every_output_before_the_table(measured, about, printed):
    document = composed([measured(synthetic=True)], about=about)
    for output in (printed(document), markdown.render(document)):
        assert output.index("SYNTHETIC DATA") < output.index("Results")


def test_an_empty_folder_is_a_report_with_the_three_commands(about, printed):
    document = composed([], about=about)
    for output in (printed(document), markdown.render(document)):
        for command in ("tox -e jax", "tox -e tf", "tox -e torch"):
            assert command in output


def test_no_report_ever_calls_a_backend_faster(document, printed):
    assert not re.search(r"\b(fast|slow)(er|est)\b", printed(document) + markdown.render(document))


def test_hostile_texts_of_a_record_reach_no_output_unescaped(measured, printed):
    evil = "<img src=x onerror=alert(1)>\n| a | b |\n# heading \x1b[2J [red]x[/red] `code`"
    record = measured(scenario=evil, settings={evil: evil})
    broken = [Broken(path=evil, reason=evil)]
    document = composed([record], broken, titles={"a" * 64: {204: evil}})
    source, shown = markdown.render(document), printed(document, 120)
    assert "\x1b" not in source + shown
    assert not re.search(r"(?<!\\)<img", source)
    assert not re.search(r"^# heading", source, re.MULTILINE)
    assert "[red]x[/red]" in shown
