"""The ladder in the report: the floor, every rung, and what compiling costs, for people."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.study import study_of
from harness.report.outputs import markdown
from harness.report.sections import ladder
from harness.report.sections.compose import compose
from tests.report.made_up import SETTINGS, campaign, ladder_campaign

HEADING = "The ladder"


@pytest.fixture
def told(about):
    """The section on the ladder of some records."""

    return lambda records: ladder.section(study_of(records, about=about))


def rows(table):
    headers = [column.header for column in table.columns]
    return [dict(zip(headers, row, strict=True)) for row in table.rows]


def pair(table, name):
    (found,) = [row for row in rows(table) if row["pair"] == name]
    return found


@pytest.fixture
def climbed():
    return list(
        ladder_campaign(rounds=12, epochs=8, first_step_s={"fit": 0.5, "tuned": 0.4, "native": 6.0})
    )


def test_one_mode_has_no_such_section(told):
    assert not told(list(campaign(rounds=4, epochs=8)))


class TestRungs:
    def test_stand_backend_by_backend_with_all_their_ratios(self, told, climbed):
        table = told(climbed).tables[0]
        assert table.title == "The ladder, scenario ranking, cpu"
        assert [column.header for column in table.columns] == [
            "backend", "mode", "step time", "× floor", "÷ fit", "÷ native", "first step",
            "test RMSE", "trials",
        ]  # fmt: skip
        first, tuned, *_ = rows(table)
        assert (first["backend"], first["mode"], first["÷ fit"]) == ("jax", "fit", "1")
        assert first["× floor"].startswith("2.")
        assert first["first step"].startswith("500 ms")
        ratio, interval = tuned["÷ fit"].split("\n")
        assert 0.75 < float(ratio.removesuffix("×")) < 0.85
        low, high = interval.split("–")
        assert float(low) < float(ratio.removesuffix("×")) < float(high)
        assert len(table.rows) == 12

    def test_of_other_settings_are_told_apart(self, told):
        records = [
            record
            for size in (1000, 256)
            for record in ladder_campaign(
                rounds=4,
                epochs=8,
                modes=("fit", "native"),
                settings={**SETTINGS, "batch_size": size},
            )
        ]
        titles = [table.title for table in told(records).tables if "ladder" in table.title]
        assert len(titles) == 2
        assert {title.rpartition(" ")[2] for title in titles} == {
            "batch_size=1000",
            "batch_size=256",
        }

    def test_on_synthetic_data_say_so(self, told):
        records = list(ladder_campaign(rounds=2, epochs=8, modes=("fit", "native")))
        made_up = [msgspec.structs.replace(record, synthetic=True) for record in records]
        assert told(made_up).tables[0].title.endswith("SYNTHETIC")


class TestFloor:
    def test_is_told_with_its_work_and_its_rates(self, told, climbed):
        (line,) = [text for text in told(climbed).paragraphs if "the floor is" in text]
        assert "the floor is 650 µs for a step (644–657 over 12 rounds)" in line
        assert "set by its arithmetic" in line
        assert "197 MFLOP" in line
        assert "at 303 GFLOP/s" in line
        assert "11.0 MB, which take 550 µs at 20.0 GB/s (NumPy on 2 threads" in line

    def test_that_the_records_do_not_tell_is_said_to_be_missing(self, told):
        records = list(ladder_campaign(rounds=2, epochs=8, modes=("fit", "native"), work=None))
        section = told(records)
        assert any("there is no floor" in text for text in section.paragraphs)
        assert {row["× floor"] for row in rows(section.tables[0])} == {"—"}


class TestBest:
    def test_keras_rung_is_named_with_how_near_it_comes_to_native(self, told, climbed):
        lines = [text for text in told(climbed).paragraphs if "nearest to native" in text]
        assert [line.partition(":")[0] for line in lines] == ["jax", "tensorflow", "torch"]
        assert "custom_loop, at 1." in lines[0]


class TestBreakEven:
    def test_tells_steps_time_and_epochs(self, told, climbed):
        found = pair(told(climbed).tables[1], "torch fit / torch native")
        assert found["cheaper steps"] == "torch native"
        steps, between = found["ahead from step"].split("\n")
        low, high = between.split("–")
        low, steps, high = (int(text.replace(",", "")) for text in (low, steps, high))
        # 5.5 s more at first, and 45% of some 4.5 ms saved in each further step.
        assert 2_000 < low <= steps <= high < 4_000
        assert float(found["epochs"]) == pytest.approx(steps / 80, rel=0.01)
        assert found["training time"].endswith(" s")

    def test_may_be_from_the_start(self, told, climbed):
        found = pair(told(climbed).tables[1], "jax fit / jax tuned")
        assert found["ahead from step"] == "from the start"
        assert found["training time"] == "—"

    def test_names_nobody_whose_step_time_is_not_settled(self, told):
        records = list(ladder_campaign(rounds=3, epochs=8, modes=("fit", "native")))
        found = pair(told(records).tables[1], "jax fit / jax native")
        assert list(found.values())[1:] == ["not settled", "—", "—", "—"]

    def test_of_equal_steps_is_no_question(self, told, make_campaign):
        records = [
            record
            for seed, mode in enumerate(("fit", "native"))
            for record in make_campaign({"jax": 0.002}, 12, seed=seed, spread=0.001, mode=mode)
        ]
        assert pair(told(records).tables[1], "jax fit / jax native")["cheaper steps"] == (
            "equal steps"
        )


def test_terminal_and_markdown_show_all_of_it(about, climbed, printed):
    document = compose(study_of(climbed, about=about))
    assert HEADING in markdown.render(document)
    shown = " ".join(printed(document, 160).split())
    assert "Break-even, scenario ranking, cpu" in shown
    assert "from the start" in shown
