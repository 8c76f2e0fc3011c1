"""The verdicts and the quality in the report, for people."""

from __future__ import annotations

import msgspec
import pytest

from harness.analysis.study import study_of
from harness.records.trial import Turns
from harness.report.outputs import markdown
from harness.report.sections.compose import compose

THREE = {"jax": 0.0018, "tensorflow": 0.0034, "torch": 0.0045}
DEFAULTS = {"batch_size": 1000, "epochs": 5, "embedding_dimension": 32, "learning_rate": 0.1}


@pytest.fixture
def report(about):
    return lambda records: compose(study_of(records, about=about))


def rows(table):
    headers = [column.header for column in table.columns]
    return [dict(zip(headers, row, strict=True)) for row in table.rows]


class TestVerdicts:
    def test_stand_between_the_table_and_its_weaknesses(self, report, make_campaign):
        keys = [part.key for part in report(make_campaign(THREE)).sections]
        assert keys[1:6] == ["results", "verdicts", "quality", "parity", "caveats"]

    def test_are_those_of_every_pair(self, report, make_campaign):
        (table,) = report(make_campaign(THREE, 8)).section("verdicts").tables
        first, *others = rows(table)
        assert first["pair"] == "tensorflow / jax"
        assert (first["rounds"], first["the first is"]) == ("8", "slower")
        assert first["ratio"].startswith("1.")
        assert [row["pair"] for row in others] == ["torch / jax", "torch / tensorflow"]

    def test_of_a_backend_that_learns_worse_do_not_call_it_faster(self, report, make_campaign):
        document = report(make_campaign(THREE, 8, rmse={"jax": 0.003}))
        (table,) = document.section("verdicts").tables
        assert rows(table)[0]["the first is"] == "slower, but learns better"
        assert rows(table)[0]["quality"] == "better"

    def test_name_what_differs_and_tell_the_mode_that_two_backends_share(
        self, report, make_campaign
    ):
        records = [
            record
            for seed, mode in enumerate(("fit", "native"))
            for record in make_campaign({"jax": 0.002, "torch": 0.003}, 8, seed=seed, mode=mode)
        ]
        document = report(records)
        (table,) = document.section("verdicts").tables
        assert [(row["pair"], row["settings"]) for row in rows(table)[:2]] == [
            ("torch / jax", "mode=fit"),
            ("torch / jax", "mode=native"),
        ]
        # Which of two equal modes seems slower is chance.
        modes = [sorted(row["pair"].split(" / ")) for row in rows(table)[2:]]
        assert modes == [["jax fit", "jax native"], ["torch fit", "torch native"]]
        assert "All 4 intervals together" in document.section("verdicts").paragraphs[0]
        differences = document.section("quality").tables[-1]
        last = rows(differences)[-1]["pair"].split(" / ")
        assert sorted(last) == ["torch fit", "torch native"]

    def test_tell_how_many_rounds_would_settle_an_open_one(self, report, make_campaign):
        step_time_s = {"jax": 0.0020, "torch": 0.0021}
        (table,) = report(make_campaign(step_time_s, 5, spread=0.03)).section("verdicts").tables
        word, further = rows(table)[0]["the first is"].split("\n")
        assert word == "inconclusive"
        assert further.endswith("would settle it")

    def test_say_how_they_are_to_be_read(self, report, make_campaign):
        (text,) = report(make_campaign(THREE, 8)).section("verdicts").paragraphs
        assert "All 3 intervals together hold at 95%" in text
        assert "beyond 2%" in text
        assert "took turns" not in text

    def test_say_where_a_ratio_is_not_that_of_two_step_times(self, report, make_campaign):
        in_blocks = make_campaign(THREE, 8)
        records = [
            msgspec.structs.replace(
                record,
                turns=Turns(group=f"{record.round:08x}", place=0, waited_s=1.0, waiting_cpu_s=0.0),
                epochs=[
                    msgspec.structs.replace(epoch, turn=turn)
                    for turn, epoch in enumerate(record.epochs)
                ],
            )
            for record in in_blocks
        ]
        (text,) = report(records).section("verdicts").paragraphs
        assert "the median over neighbouring turns" in text
        assert "one after the other" not in text
        first_round_in_blocks = [
            old if old.round == in_blocks[0].round else new
            for old, new in zip(in_blocks, records, strict=True)
        ]
        (text,) = report(first_round_in_blocks).section("verdicts").paragraphs
        assert "the median over neighbouring turns" in text
        assert text.endswith("In rounds where they ran one after the other, it is that ratio.")


