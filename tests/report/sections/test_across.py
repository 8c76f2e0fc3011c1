"""A folder of several scenarios: what it leads with, and the tables behind that."""

from __future__ import annotations

import re

import msgspec
import pytest

from harness.analysis.study import study_of
from harness.report.sections import across
from harness.report.sections.answer import answer
from harness.report.sections.compose import compose
from tests.report.made_up import campaign


def family(rounds=6, *, slower=None):
    """Two scenarios; in the second one some backends are slower by a factor."""
    first = list(campaign(rounds=rounds))
    return first + list(campaign(rounds=rounds, scenario="dcn", run_id="other", slower=slower))


@pytest.fixture
def studied(about):
    known = {"ranking": about["ranking"], "dcn": about["ranking"]}
    return lambda records: study_of(records, about=known)


def test_it_leads_with_the_mean_and_then_says_what_the_first_scenario_shows(studied):
    said = answer(studied(family()))
    assert re.fullmatch(
        r"Over 2 scenarios JAX is fastest, in the geometric mean: \d\.\d+× TensorFlow \([\d.–]+\), "
        r"\d\.\d+× PyTorch \([\d.–]+\)\. In ranking, JAX is fastest here: .* All three learn the "
        r"same there\.",
        said.sentence,
    )
    assert said.quality.startswith("Yes: test RMSE within ")
    assert said.quality.endswith(" common seeds, in ranking.")


def test_a_caveat_of_several_scenarios_is_said_once_with_their_number(studied):
    records = [
        msgspec.structs.replace(record, quality=msgspec.structs.replace(record.quality, value=0.5))
        if record.cell.backend == "jax"
        else record
        for record in family()
    ]
    said = answer(studied(records))
    assert "2 × not all learned the same" in said.caveats
    assert len(said.caveats) == len(set(said.caveats))
    assert said.sentence.endswith("They do NOT all learn the same there.")


def test_one_that_wins_here_and_loses_there_is_not_called_the_fastest(studied):
    said = answer(studied(family(slower={"jax": 4.0})))
    assert said.sentence.startswith(
        "Over 2 scenarios none is called the fastest: in the geometric mean "
    )
    assert "JAX is fastest, in" not in said.sentence
    assert re.search(r"PyTorch takes \d\.\d+× TensorFlow's time \([\d.–]+\)", said.sentence)


def test_one_that_learns_worse_is_not_called_the_fastest_and_the_scenario_is_named(studied):
    records = [
        msgspec.structs.replace(record, quality=msgspec.structs.replace(record.quality, value=0.5))
        if (record.cell.scenario, record.cell.backend) == ("dcn", "jax")
        else record
        for record in family()
    ]
    assert "; JAX learns worse in dcn." in answer(studied(records)).sentence


def test_too_few_rounds_give_no_mean(studied):
    said = answer(studied(family(rounds=3)))
    assert said.sentence.startswith(
        "Over 2 scenarios there is no verdict: each pair needs 4 complete rounds in each."
    )


def test_the_tables_have_every_scenario_and_every_pair(studied):
    found = across.section(studied(family()))
    relative, means = found.tables
    assert [column.header for column in relative.columns] == [
        "scenario",
        "JAX",
        "TensorFlow",
        "PyTorch",
    ]
    assert [row[:2] for row in relative.rows] == [["dcn", "1.00"], ["ranking", "1.00"]]
    assert [row[0] for row in means.rows] == [
        "TensorFlow / JAX",
        "PyTorch / JAX",
        "PyTorch / TensorFlow",
    ]
    assert {row[3] for row in means.rows} == {"slower"}


def test_a_folder_of_one_scenario_says_nothing_of_it(studied):
    study = studied(list(campaign(rounds=6)))
    assert not across.section(study)
    assert answer(study).sentence.startswith("JAX is fastest here")


def test_the_table_and_the_sentence_have_the_same_figures(studied):
    study = studied(family())
    document = compose(study)
    _, means = document.section("across").tables
    for pair, ratio, interval, _ in means.rows[:2]:
        assert f"{ratio} {pair.partition(' / ')[0]} ({interval})" in document.lead[0]
