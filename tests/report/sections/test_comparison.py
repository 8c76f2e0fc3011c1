"""The report of a comparison; terminal and Markdown say the same."""

from __future__ import annotations

import re

import msgspec
import pytest

from harness.analysis.before_after.compare import Limits, compare
from harness.analysis.before_after.gate import Rules, findings, open_questions
from harness.report.outputs import markdown
from harness.report.sections import comparison as report

TWO = {"jax": 0.002, "torch": 0.004}
RULES = Rules(slower=0.05, worse=0.002, memory=0.1, missing=True, inconclusive=True)
LIMITS = Limits(margin=0.05, memory_margin=0.1, tolerance=0.002)


@pytest.fixture
def composed(about):
    def make(before, after, rules=RULES, limits=LIMITS, names=("results/before", "results/after")):
        made = compare(before, after, limits=limits, tolerances={"ranking": 5e-4})
        unsettled = len(open_questions(made, rules)) if rules else None
        found = findings(made, rules or Rules())
        return report.compose(made, found, about=about, names=names, unsettled=unsettled)

    return make


@pytest.fixture
def document(composed, make_campaign):
    after = make_campaign(
        {"jax": 0.0016, "torch": 0.0048, "tensorflow": 0.003},
        14,
        seed=2,
        rmse={"jax": 0.004},
        packages={"keras": "3.16.0", "zlib": "2.0"},
    )
    return composed(make_campaign(TWO, 14), after)


def section(document, heading):
    (found,) = [part for part in document.sections if part.heading == heading]
    return found


def rows(document, heading):
    (table, *_) = section(document, heading).tables
    headers = [column.header for column in table.columns]
    return [dict(zip(headers, row, strict=True)) for row in table.rows]


def texts(document, heading):
    return [bullet.text for bullet in section(document, heading).bullets]


def test_the_answer_comes_first_with_its_exit_code(document):
    assert document.lead[-1] == "GATE FAILED: worse quality, exit code 10."


def test_all_findings_are_told_with_their_figures(document):
    worse, slower = texts(document, "Gate")
    assert worse.startswith("worse quality: ranking jax cpu")
    assert "at a tolerance of 0.00200: the whole interval is beyond the tolerance" in worse
    assert slower.startswith("slower: ranking torch cpu")
    assert re.search(r"step time 1\.\d+× \(1\.\d+–1\.\d+\) at a margin of 5%", slower)


def test_a_faster_cell_that_learns_worse_is_not_called_faster(document):
    jax, torch = rows(document, "Verdicts")
    assert (jax["after is"], jax["quality"]) == ("faster, but learns worse", "worse")
    assert (torch["after is"], torch["quality"]) == ("slower", "equivalent")
    assert torch["trials"] == "14 / 14"


def test_quality_tells_a_difference_found_from_one_of_consequence(document):
    jax, torch = rows(document, "Quality")
    assert (jax["after is"], jax["difference found"]) == ("worse", "yes")
    assert (torch["after is"], torch["difference found"]) == ("equivalent", "no")
    assert jax["difference"].startswith("+0.00")


def test_memory_has_its_own_table(document):
    assert [row["after is"] for row in rows(document, "Memory")] == ["equivalent"] * 2


def test_cells_of_one_side_only_are_listed(document):
    (new,) = texts(document, "Not compared")
    assert new == "ranking tensorflow cpu: only after (14 trials); before: no record"


def test_the_packages_that_matter_most_stand_first(document):
    assert texts(document, "What else changed") == [
        "jax: keras 3.15.1 → 3.16.0, zlib absent → 2.0",
        "torch: keras 3.15.1 → 3.16.0, zlib absent → 2.0",
    ]


def test_a_long_list_of_packages_is_cut_and_counted(composed, make_campaign):
    packages = {f"package-{i:02d}": "1" for i in range(40)}
    found = composed(make_campaign(TWO), make_campaign(TWO, packages=packages))
    assert texts(found, "What else changed")[0].endswith("package-11 absent → 1, and 28 more")


class TestGate:
    def test_that_passes_says_so(self, composed, make_campaign):
        assert composed(make_campaign(TWO, 14), make_campaign(TWO, 14)).lead[-1] == "Gate passed."

    def test_that_passes_for_lack_of_trials_says_that_too(self, composed, make_campaign):
        few = make_campaign(TWO, 3)
        lead = composed(few, few, Rules(slower=0.05)).lead
        assert "Gate passed. But 2 questions are not settled" in lead[-1]

    def test_that_was_not_asked_for_is_not_mentioned(self, composed, make_campaign):
        found = composed(make_campaign(TWO, 14), make_campaign(TWO, 14), None)
        assert found.lead[0] == "2 unchanged."
        assert len(found.lead) == 2
        assert "Gate" not in {part.heading for part in found.sections}


class TestOtherMachines:
    @pytest.fixture
    def apart(self, composed, make_campaign):
        return composed(make_campaign(TWO), make_campaign(TWO, machine_id="machine-b"), None)

    def test_are_refused_with_the_reason_once(self, apart):
        assert apart.lead[-1] == "NOTHING TO COMPARE: not comparable, exit code 15."
        (text,) = texts(apart, "Not compared")
        assert text.startswith("ranking jax cpu and ranking torch cpu: no verdict on speed")
        assert "different machines" in text

    def test_get_no_table_of_times_or_memory(self, apart):
        assert not {"Verdicts", "Memory"} & {part.heading for part in apart.sections}

    def test_but_one_of_what_they_learned(self, apart):
        assert [row["after is"] for row in rows(apart, "Quality")] == ["equivalent"] * 2