class TestNoVerdict:
    """One line tells why."""

    def line(self, document):
        part = document.section("verdicts")
        assert part.tables == []
        (line,) = part.paragraphs
        return line

    def test_below_four_rounds(self, report, make_campaign):
        assert self.line(report(make_campaign({"jax": 0.002, "torch": 0.004}, 3))) == (
            "No verdict on torch / jax: needs at least 4 complete rounds, here are 3."
        )

    def test_of_blocks(self, report, make_campaign):
        records = [
            record
            for name, step_s in THREE.items()
            for record in make_campaign({name: step_s}, run_id=name)
        ]
        assert self.line(report(records)) == (
            "No verdict on jax / tensorflow, jax / torch and tensorflow / torch: not measured in "
            "common rounds, so that they may have drifted apart."
        )

    def test_of_other_machines(self, report, make_campaign):
        records = make_campaign({"jax": 0.002})
        records += make_campaign({"torch": 0.004}, machine_id="machine-b")
        assert "different machines, which cannot be ranked" in self.line(report(records))

    def test_of_a_single_backend(self, report, make_campaign):
        assert "no two backends" in self.line(report(make_campaign({"jax": 0.002})))


class TestQuality:
    def test_is_told_with_its_interval_the_published_band_and_the_target(
        self, report, make_campaign
    ):
        cells, _ = report(make_campaign(THREE, 6, settings=DEFAULTS)).section("quality").tables
        jax = rows(cells)[0]
        assert jax["seeds"] == "6"
        assert "\n" in jax["metric"]
        assert jax["published"].endswith("of 6 seeds in the band")
        assert jax["reached target"] == "6 of 6"
        assert jax["time to target"].startswith("1.00 s")

    def test_names_the_band_and_the_tolerance(self, report, make_campaign):
        (text,) = report(make_campaign(THREE)).section("quality").paragraphs
        assert "0.25617–0.26702" in text
        assert "surely within 0.00050" in text

    def test_with_other_settings_is_held_against_no_band(self, report, make_campaign):
        records = make_campaign(THREE, settings=DEFAULTS | {"epochs": 9})
        (cells, _) = report(records).section("quality").tables
        assert rows(cells)[0]["published"] == "other settings"

    def test_below_four_seeds_shows_the_seeds(self, report, make_campaign):
        (cells, _) = report(make_campaign(THREE, 2)).section("quality").tables
        assert len(rows(cells)[0]["metric"].split("\n")) == 2

    def test_tells_equivalent_from_no_difference_found(self, report, make_campaign):
        _, pairs = report(make_campaign(THREE, 8)).section("quality").tables
        assert rows(pairs)[0]["verdict"] == "equivalent"
        noisy = make_campaign(THREE, 4)
        spread = [
            msgspec.structs.replace(
                record,
                quality=msgspec.structs.replace(
                    record.quality, value=record.quality.value + 0.002 * (-1) ** i
                ),
            )
            for i, record in enumerate(noisy)
        ]
        _, pairs = report(spread).section("quality").tables
        assert rows(pairs)[0]["verdict"] == "undecided"
        assert rows(pairs)[0]["difference found"] == "no"


def test_an_empty_folder_has_no_such_sections(report):
    assert not {"verdicts", "quality"} & {part.key for part in report([]).sections}


@pytest.mark.parametrize("width", [50, 100, 200])
def test_terminal_and_markdown_agree(report, make_campaign, printed, width):
    document = report(make_campaign(THREE, 8))
    shown, source = printed(document, width), markdown.render(document).replace("\\", "")
    for key in ("verdicts", "quality"):
        for table in document.section(key).tables:
            for line in (line for row in table.rows for cell in row for line in cell.split("\n")):
                assert line in " ".join(shown.split())
                assert line in source
