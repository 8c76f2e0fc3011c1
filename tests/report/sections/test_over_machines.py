"""A folder of several machines: what it leads with, and the tables behind that."""

from __future__ import annotations

import re

import msgspec
import pytest

from harness.analysis.study import study_of
from harness.report.machines import few_machines
from harness.report.sections import over_machines
from harness.report.sections.answer import answer, facts
from harness.report.sections.compose import compose
from tests.report.made_up import campaign, cluster, failed


@pytest.fixture
def studied(about):
    return lambda records: study_of(records, about=about)


def machines(slower, *, rounds=6, **more):
    """A machine for each entry: by how much its backends are slower than usual."""
    return [
        record
        for number, factors in enumerate(slower)
        for record in campaign(
            rounds=rounds,
            machine_id=f"machine-{number}",
            run_id=f"run {number}",
            slower=factors,
            **more,
        )
    ]


def learning_worse(records, machine, backend):
    return [
        msgspec.structs.replace(record, quality=msgspec.structs.replace(record.quality, value=0.5))
        if (record.environment.machine_id, record.cell.backend) == (machine, backend)
        else record
        for record in records
    ]


class TestTheSentence:
    def test_it_leads_with_all_machines_and_how_far_they_differ(self, studied):
        said = answer(studied(cluster(5)))
        assert re.fullmatch(
            r"On 5 machines JAX is fastest: \d\.\d+× TensorFlow \([\d.–]+\), \d\.\d+× PyTorch "
            r"\([\d.–]+\); the ratio differs between machines by (up to )?\d( to \d)?%\. "
            r"All three learn the same\.",
            said.sentence,
        )
        assert (said.machines, said.fastest, said.settled) == (5, "JAX", True)
        assert [lead.over for lead in said.leads] == ["TensorFlow", "PyTorch"]
        assert all(1 < lead.low < lead.ratio < lead.high for lead in said.leads)
        assert "6 interleaved rounds on each of 5 machines" in said.certainty

    def test_one_machine_says_what_it_always_said(self, studied):
        said = answer(studied(cluster(1)))
        assert said.sentence.startswith("JAX is fastest here: ")
        assert (said.machines, said.shown) == (1, "")

    def test_two_machines_have_their_two_ratios_and_no_interval(self, studied):
        said = answer(studied(cluster(2)))
        assert re.match(
            r"On both machines JAX is fastest: [\d.]+× TensorFlow \([\d.]+ and [\d.]+\), ",
            said.sentence,
        )
        assert (said.settled, said.fastest, said.leads) == (True, "JAX", [])
        assert "two machines give no interval over machines" in said.certainty

    def test_two_machines_that_disagree_have_no_fastest(self, studied):
        said = answer(studied(machines([{}, {"jax": 4.0}])))
        assert said.sentence.startswith("On 2 machines none is called the fastest: ")
        assert "; by itself is fastest JAX on 1, TensorFlow on 1." in said.sentence
        assert not said.settled

    def test_machines_that_disagree_are_counted(self, studied):
        said = answer(studied(machines([{}, {}, {"jax": 3.0}, {"jax": 3.0}])))
        assert said.sentence.startswith("On 4 machines none is called the fastest: ")
        assert "by itself is fastest JAX on 2, TensorFlow on 2." in said.sentence
        assert said.fastest is None

    def test_the_one_machine_that_disagrees_with_the_others_is_named(self, studied):
        usual = {"jax": 0.2}
        said = answer(studied(machines([usual] * 11 + [{"jax": 2.2}])))
        assert said.fastest == "JAX"
        assert re.search(r"by (up to )?\d+( to \d+)?%; on 1 of them TensorFlow is\.", said.sentence)

    def test_one_that_learns_worse_on_a_machine_is_not_called_the_fastest(self, studied):
        said = answer(studied(machines([{}] * 4)))
        assert said.fastest == "JAX"
        records = machines([{}] * 4)
        said = answer(studied(learning_worse(records, "machine-2", "jax")))
        assert said.fastest is None
        assert "; JAX learns worse on 1 of them." in said.sentence
        assert said.sentence.endswith("They do NOT all learn the same.")

    def test_equal_backends_are_equal_on_all_machines(self, studied):
        even = {"tensorflow": 0.00173 / 0.00341, "torch": 0.00173 / 0.00446}
        said = answer(studied(machines([even] * 8, rounds=30, epochs=8)))
        assert said.sentence.startswith(
            "On 8 machines JAX, TensorFlow and PyTorch are equally fast, within 2%."
        )
        assert said.settled

    def test_a_backend_that_a_few_machines_lack_is_counted_where_it_is(self, studied):
        records = [
            failed(record)
            if (record.cell.backend, record.environment.machine_id) == ("torch", "machine-0")
            else record
            for record in machines([{}] * 5)
        ]
        said = answer(studied(records))
        assert re.match(
            r"On 5 machines JAX is fastest: \S+ TensorFlow \(\S+\), \S+ PyTorch on 4 of them \(",
            said.sentence,
        )

    def test_a_backend_that_one_machine_measured_is_in_no_ratio_and_named(self, studied):
        records = [
            *machines([{}] * 4, backends=["jax", "tensorflow"]),
            *campaign(rounds=6, machine_id="all three", run_id="all three"),
        ]
        said = answer(studied(records))
        assert " PyTorch: not in enough rounds on several machines. " in said.sentence
        assert [lead.over for lead in said.leads] == ["TensorFlow"]

    def test_generated_data_and_another_mode_are_said(self, studied):
        said = answer(studied(machines([{}] * 3, mode="native", synthetic=True)))
        assert said.sentence.startswith(
            "On 3 machines JAX is fastest under native on SYNTHETIC data: "
        )

    def test_machines_that_measured_one_backend_each_are_no_ranking(self, studied):
        records = [
            *campaign(rounds=6, backends=["jax"], machine_id="a", run_id="a"),
            *campaign(rounds=6, backends=["torch"], machine_id="b", run_id="b"),
        ]
        study = studied(records)
        assert answer(study).sentence.startswith(
            "No verdict: the records come from different machines."
        )
        assert "several-machines" in {note.code for note in study.notes}

    def test_the_warning_of_several_machines_is_for_those_that_are_not_combined(self, studied):
        study = studied(cluster(5))
        assert "several-machines" not in {note.code for note in study.notes}
        stray = campaign(rounds=2, machine_id="stray-machine", run_id="stray")
        (found,) = [
            note
            for note in studied([*cluster(5), *stray]).notes
            if note.code == "machines-left-out"
        ]
        assert found.brief == "1 of 6 machines in no combined ratio"
        assert "stray-ma" in found.text

    def test_what_it_costs_is_said_of_the_machine_that_is_shown(self, studied):
        said = answer(studied(cluster(5)))
        costs = next(fact for fact in facts(said) if fact.question == "What does it cost?")
        assert costs.text.startswith(f"On machine {said.shown}: Peak memory: ")


