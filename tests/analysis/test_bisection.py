"""The search: which version comes next, and what the steps say together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.bisection import conclusion, most_campaigns, next_version
from harness.records.bisection import Bisection, Question, Step

ASKED = Question(
    scenario="s", backend="jax", package="p", good="0", bad="9", rules="slower:5%", asked={}
)


def search(outcomes):
    """The log and the conclusion where version ``i`` is measured as ``outcomes[i]``."""
    versions = [str(i) for i in range(len(outcomes))]
    log, tried = Bisection(question=ASKED, versions=versions), set()
    while (version := next_version(log, tried)) is not None:
        outcome = outcomes[int(version)]
        tried |= {version} - {v for v in [version] if outcome in {"good", "bad"}}
        step = Step(version=version, outcome=outcome, reason="", ended_at="")
        log = Bisection(question=ASKED, versions=versions, steps=[*log.steps, step])
        assert len(log.steps) <= len(versions)
    return log, conclusion(log, tried)


@given(st.integers(2, 200), st.data())
def test_the_first_bad_version_is_found_in_as_many_campaigns_as_promised(number, data):
    first = data.draw(st.integers(1, number - 1))
    log, found = search(["good"] * first + ["bad"] * (number - first))
    assert (found.kind, found.suspects, found.before) == ("found", [str(first)], str(first - 1))
    assert len(log.steps) <= most_campaigns(number)


def test_eight_versions_take_four_campaigns_at_most():
    assert most_campaigns(8) == 4


@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_what_has_no_answer_stays_among_the_suspects_and_never_leads_astray(fine, slow, data):
    kinds = ["good"] * fine + ["bad"] * slow
    lost = data.draw(st.sets(st.integers(1, len(kinds) - 1)))
    outcomes = [
        data.draw(st.sampled_from(["open", "skipped"])) if i in lost else kind
        for i, kind in enumerate(kinds)
    ]
    _, found = search(outcomes)
    if len(kinds) - 1 in lost:
        assert found.kind == "open"
        return
    assert str(fine) in found.suspects
    assert all(int(one) in lost for one in found.suspects[:-1])
    assert found.kind == ("found" if len(found.suspects) == 1 else "several")


def test_nothing_is_looked_for_where_the_bad_version_is_good():
    log, found = search(["good"] * 5)
    assert found.kind == "not bad"
    assert [step.version for step in log.steps] == ["4"]


def test_what_had_no_answer_is_asked_again_by_another_command():
    step = Step(version="2", outcome="open", reason="", ended_at="")
    log = Bisection(question=ASKED, versions=["0", "1", "2"], steps=[step])
    assert next_version(log, tried={"2"}) is None
    assert next_version(log, tried=set()) == "2"