def test_an_undecided_cell_tells_how_many_trials_would_do(composed, make_campaign):
    (row,) = rows(composed(*[make_campaign({"jax": 0.002}, 3)] * 2), "Verdicts")
    assert row["after is"] == "inconclusive\n4 trials a side needed"
    assert row["ratio"] == "—"


def test_settings_that_keep_cells_apart_are_told(composed, make_campaign):
    records = [*make_campaign({"jax": 0.002}), *make_campaign({"jax": 0.001}, threads=2)]
    found = composed(records, records)
    assert [row["settings"] for row in rows(found, "Verdicts")] == ["", "threads=2"]


@pytest.mark.parametrize("width", [50, 80, 100, 200])
def test_terminal_and_markdown_agree_to_the_printed_digit(document, printed, width):
    shown = " ".join(printed(document, width).split())
    source = markdown.render(document).replace("\\", "")
    for part in document.sections:
        for table in part.tables:
            for cell in (cell for row in table.rows for cell in row):
                assert all(line in shown for line in cell.split("\n"))
                assert cell.replace("\n", "<br>") in source
        for bullet in part.bullets:
            assert bullet.text in source


def test_hostile_texts_of_a_record_reach_no_output_unescaped(composed, make_campaign, printed):
    evil = "<img src=x onerror=alert(1)>\n| a | b |\n# heading \x1b[2J [red]x[/red] `code`"
    before = make_campaign({"jax": 0.002}, packages={evil: "1"}, scenario=evil)
    after = make_campaign({"jax": 0.002}, packages={"keras": evil}, scenario=evil)
    gone = make_campaign({"torch": 0.002}, settings={evil: evil}, machine_id=evil)
    after = [*after, *(msgspec.structs.replace(r, hashes=None) for r in gone)]
    found = composed([*before, *gone], after, names=(evil, evil))
    source, shown = markdown.render(found), printed(found, 120)
    assert "\x1b" not in source + shown
    assert not re.search(r"(?<!\\)<img", source)
    assert not re.search(r"^# heading", source, re.MULTILINE)
    assert "[red]x[/red]" in shown


SLOWER = {"jax": 0.0024, "torch": 0.004}

QUESTIONS = [
    "Does it learn the same?",
    "Can I believe it?",
    "What was compared?",
    "What next?",
    "What does it cost?",
]


def behind(document):
    """The facts by their question, of the first section."""
    first = document.sections[0]
    assert first.key == "answer"
    found = {}
    for bullet in first.bullets:
        (question,) = [one for one in QUESTIONS if bullet.text.startswith(one)]
        found[question] = (bullet.text.removeprefix(question).strip(), bullet.command)
    return found


def test_five_facts_are_behind_the_first_sentence(about, make_campaign):
    before = make_campaign(TWO, 14)
    after = make_campaign(SLOWER, 14, seed=2)
    made = compare(before, after, tolerances={"ranking": 5e-4})
    document = report.compose(
        made,
        [],
        about=about,
        names=("a", "b"),
        unsettled=None,
        repeat=lambda options: " ".join(["harness run ranking --seeds 42-55", *options]),
    )
    found = behind(document)
    assert list(found) == QUESTIONS
    assert found["Does it learn the same?"][0] == (
        "Yes: test RMSE within 0.00050 in all 2 cells, on 14 common seeds."
    )
    assert "95% intervals for all cells together" in found["Can I believe it?"][0]
    assert "no common round" in found["Can I believe it?"][0]
    assert found["What does it cost?"][0] == "Peak memory: 2 equivalent."
    assert "on both sides" in found["What was compared?"][0]
    assert found["What next?"][1] == "harness run ranking --seeds 42-55 --results results/once-more"


def test_two_versions_of_keras_are_to_be_measured_in_common_rounds(about, make_campaign):
    after = make_campaign(SLOWER, 14, seed=2, packages={"keras": "3.16.0"}, rmse={"jax": 0.004})
    made = compare(make_campaign(TWO, 14), after, tolerances={"ranking": 5e-4})
    composed = report.compose(
        made,
        [],
        about=about,
        names=("a", "b"),
        unsettled=None,
        repeat=lambda options: " ".join(["harness run ranking --set batch_size=7", *options]),
    )
    found = behind(composed)
    assert found["Does it learn the same?"][0].startswith("No: 1 worse, 1 equivalent;")
    assert "→ 3.16.0" in found["What was compared?"][0]
    assert found["What next?"][1].startswith("harness run ranking --set batch_size=7 --env before=")
    assert "--env after=keras==3.16.0" in found["What next?"][1]


def test_where_nothing_changed_there_is_nothing_to_do(about, make_campaign):
    same = compare(make_campaign(TWO, 14), make_campaign(TWO, 14), tolerances={"ranking": 5e-4})
    composed = report.compose(
        same, [], about=about, names=("a", "b"), unsettled=None, repeat=" ".join
    )
    assert behind(composed)["What next?"] == ("Nothing: no step time changed.", None)


@pytest.mark.parametrize(
    ("probe", "end"),
    [
        (2.0, "But the machine itself was 2.0× as slow after."),
        (1.05, "."),
        (0.5, "."),  # a faster machine does not make a cell slower
    ],
)
def test_a_machine_that_became_slower_is_in_the_first_sentences(about, make_campaign, probe, end):
    after = make_campaign({"jax": 0.0044, "torch": 0.004}, 14, seed=2)
    made = msgspec.structs.replace(compare(make_campaign(TWO, 14), after), probe=probe)
    first = report.compose(made, [], about=about, names=("a", "b"), unsettled=None).lead[0]
    assert first.endswith(end)
    assert ("the machine itself" in first) == (probe == 2.0)
