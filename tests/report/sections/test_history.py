"""A folder of campaigns, as it is found on disk and as it is told."""

from __future__ import annotations

import re
import shutil

import pytest

from harness.analysis.before_after.history import campaigns, timelines
from harness.report.outputs import markdown
from harness.report.sections.behind import of_history
from harness.report.sections.history import compose
from harness.store.folder import load_each
from tests.report.folders import write
from tests.report.made_up import BEGAN, campaign


@pytest.fixture
def folder(tmp_path):
    for month, (slower, keras) in enumerate([(1.0, "3.15.1"), (1.0, "3.15.1"), (1.2, "3.16.0")]):
        write(
            tmp_path / f"month-{month}",
            campaign(
                rounds=6,
                epochs=8,
                run_id=f"run-{month}",
                began=BEGAN.replace(month=1 + month),
                slower={"torch": slower},
                packages={"keras": keras},
            ),
        )
    return tmp_path


def told(folder, about):
    broken = [file for one in load_each(folder).values() for file in one.broken]
    lines = timelines(found(folder), tolerances={"ranking": 5e-4})
    return compose(lines, broken, about, of_history(lines, about, "results"))


def found(folder):
    return campaigns({name: one.records for name, one in load_each(folder).items()})


def test_each_folder_is_a_campaign(folder):
    assert [one.name for one in found(folder)] == ["month-0", "month-1", "month-2"]


def test_the_runs_of_a_single_folder_are_campaigns(tmp_path):
    for number in (1, 2):
        records = campaign(
            rounds=1, epochs=1, run_id=f"run-{number}", began=BEGAN.replace(month=number)
        )
        write(tmp_path / "records-of-all" / str(number), records)
    assert {one.name for one in found(tmp_path)} == {"run-1", "run-2"}


def test_a_change_is_told_with_its_interval_and_the_versions_that_changed(folder, about):
    document = told(folder, about)
    text = markdown.render(document).replace("\\", "")
    lead = document.lead[0]
    assert lead.startswith("Moved: ranking torch cpu fit")
    assert re.search(r" is slower, 1\.\d+× \(1\.\d+–1\.\d+\) since month-2\. 3 cells over 3", lead)
    assert "torch cpu fit" in text
    assert "slower, step time 1." in text
    assert "Versions changed: keras 3.15.1 → 3.16.0." in text


def test_terminal_and_markdown_say_the_same(folder, about, printed):
    document = told(folder, about)
    shown = " ".join(printed(document, 200).split())
    for table in next(s for s in document.sections if s.heading == "Timelines").tables:
        for row in table.rows:
            for cell in row:
                for line in cell.split("\n"):
                    assert line in shown


def test_broken_files_are_named(folder, about):
    (folder / "month-0/records/ranking/seed-9-rep-1.json").write_text("{")
    text = markdown.render(told(folder, about))
    assert "seed-9-rep-1.json could not be read" in text


def test_no_change_is_said_of_what_was_compared_alone(tmp_path, about):
    for month, backends in enumerate([("jax", "torch"), ("jax",)]):
        made = campaign(
            rounds=6,
            epochs=8,
            run_id=f"run-{month}",
            began=BEGAN.replace(month=1 + month),
            backends=backends,
        )
        write(tmp_path / f"month-{month}", made)
    document = told(tmp_path, about)
    assert document.lead[0].startswith("Nothing moved: 2 cells over 2 campaigns, 1 comparison")
    text = markdown.render(document).replace("\\", "")
    assert "1 cell was measured in one campaign alone, so there is nothing to compare" in text
    assert "torch cpu fit" in text.split("nothing to compare")[1]


def test_a_history_of_one_campaign_compares_nothing(tmp_path, about):
    write(tmp_path / "only", campaign(rounds=6, epochs=8))
    lead = told(tmp_path, about).lead[0]
    assert lead.startswith("Nothing compared: 3 cells over 1 campaign, and no cell has two")


def test_an_empty_folder_says_what_to_name(tmp_path, about):
    assert "name the folder that holds theirs" in told(tmp_path, about).lead[0]


def test_where_nothing_was_compared_the_first_sentence_says_so(folder, about):
    for month in (1, 2):
        shutil.rmtree(folder / f"month-{month}")
    (lead,) = told(folder, about).lead
    assert lead.startswith("Nothing compared: 3 cells over 1 campaign, and no cell has two")


def test_where_nothing_moved_it_says_how_much_was_compared(folder, about):
    shutil.rmtree(folder / "month-2")
    (lead,) = told(folder, about).lead
    assert lead.startswith("Nothing moved: 3 cells over 2 campaigns, 3 comparisons")


def test_a_readers_questions_are_answered_below_the_first_sentence(folder, about):
    first = told(folder, about).sections[0]
    assert first.key == "answer"
    questions = [bullet.text.split("?")[0] for bullet in first.bullets]
    assert questions == [
        "Does it learn the same", "Can I believe it", "What was compared", "What next"
    ]  # fmt: skip
    assert "keras 3.16.0" in first.bullets[2].text
    assert first.bullets[3].command == "harness compare results/month-1 results/month-2"
