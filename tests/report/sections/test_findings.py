"""The page of findings says what the records and their verdicts say, and no more."""

from __future__ import annotations

import re

import msgspec
import pytest

from harness.analysis.speed.verdict import Verdict
from harness.analysis.study import study_of
from harness.report.outputs import markdown
from harness.report.sections import findings
from harness.report.sections.findings import Campaign
from tests.report.made_up import campaign, ladder_campaign


@pytest.fixture
def page(about):
    """The Markdown of the findings of one made-up campaign."""

    def make(records, anatomy=None):
        study = study_of(records, about=about, anatomy=anatomy)
        made = Campaign(folder="results/made-up", study=study)
        return markdown.render(findings.compose([made], "harness findings results/made-up"))

    return make


@pytest.fixture
def climbed():
    return list(
        ladder_campaign(rounds=12, epochs=8, first_step_s={"fit": 0.5, "tuned": 0.4, "native": 6.0})
    )


def section(text, heading):
    return text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_the_report_has_them_as_a_section(about, climbed):
    evidence = study_of(climbed, about=about)
    texts = [bullet.text for bullet in findings.section(evidence).bullets]
    assert re.match(r"PyTorch takes \d.* the step time of JAX under fit, and", texts[1])
    assert any(text.startswith("PyTorch: ") and "the step time of fit" in text for text in texts)
    assert any("PyTorch, fit → tuned" in text for text in texts)
    one_mode = list(campaign(rounds=4))
    assert not findings.section(study_of(one_mode, about=about))


def test_each_pair_is_told_under_fit_and_by_hand(page, climbed):
    told = section(page(climbed), "In short")
    # The slower one first, as in the verdicts.
    assert re.search(r"TensorFlow takes [12]\.\d.* the step time of JAX under fit, and", told)
    assert "PyTorch takes " in told
    assert "TensorFlow: " in told


def test_a_difference_that_is_gone_without_keras_is_given_as_a_share():
    assert "50% of the difference" in findings._driven(4.0, 2.0)
    assert not findings._driven(4.0, 5.0), "by hand it is larger: nothing of it is gone"
    assert not findings._driven(4.0, 0.5), "by hand it is the other way round"
    assert not findings._driven(1.01, 1.0), "there is hardly a difference to explain"


def test_advice_names_only_rungs_with_a_verdict_and_says_from_which_step_on(page, climbed):
    advice = section(page(climbed), "What follows")
    assert advice.count("tuned takes 0.") == 3
    assert "from the first step on" in advice
    assert "Leaving Keras altogether" in advice


def test_without_enough_rounds_nothing_is_advised(page):
    advice = section(page(ladder_campaign(rounds=2, epochs=8)), "What follows")
    assert advice.count("no Keras mode is shown to be faster than fit here") == 3


def test_what_ran_is_told_by_what_changes_between_rungs(page, climbed):
    changed = [
        msgspec.structs.replace(one, engine={**one.engine, "loop": "one call for an epoch"})
        if one.cell.mode == "custom_loop"
        else one
        for one in climbed
    ]
    gaps = section(page(changed), "What closes each gap")
    assert "JAX, tuned → custom_loop, 0." in gaps
    assert "loop: – → one call for an epoch" in gaps
    assert "JAX, custom_loop → native" in gaps


def test_the_page_says_how_it_is_made_again_and_on_which_machine(page, climbed):
    where = section(page(climbed), "Where this comes from")
    assert "`harness findings results/made-up`" in where
    assert "144 trials on" in where


def test_records_of_one_mode_make_a_page_without_a_ladder(page):
    text = page(campaign(rounds=4, epochs=8))
    assert "The ladder" not in text
    assert "Where this comes from" in text


def test_hostile_engine_facts_stay_text(page, climbed):
    hostile = [
        msgspec.structs.replace(one, engine={"<script>": "](javascript:alert(1))"})
        if one.cell.mode == "tuned"
        else one
        for one in climbed
    ]
    text = page(hostile)
    assert "<script>" not in text
    assert "](javascript" not in text.replace("\\](", ""), "only with a backslash before it"


def over_native(kind, ratio):
    # fmt: off
    return Verdict(
        kind=kind, ratio=ratio, low=0.9 * ratio, high=1.1 * ratio, confidence=0.95, margin=0.02,
        rounds=12, further_rounds=None, reason="made up",
    )
    # fmt: on


def test_leaving_keras_is_advised_only_where_it_is_shown_to_be_faster():
    told = findings._without_keras("tuned", over_native("slower", 1.4))
    assert told.endswith("would bring tuned from 1.4× (1.3–1.5) to 1 times native.")
    for ratio in (0.98, 1.03):
        told = findings._without_keras("custom_loop", over_native("inconclusive", ratio))
        assert "is not shown to gain anything" in told
        assert told.endswith("(not settled) the step time of native.")
    unknown = msgspec.structs.replace(over_native("inconclusive", 1.0), ratio=None)
    assert not findings._without_keras("tuned", unknown)