class TestTheTables:
    def test_every_pair_has_its_ratio_its_spread_and_its_range(self, studied):
        (table,) = over_machines.section(studied(cluster(5))).tables
        headers = [column.header for column in table.columns]
        assert headers[-5:] == ["machines", "ratio", "machines differ by", "range", "the first is"]
        assert [row[0] for row in table.rows] == [
            "TensorFlow / JAX",
            "PyTorch / JAX",
            "PyTorch / TensorFlow",
        ]
        assert {row[-1] for row in table.rows} == {"slower"}

    def test_every_machine_has_a_row_and_all_of_them_the_last_one(self, studied):
        tables = over_machines.each(studied(cluster(3))).tables
        assert [table.title for table in tables] == [
            "TensorFlow / JAX on each machine",
            "PyTorch / JAX on each machine",
            "PyTorch / TensorFlow on each machine",
        ]
        assert [len(table.rows) for table in tables] == [4, 4, 4]
        assert tables[0].rows[-1][:2] == ["all 3", "18"]

    def test_the_tables_and_the_sentence_have_the_same_figures(self, studied):
        study = studied(cluster(5))
        lead = compose(study).lead[0]
        for table in over_machines.each(study).tables[:2]:
            slower = table.title.partition(" / ")[0]
            _, _, ratio, interval, _ = table.rows[-1]
            assert f"{ratio} {slower} ({interval})" in lead

    def test_a_machine_of_three_rounds_is_listed_with_the_reason(self, studied):
        short = campaign(rounds=3, machine_id="short", run_id="short")
        table = over_machines.each(studied([*cluster(3), *short])).tables[0]
        assert ["short", "3"] in [row[:2] for row in table.rows]
        assert "fewer than 4 rounds" in [row[3] for row in table.rows]
        assert table.rows[-1][:2] == ["all 3", "18"]

    def test_of_many_machines_the_ends_are_shown(self, studied):
        table = over_machines.each(studied(cluster(14, rounds=4, epochs=6))).tables[0]
        assert table.title.endswith(", the 5 lowest and the 5 highest ratios of 14 machines")
        assert len(table.rows) == 11

    def test_a_machine_where_nothing_succeeded_is_named(self, studied):
        study = studied(cluster(5, broken=4))
        (broken,) = {row.machine_id for row in study.rows if not row.good}
        assert over_machines.section(study).paragraphs[1] == (
            f"Nothing succeeded on machine {broken[:8]} (18 trials)."
        )
        assert answer(study).machines == 4

    def test_a_folder_of_one_machine_says_nothing_of_it(self, studied):
        study = studied(cluster(1))
        assert not over_machines.section(study)
        assert not over_machines.each(study)

    def test_modes_are_named_where_two_of_one_backend_are_compared(self, studied):
        records = [
            record
            for number in range(3)
            for mode in ("fit", "native")
            for record in campaign(
                rounds=4, machine_id=f"m{number}", run_id=f"run {number}", mode=mode, epochs=6
            )
        ]
        (table,) = over_machines.section(studied(records)).tables
        assert len(table.rows) == 9
        assert {"JAX fit / JAX native", "JAX native / JAX fit"} & {row[0] for row in table.rows}


class TestFewMachines:
    def test_the_rows_of_a_few_machines_are_all_shown(self, studied):
        study = studied(cluster(4))
        assert few_machines(study) is study

    def test_of_more_those_of_one_are_and_a_sentence_says_so(self, studied):
        study = studied(cluster(6, broken=5))
        document = compose(study)
        shown = answer(study).shown
        results = document.section("results")
        assert results.paragraphs[0] == f"On machine {shown}; 4 further machines measured the same."
        assert [len(table.rows) for table in results.tables] == [3]
        assert [len(table.rows) for table in document.section("verdicts").tables] == [3]

    def test_its_figures_are_those_of_the_whole(self, studied):
        study = studied(cluster(6))
        few = few_machines(study)
        (machine,) = {row.machine_id for row in few.rows}
        whole = [one for one in study.answers.pairs if one.machine_id == machine]
        assert [one.speed.verdict for one in few.answers.pairs] == [
            one.speed.verdict for one in whole
        ]
        assert [one.quality for one in few.answers.pairs] == [one.quality for one in whole]

    def test_what_only_one_machine_measured_stays(self, studied, about):
        other = campaign(rounds=4, machine_id="other", run_id="other", scenario="dcn")
        few = few_machines(studied([*cluster(6), *other]))
        assert {(row.cell.scenario, row.machine_id) for row in few.rows} >= {("dcn", "other")}
        assert len(few.rows) == 6
